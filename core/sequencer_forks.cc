// Changes of the store: forks made, discarded and merged, main protected.
//
// Each is one control record, and a merge is one with the batches it appended behind it.  What a request did is kept in
// its record, so that the same request_id answers the same, for ever.
#include <algorithm>
#include <cctype>
#include <cstring>

#include "core/brief_lock.h"
#include "core/check.h"
#include "core/permission.h"
#include "core/replay_match.h"
#include "core/sequencer.h"

namespace chronos {
namespace {

constexpr size_t kForkNameBytes = 64;

Error invalid(std::string message) { return {Code::kInvalidArgument, std::move(message), {}}; }

// So that fork@position reads the same in a URI, a shell and a sentence.
Result<void> check_fork_name(std::string_view name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
  if (!name.empty() && name.size() <= kForkNameBytes && plain &&
      std::isalnum(static_cast<unsigned char>(name[0])) != 0) {
    return {};
  }
  return invalid("fork name '" + std::string(name.substr(0, kForkNameBytes)) +
                 "' is not usable; give 1 to 64 letters, digits, '-', '_' or '.', the first a letter or digit");
}

// What was asked, for comparison with a repeated request.
std::string request_text(const NewFork& wanted) {
  std::string text = "create_fork\n" + wanted.name + '\n' + wanted.from.fork + '\n';
  if (wanted.from.position) text += "p" + std::to_string(wanted.from.position->value);
  if (wanted.from.time) text += "t" + std::to_string(wanted.from.time->value);
  text += '\n' + wanted.purpose + '\n';
  if (wanted.ttl_seconds) text += std::to_string(*wanted.ttl_seconds);
  return text;
}

// The heads are left out: a repeated request may come with the token of another preview.
std::string request_text(const MergeRequest& wanted) {
  Condition only;
  only.kind = Condition::Kind::kSomeMatch;
  only.match = wanted.only;
  std::string text = "merge_fork\n" + wanted.source + '\n' + wanted.target + '\n';
  text += std::to_string(static_cast<int>(wanted.on_conflict)) + '\n';
  if (!wanted.only.empty()) text += encode_conditions({only});
  return text;
}

Merged outcome_of(const ForkMerged& change, const Store::MergeCommit& wanted, Timestamp merged_at) {
  Merged merged;
  merged.source = wanted.request.source;
  merged.merged_at = merged_at;
  merged.appended = change.appended;
  merged.skipped = change.skipped;
  merged.duplicates = change.duplicates;
  if (change.appended > 0) {
    merged.first_position = Position{change.target_head.value + 1};
    merged.last_position = Position{change.target_head.value + change.appended};
  }
  return merged;
}

Error moved_target(const MergePlan& plan, Position head) {
  return {Code::kConflict,
          "fork '" + plan.target + "' has moved from position " + std::to_string(plan.target_head.value) + " to " +
              std::to_string(head.value) +
              " since the preview; nothing was merged; ask for a new preview (merge_fork without preview_token) and "
              "decide again",
          "{\"previewed\":" + std::to_string(plan.target_head.value) + ",\"head\":" + std::to_string(head.value) + "}"};
}

Result<void> check_request_id(std::string_view request_id) {
  if (request_id.empty()) return {};
  return check_name("request_id", request_id, Limits{}.id_bytes);
}

}  // namespace

Lsn Sequencer::stage_change(const Change& change, const Effect& effect, Timestamp now) {
  const ControlRecord encoded = encode_change(change, now);
  char* const record = change_records_.allocate(encoded.bytes.size(), kSimdPadding);
  std::memcpy(record, encoded.bytes.data(), encoded.bytes.size());
  staged_.value++;
  seal_record(record, {staged_, durable_, effect.goes_on}, encoded.body_hash);
  Pending pending;
  pending.record = {record, encoded.bytes.size()};
  unsealed_changes_ += pending.record;
  pending.fork = effect.fork;
  pending.then = effect.then;
  if (effect.fork != nullptr) {
    pending.segment = effect.fork->own;
    pending.events = effect.fork->own->staged_events();
  }
  pending_.push_back(std::move(pending));
  count(bytes_in_flight_, encoded.bytes.size());
  const std::string_view request_id = request_id_of(record);
  if (!request_id.empty()) remember_request(request_id, record, kMainFork);
  return staged_;
}

// The change that a request made, if it was carried out before.
Result<std::optional<Sequencer::KnownChange>> Sequencer::find_change(std::string_view request_id,
                                                                     const std::string& request) const {
  if (request_id.empty()) return std::optional<KnownChange>();
  const auto found = find_request(request_id, nullptr);
  if (!found) return found.error();
  if (found->record == nullptr) return std::optional<KnownChange>();
  const LogRecord before = record_at(found->record);
  if (before.kind == RecordKind::kControl) {
    auto decoded = decode_change(before);
    CHECK(decoded.has_value());
    const std::string* asked = request_of(decoded->change);
    if (asked != nullptr && *asked == request) return std::optional(KnownChange{*std::move(decoded), before.lsn});
  }
  return Error{Code::kIdReused,
               "request_id '" + std::string(request_id) +
                   "' was used before for another request; use a new request_id for a new request",
               {}};
}

// --- create ---

Result<Lsn> Sequencer::create_fork(const NewFork& wanted, std::shared_ptr<Fork>& made) {
  if (auto ok = check_fork_name(wanted.name); !ok) return ok.error();
  if (auto ok = check_request_id(wanted.request_id); !ok) return ok.error();
  const std::lock_guard lock(mutex_);
  if (fault_) return read_only_error();
  const std::string request = request_text(wanted);
  const auto before = find_change(wanted.request_id, request);
  if (!before) return before.error();
  if (*before) {
    made = env_.forks.by_id(std::get<ForkCreated>((*before)->decoded.change).fork);
    if (made != nullptr) return (*before)->lsn;
    return Error{Code::kNotFound, "fork '" + wanted.name + "' was created by this request and discarded since", {}};
  }
  if (env_.forks.name_taken(wanted.name)) {
    return invalid("fork name '" + wanted.name + "' is taken, now or by a fork that was discarded; choose another");
  }
  const auto parent = env_.forks.find(wanted.from.fork, env_.clock);
  if (!parent) return parent.error();
  if (env_.forks.is_closed((*parent)->id)) {
    return Error{Code::kNotFound, "fork '" + wanted.from.fork + "' was discarded; fork another one", {}};
  }
  const View view = ForkTable::view(**parent);
  Position point = view.head();
  if (wanted.from.position) point = *wanted.from.position;
  if (wanted.from.time) point = view.position_at(*wanted.from.time);
  if (point > view.head()) {
    return invalid("position " + std::to_string(point.value) + " is past the head of fork '" + wanted.from.fork +
                   "', which is at " + std::to_string(view.head().value) + "; fork at a position up to that");
  }
  const Timestamp now = next_time();
  // A fork goes with the one it was made of.
  std::optional<Timestamp> expires = (*parent)->expires_at;
  if (wanted.ttl_seconds) {
    const Timestamp own{now.value + static_cast<int64_t>(*wanted.ttl_seconds) * 1'000'000};
    expires = expires ? std::min(*expires, own) : own;
  }
  made = env_.forks.add({wanted.name, (*parent)->id, point, now, expires, wanted.purpose, wanted.principal.name});
  const ForkCreated change{made->id,     (*parent)->id,     point,  expires, wanted.name, wanted.purpose,
                           wanted.principal.name, wanted.request_id, request};
  return stage_change(change, {.fork = made, .then = Pending::Then::kShow}, now);
}

// --- discard ---

Lsn Sequencer::stage_discard(const std::shared_ptr<Fork>& fork, ForkDiscarded change, Timestamp now) {
  change.fork = fork->id;
  keep_requests_of(*fork);
  env_.forks.close(fork->id, now, change.reason);
  return stage_change(change, {.fork = fork, .then = Pending::Then::kHide}, now);
}

Result<Lsn> Sequencer::discard_fork(const DiscardRequest& wanted, DiscardedFork& discarded) {
  if (auto ok = check_request_id(wanted.request_id); !ok) return ok.error();
  const std::lock_guard lock(mutex_);
  if (fault_) return read_only_error();
  discarded.fork = wanted.name;
  const std::string request = "discard_fork\n" + std::string(wanted.name) + '\n' + std::string(wanted.reason);
  const auto before = find_change(wanted.request_id, request);
  if (!before) return before.error();
  if (*before) {
    discarded.discarded_at = (*before)->decoded.recorded_at;
    discarded.replayed = true;
    return (*before)->lsn;
  }
  const auto fork = env_.forks.find(wanted.name, env_.clock);
  if (!fork) return fork.error();
  if (env_.forks.is_closed((*fork)->id)) {
    return Error{Code::kNotFound, "fork '" + discarded.fork + "' is being discarded by another call", {}};
  }
  if ((*fork)->id == kMainFork) return invalid("main cannot be discarded; discard a fork");
  if (auto allowed = may_discard(wanted.principal, wanted.name, (*fork)->owner); !allowed) return allowed.error();
  if (env_.forks.has_children((*fork)->id)) {
    return Error{Code::kConflict, "fork '" + discarded.fork + "' has forks of its own; discard those first", {}};
  }
  discarded.discarded_at = next_time();
  ForkDiscarded change;
  change.reason = wanted.reason;
  change.actor = wanted.principal.name;
  change.request_id = wanted.request_id;
  change.request = request;
  return stage_discard(*fork, std::move(change), discarded.discarded_at);
}

Result<Lsn> Sequencer::discard_expired() {
  const std::lock_guard lock(mutex_);
  if (fault_) return read_only_error();
  Lsn ticket;
  const Timestamp now = env_.clock.now();
  while (const std::shared_ptr<Fork> fork = env_.forks.expired(now)) {
    ForkDiscarded change;
    change.reason = "its time to live was over";
    change.actor = "store";
    ticket = stage_discard(fork, std::move(change), next_time());
  }
  return ticket;
}

// --- merge ---

Result<std::optional<Lsn>> Sequencer::find_merge(const Store::MergeCommit& wanted, Merged& merged) {
  if (auto ok = check_request_id(wanted.request_id); !ok) return ok.error();
  const std::lock_guard lock(mutex_);
  if (fault_) return read_only_error();
  return repeated_merge(wanted, merged);
}

Result<std::optional<Lsn>> Sequencer::repeated_merge(const Store::MergeCommit& wanted, Merged& merged) const {
  const auto before = find_change(wanted.request_id, request_text(wanted.request));
  if (!before) return before.error();
  if (!*before) return std::optional<Lsn>();
  const auto& change = std::get<ForkMerged>((*before)->decoded.change);
  merged = outcome_of(change, wanted, (*before)->decoded.recorded_at);
  const std::shared_ptr<Fork> target = env_.forks.by_id(change.target);
  merged.target = target == nullptr ? wanted.request.target : *target->name;
  merged.replayed = true;
  return std::optional((*before)->lsn);
}

// One group of records: what was merged, then the batches.  A reader of the log takes all of it or nothing, and readers
// of the store see all of it or nothing, since every record of it publishes up to the last one.
Result<Lsn> Sequencer::merge(const Store::MergeCommit& wanted, const MergePlan& plan, const std::vector<Batch>& batches,
                             Merged& merged) {
  const auto target = env_.forks.find(plan.target, env_.clock);
  if (!target) return target.error();
  const auto source = env_.forks.find(plan.source, env_.clock);
  if (!source) return source.error();
  const std::unique_lock lock = lock_soon(mutex_);
  if (fault_) return read_only_error();
  const auto before = repeated_merge(wanted, merged);
  if (!before) return before.error();
  if (*before) return **before;
  for (const auto* fork : {&*target, &*source}) {
    if (!env_.forks.is_closed((*fork)->id)) continue;
    return Error{Code::kNotFound, "fork '" + *(*fork)->name + "' was discarded meanwhile; nothing was merged", {}};
  }
  if ((*target)->staged_head() != plan.target_head) {
    return moved_target(plan, (*target)->staged_head());
  }
  if ((*target)->own->staged_events() + plan.would_append >= UINT32_MAX - 1) {
    return Error{Code::kTooLarge, "fork '" + plan.target + "' is full; continue in a new store", {}};
  }
  for (const Batch& batch : batches) meet_streams(batch, **target);
  const Timestamp now = next_time();
  ForkMerged change;
  change.source = (*source)->id;
  change.target = (*target)->id;
  change.source_head = plan.source_head;
  change.target_head = plan.target_head;
  change.appended = plan.would_append;
  change.skipped = plan.skipped;
  change.duplicates = plan.duplicates;
  change.actor = wanted.principal.name;
  change.request_id = wanted.request_id;
  change.request = request_text(wanted.request);
  const size_t first = pending_.size();
  stage_change(change, {.fork = *target, .then = Pending::Then::kPublish, .goes_on = !batches.empty()}, now);
  for (size_t i = 0; i < batches.size(); i++) {
    meet_streams(batches[i], **target);
    char* const record = (*target)->own->allocate_record(batches[i].length);
    commit(batches[i], record, *target, {.goes_on = i + 1 < batches.size()});
  }
  for (size_t i = first; i < pending_.size(); i++) pending_[i].events = (*target)->own->staged_events();
  merged = outcome_of(change, wanted, now);
  merged.target = plan.target;
  return staged_;
}

// --- settings ---

Result<Lsn> Sequencer::protect_main(bool is_protected, std::string_view actor) {
  const std::lock_guard lock(mutex_);
  if (fault_) return read_only_error();
  if (is_protected == main_protected()) return staged_;
  main_protected_.store(is_protected, std::memory_order_relaxed);
  return stage_change(MainProtected{is_protected, std::string(actor)}, {}, next_time());
}

void Sequencer::set(std::string_view name, std::string_view value) {
  if (value.empty()) {
    settings_.erase(std::string(name));
  } else {
    settings_[std::string(name)] = value;
  }
  settings_version_.fetch_add(1, std::memory_order_release);
}

Result<Lsn> Sequencer::change_setting(std::string_view name, std::string_view value, std::string_view actor) {
  const std::lock_guard lock(mutex_);
  if (fault_) return read_only_error();
  const auto known = settings_.find(std::string(name));
  if (value == (known == settings_.end() ? std::string_view() : std::string_view(known->second))) return staged_;
  set(name, value);
  return stage_change(SettingChanged{std::string(name), std::string(value), std::string(actor)}, {}, next_time());
}

std::map<std::string, std::string> Sequencer::settings() const {
  const std::lock_guard lock(mutex_);
  return settings_;
}

}  // namespace chronos
