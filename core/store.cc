#include "core/store.h"

#include <algorithm>

#include "core/backup.h"
#include "core/damage.h"
#include "core/fork_table.h"
#include "core/permission.h"
#include "core/scan.h"
#include "core/sealed_store.h"
#include "core/sealer.h"
#include "core/sequencer.h"
#include "core/verify.h"

namespace chronos {
namespace {

// The events the caller did not know of, read where nobody waits.
std::vector<Position> missed_events(const Conflict& conflict) {
  std::vector<Position> missed;
  const Condition& condition = conflict.condition;
  switch (condition.kind) {
    case Condition::Kind::kStreamVersion: {
      const PositionList stream = conflict.view.stream(condition.stream);
      for (size_t i = condition.version.value; i < stream.size() && missed.size() < Conflict::kMaxMissed; i++) {
        missed.push_back(stream[i]);
      }
      return missed;
    }
    case Condition::Kind::kNoneMatch:
      return find_matches(conflict.view, condition.match, Position{conflict.first_match.value - 1},
                          Conflict::kMaxMissed);
    case Condition::Kind::kHead:
      for (uint64_t p = condition.position.value + 1;
           p <= conflict.actual_head.value && missed.size() < Conflict::kMaxMissed; p++) {
        missed.push_back(Position{p});
      }
      return missed;
    case Condition::Kind::kStreamExists:
    case Condition::Kind::kSomeMatch: return missed;
  }
  return missed;
}

constexpr uint64_t kLeastMemory = uint64_t{64} << 20;
constexpr uint64_t kMostSealedAtOnce = uint64_t{64} << 20;
constexpr uint64_t kMostMergedEvents = uint64_t{1} << 24;

Sealer::Options sealing_options(const StoreOptions& options) {
  const uint64_t memory = std::max(options.max_memory, kLeastMemory);
  Sealer::Options sealing;
  sealing.seal_bytes = options.seal_bytes.value_or(std::min(memory / 16, kMostSealedAtOnce));
  sealing.most_unsealed = std::max(memory / 2, 2 * sealing.seal_bytes);
  sealing.most_held = memory / 3 * 2;
  sealing.most_merged = std::min(memory / 64, kMostMergedEvents);
  sealing.in_background = options.seal_in_background;
  return sealing;
}

}  // namespace

// Owned parts, in the order in which they are needed; destroyed the other way round.
class Store::Engine {
 public:
  Engine(const StoreOptions& options, std::unique_ptr<DirectoryLock> lock, std::unique_ptr<Log> log,
         std::unique_ptr<SealedStore> sealed)
      : limits(options.limits),
        allow_os_durability(options.allow_os_durability),
        clock(*options.clock),
        disk(*options.disk),
        directory(options.directory),
        states(std::max(options.max_memory, kLeastMemory) / 16),
        lock_(std::move(lock)),
        log_(std::move(log)),
        sealed_(std::move(sealed)),
        sequencer({*log_, *options.clock, *options.random, forks}) {}

  Result<void> recover() {
    const Lsn sealed = sealed_->manifest().sealed;
    if (sealed.value > 0) {
      auto taken = sequencer.recover_sealed(
          *sealed_, [this](ForkId fork, const std::string& name) { return sealed_->open_segments(fork, name); });
      if (!taken) return taken;
    }
    const auto visit = [this](const LogRecord& record, const std::shared_ptr<const char[]>& memory) {
      return sequencer.recover(record, memory);
    };
    auto end = log_->replay(visit, sealed);
    if (!end) return end.error();
    recovery_report = end->cut_report;
    return sequencer.finish_recovery(end->last);
  }
  void start_sealing(const StoreOptions& options) { sealer.emplace(sequencer, *sealed_, sealing_options(options)); }

  // By the sealer's thread, or while nothing is sealed.
  const Manifest& sealed_manifest() const { return sealed_->manifest(); }

  struct MergeSides {
    View source;
    View target;
  };
  Result<MergeSides> merge_sides(const MergeRequest& request) const;

  const Limits limits;
  const bool allow_os_durability;
  Clock& clock;
  Disk& disk;
  const std::string directory;
  std::string recovery_report;
  StateCache states;

 private:
  std::unique_ptr<DirectoryLock> lock_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<SealedStore> sealed_;

 public:
  ForkTable forks;
  Sequencer sequencer;
  std::optional<Sealer> sealer;
};

Result<Store::Engine::MergeSides> Store::Engine::merge_sides(const MergeRequest& request) const {
  const auto source = forks.find(request.source, clock);
  if (!source) return source.error();
  if (request.target.empty() && (*source)->id == kMainFork) {
    return Error{Code::kInvalidArgument, "main has no parent to merge into; name the fork to merge into", {}};
  }
  const auto target = request.target.empty() ? forks.parent_of(**source, clock) : forks.find(request.target, clock);
  if (!target) return target.error();
  if (forks.descends_from(**target, (*source)->id)) {
    const bool itself = (*target)->id == (*source)->id;
    return Error{Code::kInvalidArgument,
                 "fork '" + request.source + "' cannot be merged into " +
                     (itself ? "itself" : "'" + request.target + "', which was made of it") +
                     "; merge into its parent, or into a fork beside it",
                 {}};
  }
  return MergeSides{ForkTable::view(**source), ForkTable::view(**target)};
}

Store::Store(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}

Store::~Store() {
  engine_->sealer.reset();
  engine_->sequencer.mark_quiet();
}

Result<std::unique_ptr<Store>> Store::open(const StoreOptions& options) {
  Disk& disk = *options.disk;
  if (auto made = disk.create_directories(options.directory); !made) return made.error();
  auto lock = disk.lock(options.directory + "/LOCK");
  if (!lock) return lock.error();
  auto log = open_local_log(disk, {options.directory + "/log", options.log_file_bytes});
  if (!log) return log.error();
  auto sealed = SealedStore::open(disk, options.directory + "/segments");
  if (!sealed) return sealed.error();
  auto engine = std::make_unique<Engine>(options, std::move(*lock), std::move(*log), std::move(*sealed));
  if (auto recovered = or_damage([&] { return engine->recover(); }); !recovered) return recovered.error();
  engine->start_sealing(options);
  return std::unique_ptr<Store>(new Store(std::move(engine)));
}

StateCache& Store::states() const { return engine_->states; }

const Limits& Store::limits() const { return engine_->limits; }

// --- writing ---

Result<void> Store::check_durability(const Batch& batch) const {
  if (batch.head.durability == Durability::kFsync || engine_->allow_os_durability) return {};
  return Error{
      Code::kPermissionDenied, "this store acknowledges only after the disk has it; use durability \"fsync\"", {}};
}

Result<Store::Staged> Store::stage(Batch batch) {
  if (auto allowed = may_append(batch); !allowed) return allowed.error();
  if (auto allowed = check_durability(batch); !allowed) return allowed.error();
  if (auto room = engine_->sealer->make_room(); !room) return room.error();
  return or_damage([&] { return engine_->sequencer.stage(batch); });
}

Result<void> Store::settle(Lsn ticket) { return engine_->sequencer.settle(ticket); }

Result<AppendOutcome> Store::append(Batch&& batch) {
  if (auto allowed = may_append(batch); !allowed) return allowed.error();
  discard_expired();
  if (auto allowed = check_durability(batch); !allowed) return allowed.error();
  if (auto room = engine_->sealer->make_room(); !room) return room.error();
  return or_damage([&] {
    auto outcome = engine_->sequencer.append(batch);
    if (outcome && outcome->conflict) outcome->conflict->missed = missed_events(*outcome->conflict);
    return outcome;
  });
}

uint64_t Store::bytes_in_flight() const { return engine_->sequencer.bytes_in_flight(); }

Result<ForkInfo> Store::create_fork(const NewFork& fork) {
  if (auto allowed = require_role(fork.principal, Role::kWriter, "create forks"); !allowed) return allowed.error();
  discard_expired();
  std::shared_ptr<Fork> made;
  const auto ticket = or_damage([&] { return engine_->sequencer.create_fork(fork, made); });
  if (!ticket) return ticket.error();
  if (auto settled = settle(*ticket); !settled) return settled.error();
  return engine_->forks.info(*made);
}

Result<DiscardedFork> Store::discard_fork(std::string_view name, std::string_view reason, const Principal& principal,
                                          std::string_view request_id) {
  if (auto allowed = require_role(principal, Role::kWriter, "discard forks"); !allowed) return allowed.error();
  discard_expired();
  DiscardedFork discarded;
  const auto ticket =
      or_damage([&] { return engine_->sequencer.discard_fork({name, reason, principal, request_id}, discarded); });
  if (!ticket) return ticket.error();
  if (auto settled = settle(*ticket); !settled) return settled.error();
  return discarded;
}

// What cannot be written down now will be by a later call: readers see the end of a fork without it.
void Store::discard_expired() {
  const Timestamp next = engine_->forks.next_expiry();
  if (next.value == INT64_MAX || next > engine_->clock.now()) return;
  const auto ticket = engine_->sequencer.discard_expired();
  if (ticket) static_cast<void>(settle(*ticket).has_value());
}

Result<MergePlan> Store::plan_merge(const MergeRequest& request) const {
  auto sides = engine_->merge_sides(request);
  if (!sides) return sides.error();
  return or_damage([&] { return chronos::plan_merge(sides->source, sides->target, request); });
}

Result<Merged> Store::merge(const MergeCommit& commit) {
  if (auto allowed = require_role(commit.principal, Role::kMerger, "merge"); !allowed) return allowed.error();
  discard_expired();
  if (auto room = engine_->sealer->make_room(); !room) return room.error();
  return or_damage([&] { return carry_out(commit); });
}

Result<Merged> Store::carry_out(const MergeCommit& commit) {
  Merged merged;
  const auto before = engine_->sequencer.find_merge(commit, merged);
  if (!before) return before.error();
  if (*before) {
    if (auto settled = settle(**before); !settled) return settled.error();
    return merged;
  }
  auto sides = engine_->merge_sides(commit.request);
  if (!sides) return sides.error();
  if (sides->target.head() < commit.target_head || sides->source.head() < commit.source_head) {
    return Error{
        Code::kInvalidArgument, "the preview is of a moment that these forks have not reached; preview again", {}};
  }
  // History does not change: what the preview saw is found again, and the sequencer refuses it if more has come since.
  const View source = sides->source.cut(commit.source_head);
  auto plan = chronos::plan_merge(source, sides->target.cut(commit.target_head), commit.request);
  if (!plan) return plan.error();
  if (plan->is_blocked) {
    return Error{Code::kConflict,
                 "batches of fork '" + commit.request.source + "' are in conflict with '" + plan->target +
                     "'; nothing was merged; look at the preview, and merge with on_conflict skip or source_wins, or "
                     "a part with only",
                 {}};
  }
  const auto batches = build_merge(source, *plan, commit.request, commit.principal);
  if (!batches) return batches.error();
  if (auto allowed = may_merge(commit.principal, plan->target, *batches); !allowed) return allowed.error();
  const auto ticket = engine_->sequencer.merge(commit, *plan, *batches, merged);
  if (!ticket) return ticket.error();
  if (auto settled = settle(*ticket); !settled) return settled.error();
  return merged;
}

Result<void> Store::protect_main(bool is_protected, const Principal& principal) {
  if (auto allowed = require_role(principal, Role::kAdmin, "protect main"); !allowed) return allowed.error();
  const auto ticket = engine_->sequencer.protect_main(is_protected, principal.name);
  return ticket ? settle(*ticket) : ticket.error();
}

Result<void> Store::change_setting(std::string_view name, std::string_view value, const Principal& principal) {
  if (auto allowed = require_role(principal, Role::kAdmin, "change settings"); !allowed) return allowed.error();
  constexpr size_t kNameBytes = 64;
  constexpr size_t kValueBytes = size_t{64} << 10;
  const bool is_name = !name.empty() && name.size() <= kNameBytes &&
                       name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._") == std::string_view::npos;
  if (!is_name) {
    return Error{Code::kInvalidArgument,
                 "'" + std::string(name.substr(0, kNameBytes)) +
                     "' is no name of a setting: give 1 to 64 lower-case letters, digits, '.' and '_'",
                 {}};
  }
  if (value.size() > kValueBytes) {
    return Error{Code::kTooLarge,
                 "the value of " + std::string(name) + " has " + std::to_string(value.size()) +
                     " bytes, a setting takes 65536",
                 {}};
  }
  const auto ticket = engine_->sequencer.change_setting(name, value, principal.name);
  return ticket ? settle(*ticket) : ticket.error();
}

std::map<std::string, std::string> Store::settings() const { return engine_->sequencer.settings(); }

std::string Store::setting(std::string_view name) const {
  const auto all = settings();
  const auto found = all.find(std::string(name));
  return found == all.end() ? std::string() : found->second;
}

uint64_t Store::settings_version() const { return engine_->sequencer.settings_version(); }

Result<void> Store::seal() { return engine_->sealer->seal(); }

Result<BackupReport> Store::backup(const std::string& directory) {
  // Found out before the work, and once more with it.
  if (auto empty = require_empty(engine_->disk, directory); !empty) return empty.error();
  discard_expired();
  BackupReport report;
  const auto done = engine_->sealer->seal_and([&]() -> Result<void> {
    auto copied =
        copy_sealed(engine_->disk, engine_->directory, engine_->sealed_manifest(), directory, BackupLog::kEmpty);
    if (!copied) return copied.error();
    report = *copied;
    return {};
  });
  if (!done) return done.error();
  return report;
}

void Store::mark_quiet() {
  discard_expired();
  engine_->sequencer.mark_quiet();
}

// --- reading ---

Result<View> Store::view(const Address& address) const {
  return or_damage([&] { return view_at(address); });
}

Result<View> Store::view_at(const Address& address) const {
  const auto fork = engine_->forks.find(address.fork, engine_->clock);
  if (!fork) return fork.error();
  View view = ForkTable::view(**fork);
  if (address.position && address.time) {
    return Error{Code::kInvalidArgument, "as_of is a position or a time, not both; give one", {}};
  }
  if (address.time) return view.cut(view.position_at(*address.time));
  if (!address.position) return view;
  if (*address.position > view.head()) {
    return Error{Code::kInvalidArgument,
                 "position " + std::to_string(address.position->value) + " is past the head of fork '" + address.fork +
                     "', which is at " + std::to_string(view.head().value) + "; ask for a position up to that",
                 "{\"head\":" + std::to_string(view.head().value) + "}"};
  }
  return view.cut(*address.position);
}

std::vector<ForkInfo> Store::forks() const { return engine_->forks.list(engine_->clock.now()); }

uint64_t Store::records() const { return engine_->sequencer.last_lsn().value; }

uint64_t Store::unsealed_bytes() const { return engine_->sequencer.unsealed_bytes(); }

StoreStatus Store::status() const {
  StoreStatus status;
  status.read_only_reason = engine_->sequencer.read_only_reason();
  status.recovery_report = engine_->recovery_report;
  status.store_id = engine_->sequencer.store_id();
  status.log_records = engine_->sequencer.last_lsn().value;
  status.log_bytes = engine_->sequencer.unsealed_bytes();
  status.sealed_bytes = engine_->sealer->sealed_bytes();
  status.segments = engine_->sealer->segments();
  status.sealing_failure = engine_->sealer->failure();
  status.index_bytes = engine_->sequencer.index_bytes();
  status.allow_os_durability = engine_->allow_os_durability;
  status.main_protected = engine_->sequencer.main_protected();
  return status;
}

HistoryReport Store::verify(const std::function<bool(double done)>& go_on) const {
  constexpr double kFiles = 0.2;  // the share of the time that files take
  std::vector<View> views;
  std::vector<std::shared_ptr<const SealedSegment>> segments;
  for (const auto& fork : engine_->forks.shown()) {
    views.push_back(ForkTable::view(*fork));
    const std::shared_ptr<const HistoryLine> line = fork->line();
    for (const LinePiece& piece : *line) {
      auto sealed = std::dynamic_pointer_cast<const SealedSegment>(piece.segment);
      if (sealed != nullptr && sealed->fork_name() == *fork->name) segments.push_back(std::move(sealed));
    }
  }
  HistoryReport report;
  const auto of_files = [&](double done) { return go_on == nullptr || go_on(done * kFiles); };
  const auto of_events = [&](double done) { return go_on == nullptr || go_on(kFiles + done * (1 - kFiles)); };
  if (verify_files(segments, report, of_files)) verify_views(views, report, of_events);
  return report;
}

}  // namespace chronos
