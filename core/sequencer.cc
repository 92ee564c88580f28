// What happens to an append.
//
//   caller's thread            under the lock                     one of the callers, for all
//   parse, check, encode  ->   replay? conditions? number, copy -> write + fsync  ->  publish, wake
//
// The sequencer is a lock, not a thread.  Under it a batch is decided on (as if everything staged before it had
// happened, durable or not), given its positions, versions and time, entered in the indexes, and copied to memory that
// never moves.  Nobody else sees it there: a reader's view ends at the published count.
//
// Group commit.  Whoever then waits for a record first becomes the leader: it takes everything staged so far, writes
// it with one call, syncs once, publishes, and wakes the others; what is staged meanwhile is the next group, led by
// one of those who wait.  So there is no hand-over to another thread when a client is alone, and under load one sync
// carries as many commits as arrived during the one before (DeWitt et al., "Implementation Techniques for Main Memory
// Database Systems", 1984, section 4).  A group that need not be synced and that the log can take without a system
// call (Log::takes_at_once) is handed over under the lock.
//
// Gathering.  Clients that append again as soon as they are answered would fall into two groups that wait for each
// other's sync.  So when more than one waited around the last sync, the next group is not written before as many are
// there again: the last one to come leads.  The first one to come minds the time, and writes without those that are
// not there in a fraction of a millisecond.  When some were not, for the next few groups nobody is waited for.
//
// Conditions on a MATCH may have to look at all of history.  That part is done before the lock, on a view: history
// does not change, so what held up to position P holds for ever, and under the lock only the few events
// after P are left to check.
//
// Fault.  When a write or sync fails nobody knows what is on the disk.  The staged records are never published, those
// who wait are told, and nothing is staged any more: reading goes on, writing needs a restart, which reads the log
// back and finds out.
#include "core/sequencer.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <span>
#include <utility>

#include "core/brief_lock.h"
#include "core/check.h"
#include "core/replay_match.h"
#include "core/scan.h"
#include "core/version_tally.h"

namespace chronos {
namespace {

// So much memory at least the leader keeps ready for the next records, and what two groups like the last one take: the
// system takes its time to provide it, which must not be spent under the lock.
constexpr uint64_t kLeastAhead = uint64_t{128} << 10;
// A batch of this size on stays in the memory that it was built in: copying it takes longer than all else that is done
// under the lock.
constexpr size_t kKeptLength = size_t{64} << 10;
// So long a group waits for those who were in the last one.  Much less than the sync of a disk, much more than a client
// needs to be told and to come again.
constexpr std::chrono::microseconds kGatherFor{200};
constexpr unsigned kMostRest = 63;  // groups
// So many events ahead, what is needed of them is fetched into the caches: another processor may have written it.
constexpr size_t kFetchedAhead = 6;

bool is_match(const Condition& condition) {
  return condition.kind == Condition::Kind::kNoneMatch || condition.kind == Condition::Kind::kSomeMatch;
}

Appended appended_by(const char* record, const std::string& fork_name) {
  const Commit commit(record);
  Appended appended;
  appended.fork = fork_name;
  appended.first_position = commit.first_position();
  appended.last_position = commit.last_position();
  appended.recorded_at = commit.recorded_at();
  appended.durability = commit.durability();
  return appended;
}

const RecordHeader& header_of(const char* record) { return *reinterpret_cast<const RecordHeader*>(record); }

Lsn lsn_of(const char* record) { return Lsn{header_of(record).lsn}; }

}  // namespace

Sequencer::Sequencer(Environment environment) : env_(environment) {}

// --- deciding ---

Sequencer::Foresight Sequencer::foresee(const Fork& fork, const BatchHead& head) const {
  const std::vector<Condition>& conditions = head.conditions;
  Foresight foresight;
  if (!head.request_id.empty()) {
    foresight.epoch = seal_epoch_.load(std::memory_order_acquire);
    foresight.sealed_request = find_sealed_request(head.request_id);
  }
  if (conditions.empty()) return foresight;
  foresight.first_match.resize(conditions.size());
  const View view = ForkTable::view(fork);
  foresight.until = view.head();
  for (size_t i = 0; i < conditions.size(); i++) {
    if (!is_match(conditions[i])) continue;
    const auto found = find_matches(view, conditions[i].match, conditions[i].position, 1);
    if (!found.empty()) foresight.first_match[i] = found.front();
  }
  return foresight;
}

std::optional<Conflict> Sequencer::decide(const Fork& fork, const std::vector<Condition>& conditions,
                                          const Foresight& foresight) const {
  if (conditions.empty()) return std::nullopt;
  const View staged = ForkTable::staged_view(fork);
  for (size_t i = 0; i < conditions.size(); i++) {
    auto conflict = decide_one(staged, conditions[i], foresight.first_match[i], foresight.until);
    if (!conflict) continue;
    conflict->condition_index = i;
    conflict->condition = conditions[i];
    conflict->view = staged;
    return conflict;
  }
  return std::nullopt;
}

std::optional<Conflict> Sequencer::decide_one(const View& staged, const Condition& condition, Position foreseen,
                                              Position until) const {
  Conflict conflict;
  switch (condition.kind) {
    case Condition::Kind::kStreamVersion:
    case Condition::Kind::kStreamExists: {
      const PositionList stream = staged.stream(condition.stream);
      conflict.actual_version = Version{static_cast<uint32_t>(stream.size())};
      if (condition.kind == Condition::Kind::kStreamExists) {
        if (!stream.empty()) return std::nullopt;
        return conflict;
      }
      if (conflict.actual_version == condition.version) return std::nullopt;
      return conflict;
    }
    case Condition::Kind::kNoneMatch:
    case Condition::Kind::kSomeMatch: {
      Position first = foreseen;
      if (first.value == 0 && staged.head() > until) {
        const auto later = find_matches(staged, condition.match, std::max(condition.position, until), 1);
        if (!later.empty()) first = later.front();
      }
      const bool wanted = condition.kind == Condition::Kind::kSomeMatch;
      if ((first.value != 0) == wanted) return std::nullopt;
      conflict.first_match = first;
      return conflict;
    }
    case Condition::Kind::kHead: {
      conflict.actual_head = staged.head();
      if (staged.head() == condition.position) return std::nullopt;
      return conflict;
    }
  }
  CHECK(false);
}

// The same request again: its first outcome, if it asks the same thing.
Result<std::optional<Sequencer::Decision>> Sequencer::find_replay(const Batch& batch, const Fork& fork,
                                                                  const Foresight& foresight) const {
  if (!batch.head.request_id.empty()) {
    const auto found = find_request(batch.head.request_id, &foresight);
    if (!found) return found.error();
    if (const char* record = found->record; record != nullptr) {
      if (auto same = same_request(batch, fork, record); !same) return same.error();
      Decision decision;
      decision.commit = *found;
      decision.line = fork.line();
      decision.staged.ticket = lsn_of(record);
      decision.staged.outcome.appended = appended_by(record, *fork.name);
      decision.staged.outcome.appended->replayed = true;
      return std::optional(std::move(decision));
    }
  }
  if (!batch.has_ids) return std::optional<Decision>();
  return find_replay_by_ids(batch, fork);
}

Result<std::optional<Sequencer::Decision>> Sequencer::find_replay_by_ids(const Batch& batch, const Fork& fork) const {
  const View staged = ForkTable::staged_view(fork);
  const auto found = same_events(batch, staged);
  if (!found) return found.error();
  if (found->empty()) return std::optional<Decision>();
  const Event last = staged.at(found->back());
  Decision decision;
  decision.commit = {last.address() - last.head().commit_back, last.memory()};
  decision.staged.ticket = staged_;
  Appended& appended = decision.staged.outcome.appended.emplace(appended_by(decision.commit.record, *fork.name));
  appended.first_position = found->front();
  appended.last_position = found->back();
  appended.replayed = true;
  // Other commits may lie between: the versions are those of the batch's own events.
  VersionTally tally(appended.versions);
  for (const Position position : *found) {
    const Event event = staged.at(position);
    tally.add(event.stream(), event.version());
  }
  return std::optional(std::move(decision));
}

// --- writing ---

class Sequencer::BatchFork {
 public:
  BatchFork(const Environment& env, const Batch& batch) : found_(std::shared_ptr<Fork>()) {
    if (batch.head.fork == *env.forks.main()->name) {
      fork_ = &env.forks.main();
    } else if (found_ = env.forks.find(batch.head.fork, env.clock); found_) {
      fork_ = &*found_;
    }
  }
  explicit operator bool() const { return fork_ != nullptr; }
  const std::shared_ptr<Fork>& operator*() const { return *fork_; }
  const Error& error() const { return found_.error(); }

 private:
  Result<std::shared_ptr<Fork>> found_;
  const std::shared_ptr<Fork>* fork_ = nullptr;
};

Result<AppendOutcome> Sequencer::append(Batch& batch) {
  const BatchFork fork(env_, batch);
  if (!fork) return fork.error();
  const Foresight foresight = foresee(**fork, batch.head);
  std::unique_lock lock = lock_soon(mutex_);
  auto decision = decide_batch(batch, *fork, foresight, {.is_awaited = true});
  if (!decision) return decision.error();
  if (auto settled = settle(lock, decision->staged.ticket); !settled) return settled.error();
  std::span<char> ahead;
  const bool may_be_alone = batch.head.durability == Durability::kOs && batch.memory != nullptr;
  if (may_be_alone) ahead = (*fork)->own->claim_ahead(kLeastAhead + 2 * batch.length);
  const std::shared_ptr<MemorySegment> busy = ahead.empty() ? nullptr : (*fork)->own;
  lock.unlock();
  if (!ahead.empty()) Arena::make_ready(ahead);
  auto& appended = decision->staged.outcome.appended;
  if (appended && appended->versions.empty()) tell_versions(batch, *decision, appended->versions);
  return std::move(decision->staged.outcome);
}

void Sequencer::tell_versions(const Batch& batch, const Decision& decision,
                              std::vector<std::pair<std::string, Version>>& versions) {
  const Commit commit(decision.commit.record);
  const char* at = commit.events().data();
  if (commit.event_count() == 1) {
    versions.emplace_back(Event(at).stream(), commit.version(0));
    return;
  }
  VersionTally tally(versions);
  const bool is_hashed = !decision.staged.outcome.appended->replayed;  // the events of the batch
  for (uint32_t i = 0; i < commit.event_count(); i++) {
    const Event event(at);
    const std::string_view stream = event.stream();
    tally.add(stream, is_hashed ? batch.keys[i].stream_hash : hash_bytes(stream), commit.version(i));
    at += event.head().size;
  }
}

Result<Store::Staged> Sequencer::stage(Batch& batch) {
  const BatchFork fork(env_, batch);
  if (!fork) return fork.error();
  const Foresight foresight = foresee(**fork, batch.head);
  const std::unique_lock lock = lock_soon(mutex_);
  auto decision = decide_batch(batch, *fork, foresight, {});
  if (!decision) return decision.error();
  return std::move(decision->staged);
}

Result<Sequencer::Decision> Sequencer::decide_batch(Batch& batch, const std::shared_ptr<Fork>& fork,
                                                    const Foresight& foresight, Staging how) {
  if (fault_) return read_only_error();
  if (env_.forks.is_closed(fork->id)) {
    return Error{Code::kNotFound, "fork '" + batch.head.fork + "' was discarded; append to another fork", {}};
  }
  auto replay = find_replay(batch, *fork, foresight);
  if (!replay) return replay.error();
  if (*replay) return std::move(**replay);
  if (fork->id == kMainFork && main_protected()) {
    return Error{Code::kPermissionDenied,
                 "main is protected in this store: create a fork (create_fork), append there, and ask for a merge "
                 "(merge_fork)",
                 {}};
  }
  if (auto conflict = decide(*fork, batch.head.conditions, foresight)) {
    Decision decision;
    decision.staged.ticket = staged_;  // what it saw must be durable before anybody is told
    decision.staged.outcome.conflict = std::move(conflict);
    return decision;
  }
  if (fork->own->staged_events() + batch.size() >= UINT32_MAX - 1 ||
      fork->staged_head().value + batch.size() > kMaxPosition) {
    return Error{Code::kTooLarge, "fork '" + batch.head.fork + "' is full; continue in a new store", {}};
  }
  meet_streams(batch, *fork);
  char* const record = keep_record(batch, *fork->own);
  return commit(batch, record, fork, how);
}

char* Sequencer::keep_record(Batch& batch, MemorySegment& segment) {
  const bool is_kept = batch.length >= kKeptLength && batch.start % kRecordAlignment == 0;
  return is_kept ? segment.keep_record(std::move(batch.memory), batch.start) : segment.allocate_record(batch.length);
}

Sequencer::Decision Sequencer::commit(const Batch& batch, char* record, const std::shared_ptr<Fork>& fork,
                                      Staging how) {
  // Completed where it was built, which is in the caches.
  const bool is_copied = batch.memory != nullptr;
  char* const built = is_copied ? batch.memory.get() + batch.start : record;
  auto& head = *reinterpret_cast<CommitHead*>(built + sizeof(RecordHeader));
  head.first_position = fork->staged_head().value + 1;
  head.recorded_at = next_time().value;
  head.id_seed = env_.random.next() & kIdCounterMask;
  head.fork = fork->id.value;
  index_events(built, record, *fork->own, batch);
  staged_.value++;
  seal_record(built, {staged_, durable_, how.goes_on}, batch.body_hash);
  if (is_copied) std::memcpy(record, built, batch.length);
  fork->own->add_commit(record);
  count(unsealed_bytes_, batch.length);
  const bool is_durable = batch.head.durability == Durability::kFsync;
  if (!how.is_awaited || is_durable || !hand_over_at_once({built, batch.length}, *fork->own)) {
    Pending pending;
    pending.record = {record, batch.length};
    pending.segment = fork->own;
    pending.events = fork->own->staged_events();
    pending.copied_bytes = is_copied ? batch.length : 0;
    pending.durability = batch.head.durability;
    pending_.push_back(std::move(pending));
    if (how.is_awaited && is_durable) awaited_++;
    count(bytes_in_flight_, batch.length);
  }
  if (!batch.head.request_id.empty()) remember_request(batch.head.request_id, record, fork->id);

  Decision decision;
  decision.commit = {built, nullptr};
  if (!is_copied) decision.line = fork->line();
  decision.staged.ticket = staged_;
  decision.staged.outcome.appended = appended_by(built, *fork->name);
  return decision;
}

// A record that is alone, and need not be synced, without making it a group.  False when it must be one.  Of a failure
// whoever settles it is told.
bool Sequencer::hand_over_at_once(std::string_view record, MemorySegment& segment) {
  if (flushing_ || !pending_.empty() || !env_.log.takes_at_once(record.size())) return false;
  const Result<void> written = env_.log.append({&record, 1}, settled_, Durability::kOs);
  if (!written) {
    fault_ = written.error();
    return true;
  }
  segment.publish(segment.staged_events());
  settled_ = staged_;
  quiet_ = false;
  return true;
}

// All that the batch needs to know of history it knows before anything is staged, since reading history can fail.
void Sequencer::meet_streams(const Batch& batch, Fork& fork) {
  stream_names_.clear();
  // Another thread, on another processor, wrote the events: first their heads are fetched, then their names.
  const char* const record = batch.memory.get() + batch.start;
  for (size_t i = 0; i < batch.size(); i++) {
    if (i + 2 * kFetchedAhead < batch.size()) __builtin_prefetch(record + batch.keys[i + 2 * kFetchedAhead].offset);
    if (i + kFetchedAhead < batch.size()) {
      const std::string_view ahead = batch.event(i + kFetchedAhead).stream();
      __builtin_prefetch(ahead.data());
      __builtin_prefetch(ahead.data() + 64);
    }
    stream_names_.push_back({batch.event(i).stream(), batch.keys[i].stream_hash});
  }
  met_streams_.resize(batch.size());
  fork.own->find_streams(stream_names_, met_streams_);
  for (size_t i = 0; i < batch.size(); i++) {
    if (met_streams_[i] == nullptr) met_streams_[i] = &stream_entry(fork, stream_names_[i]);
  }
}

PostingIndex::Entry& Sequencer::stream_entry(Fork& fork, HashedName name) {
  if (PostingIndex::Entry* known = fork.own->find_stream(name)) return *known;
  const View before = ForkTable::staged_view(fork);
  return fork.own->add_stream(name, before.stream_version(name, before.pieces_).value);
}

// Enters a commit's events in the segment's indexes and gives them their versions.  Requires: its streams were met.
void Sequencer::index_events(char* built, const char* record, MemorySegment& segment, const Batch& batch) {
  char* const version = built + sizeof(RecordHeader) + sizeof(CommitHead);
  for (size_t i = 0; i < batch.size(); i++) {
    PostingIndex::Entry& stream = *met_streams_[i];
    const uint32_t value = stream.inherited + static_cast<uint32_t>(stream.postings.read().size()) + 1;
    std::memcpy(version + i * sizeof value, &value, sizeof value);
    const uint32_t offset = batch.keys[i].offset;
    segment.add_event(record + offset, Event(built + offset), stream, batch.keys[i].type_hash);
  }
}

Timestamp Sequencer::next_time() {
  last_time_ = std::max(last_time_, env_.clock.now());
  return last_time_;
}

void Sequencer::remember_request(std::string_view request_id, const char* record, ForkId fork) {
  const uint64_t hash = hash_bytes(request_id);
  const bool is_batch = record_at(record).kind == RecordKind::kCommit;
  requests_.emplace(hash, KnownRequest{hash, record, fork, lsn_of(record), is_batch});
}

Result<CommitRecord> Sequencer::find_request(std::string_view request_id, const Foresight* foresight) const {
  const Error gone{Code::kIdReused,
                   "request_id '" + std::string(request_id) +
                       "' was used before in a fork that was discarded; use a new request_id for a new request",
                   "{\"field\":\"fork\"}"};
  const uint64_t hash = hash_bytes(request_id);
  const auto [begin, end] = requests_.equal_range(hash);
  for (auto known = begin; known != end; ++known) {
    // Of a request that went with its fork only the hash is left.
    if (env_.forks.by_id(known->second.fork) == nullptr) return gone;
    if (request_id_of(known->second.record) == request_id) return CommitRecord{known->second.record, nullptr};
  }
  if (std::binary_search(gone_requests_.begin(), gone_requests_.end(), hash)) return gone;
  for (const auto& [fork, segment] : discarded_segments_) {
    if (segment->find_request(HashedName(request_id, hash)).record != nullptr) return gone;
  }
  if (foresight != nullptr && foresight->epoch == seal_epoch_) return foresight->sealed_request;
  return find_sealed_request(request_id);
}

// --- group commit ---

Result<void> Sequencer::settle(Lsn ticket) {
  std::unique_lock lock = lock_soon(mutex_);
  return settle(lock, ticket);
}

Result<void> Sequencer::settle(std::unique_lock<std::mutex>& lock, Lsn ticket) {
  CHECK(ticket <= staged_);
  while (settled_ < ticket) {
    if (fault_) return read_only_error();
    if (flushing_) {
      settled_cv_.wait(lock);
    } else if (is_gathering()) {
      gather(lock);
    } else {
      flush(lock);
    }
  }
  return {};
}

bool Sequencer::is_gathering() const {
  return awaited_ > 0 && awaited_ < expected_ && rest_ == 0 && given_up_group_ != group_number_;
}

// Returns when there may be something to do.
void Sequencer::gather(std::unique_lock<std::mutex>& lock) {
  const uint64_t group = group_number_;
  if (timed_group_ == group) {
    settled_cv_.wait(lock);
    return;
  }
  timed_group_ = group;
  if (settled_cv_.wait_for(lock, kGatherFor, [&] { return group_number_ != group; })) return;
  given_up_group_ = group;
  next_rest_ = std::min(2 * next_rest_ + 1, kMostRest);
  rest_ = next_rest_;
}

// Requires: the lock is held, nobody is flushing, something is pending.
void Sequencer::flush(std::unique_lock<std::mutex>& lock) {
  flushing_ = true;
  group_.swap(pending_);
  const size_t came = std::exchange(awaited_, 0);
  if (timed_group_ == group_number_ && given_up_group_ != group_number_) next_rest_ = 0;
  group_number_++;
  const Lsn before = settled_;
  Durability durability = Durability::kOs;
  uint64_t bytes = 0;
  uint64_t copied_bytes = 0;
  for (const Pending& each : group_) {
    group_records_.push_back(each.record);
    bytes += each.record.size();
    copied_bytes += each.copied_bytes;
    if (each.durability == Durability::kFsync) durability = Durability::kFsync;
  }
  // Copying a few bytes takes less than giving up the lock and getting it again.
  const bool at_once = durability == Durability::kOs && env_.log.takes_at_once(bytes);
  if (!at_once) lock.unlock();
  const Result<void> written = env_.log.append(group_records_, before, durability);

  if (!at_once) lock = lock_soon(mutex_);
  flushing_ = false;
  if (!written) {
    fault_ = written.error();
  } else {
    for (const Pending& each : group_) {
      if (each.then == Pending::Then::kPublish && each.segment != nullptr) each.segment->publish(each.events);
      if (each.then == Pending::Then::kShow) env_.forks.show(each.fork->id);
      if (each.then == Pending::Then::kHide) env_.forks.hide(each.fork->id);
    }
    settled_.value += group_.size();
    if (durability == Durability::kFsync) durable_ = settled_;
    quiet_ = false;
  }
  if (came > 0) {
    expected_ = came + awaited_;
    rest_ -= std::min(rest_, 1U);
  }
  count(bytes_in_flight_, -bytes);
  const std::shared_ptr<MemorySegment> busy = std::move(group_.back().segment);
  group_.clear();
  group_records_.clear();
  settled_cv_.notify_all();
  const std::span<char> ahead = busy == nullptr ? std::span<char>() : busy->claim_ahead(kLeastAhead + 2 * copied_bytes);
  if (ahead.empty()) return;
  lock.unlock();
  Arena::make_ready(ahead);
  lock = lock_soon(mutex_);
}

void Sequencer::mark_quiet() {
  std::unique_lock lock(mutex_);
  if (quiet_ || flushing_ || fault_ || !pending_.empty()) return;
  flushing_ = true;
  quiet_ = true;
  const Lsn last = settled_;
  lock.unlock();
  Result<void> written = env_.log.sync();
  if (written) written = env_.log.mark();
  lock.lock();
  flushing_ = false;
  if (!written) {
    fault_ = written.error();
  } else {
    durable_ = last;
  }
  settled_cv_.notify_all();
}

Error Sequencer::read_only_error() const {
  return {Code::kUnavailable,
          "the store is read-only since a write failed (" + fault_->message +
              "); reading works; make room on the disk or mend it, then restart Chronos",
          {}};
}

std::string Sequencer::read_only_reason() const {
  const std::lock_guard lock(mutex_);
  return fault_ ? fault_->message : std::string();
}

Lsn Sequencer::last_lsn() const {
  const std::lock_guard lock(mutex_);
  return settled_;
}

uint64_t Sequencer::index_bytes() const {
  const std::lock_guard lock(mutex_);
  uint64_t bytes = requests_.size() * sizeof(std::pair<uint64_t, KnownRequest>);
  for (const auto& fork : env_.forks.shown()) {
    const std::shared_ptr<const HistoryLine> line = fork->line();
    for (const LinePiece& piece : *line) {
      if (piece.segment->fork_name() == *fork->name) bytes += piece.segment->index_bytes();
    }
  }
  return bytes;
}

}  // namespace chronos
