// Opening: the log is read from its first record and every record is applied as when it was written.  A record with
// a right checksum can still not fit (a file from another store, a bug): positions, versions and times are checked
// against what came before, since a history with a hole must not open.
#include <algorithm>
#include <cstring>

#include "core/check.h"
#include "core/replay_match.h"
#include "core/sequencer.h"

namespace chronos {
namespace {

Error corrupt(Lsn lsn, const std::string& what) {
  return {
      Code::kCorrupt, "record " + std::to_string(lsn.value) + " of the log " + what + "; restore from a backup", {}};
}

// Whether the fields of an event fill it up to its padding.  Requires: event.size bytes are readable.
bool fields_fit(const EventHead& event) {
  const char* const bytes = reinterpret_cast<const char*>(&event);
  size_t used = sizeof(EventHead) + ((event.flags & kHasValidAt) != 0 ? size_t{8} : size_t{0}) +
                size_t{event.embedding_size} * sizeof(float) + size_t{event.data_size} + event.metadata_size +
                event.stream_size + event.type_size + event.id_size + event.correlation_id_size +
                event.causation_id_size;
  for (uint32_t i = 0; i < event.tag_count; i++) {
    uint16_t tag_size;
    if (used + sizeof tag_size > event.size) return false;
    std::memcpy(&tag_size, bytes + used, sizeof tag_size);
    used += sizeof tag_size + tag_size;
  }
  return aligned(used) == event.size;
}

// Whether the events of a commit fill its body exactly, each saying where it is.
bool is_well_formed(const Commit& commit, const char* record) {
  const CommitHead& head = commit.head();
  const size_t head_size = sizeof(CommitHead) + aligned(size_t{head.event_count} * sizeof(uint32_t));
  const size_t before = aligned(size_t{head.actor_size} + head.request_id_size + head.conditions_size);
  if (head.event_count == 0 || head.is_excerpt != 0 || commit.header().head_size != head_size) return false;
  if (commit.header().size < head_size + before) return false;
  std::string_view rest = commit.events();
  for (uint32_t i = 0; i < head.event_count; i++) {
    if (rest.size() < sizeof(EventHead)) return false;
    const EventHead& event = *reinterpret_cast<const EventHead*>(rest.data());
    if (event.size < sizeof(EventHead) || event.size > rest.size() || event.size % kRecordAlignment != 0) return false;
    if (event.ordinal != i || record + event.commit_back != rest.data() || !fields_fit(event)) return false;
    rest.remove_prefix(event.size);
  }
  return rest.empty();
}

}  // namespace

Result<void> Sequencer::recover(const LogRecord& record, const std::shared_ptr<const char[]>& memory) {
  if (recovered_memory_.empty() || recovered_memory_.back() != memory) recovered_memory_.push_back(memory);
  log_bytes_.fetch_add(record.bytes.size(), std::memory_order_relaxed);
  staged_ = settled_ = durable_ = record.lsn;
  if (record.kind == RecordKind::kCommit) return recover_commit(record);
  if (record.kind == RecordKind::kControl) return recover_change(record);
  return corrupt(record.lsn, "is of a kind the store does not use");
}

Result<void> Sequencer::recover_commit(const LogRecord& record) {
  const char* bytes = record.bytes.data();
  const Commit commit(bytes);
  if (record.head.size() < sizeof(CommitHead) || !is_well_formed(commit, bytes)) {
    return corrupt(record.lsn, "is a commit whose parts do not fill it");
  }
  const std::shared_ptr<Fork> fork = env_.forks.by_id(commit.fork());
  if (fork == nullptr) return corrupt(record.lsn, "belongs to a fork that does not exist then");
  if (commit.first_position().value != fork->staged_head().value + 1) {
    return corrupt(record.lsn, "begins at position " + std::to_string(commit.first_position().value) + " where " +
                                   std::to_string(fork->staged_head().value + 1) + " was due");
  }
  if (commit.recorded_at() < last_time_) return corrupt(record.lsn, "was recorded before the one before it");
  last_time_ = commit.recorded_at();
  fork->own->add_commit(bytes);
  const char* at = commit.events().data();
  for (uint32_t i = 0; i < commit.event_count(); i++) {
    const Event event(at);
    PostingIndex::Entry& stream = stream_entry(*fork, HashedName(event.stream()));
    fork->own->add_event(event, stream, hash_bytes(event.type()));
    at += event.head().size;
  }
  fork->own->publish(fork->own->staged_events());
  if (!commit.request_id().empty()) remember_request(commit.request_id(), bytes, fork->id);
  return {};
}

Result<void> Sequencer::recover_change(const LogRecord& record) {
  auto decoded = decode_change(record);
  if (!decoded) return decoded.error();
  if (decoded->recorded_at < last_time_) return corrupt(record.lsn, "was recorded before the one before it");
  last_time_ = decoded->recorded_at;
  if (const auto* created = std::get_if<StoreCreated>(&decoded->change)) {
    if (record.lsn.value != 1) return corrupt(record.lsn, "creates the store a second time");
    store_id_ = created->store_id;
  } else if (const auto* made = std::get_if<ForkCreated>(&decoded->change)) {
    const auto parent = env_.forks.by_id(made->parent);
    if (parent == nullptr || made->fork != env_.forks.next_id() || made->position > parent->staged_head() ||
        env_.forks.name_taken(made->name)) {
      return corrupt(record.lsn, "creates fork '" + made->name + "', which does not fit");
    }
    env_.forks.add({made->name, made->parent, made->position, decoded->recorded_at, made->expires_at, made->purpose});
    env_.forks.show(made->fork);
  } else if (const auto* discarded = std::get_if<ForkDiscarded>(&decoded->change)) {
    const ForkId fork = discarded->fork;
    if (fork == kMainFork || env_.forks.by_id(fork) == nullptr) return corrupt(record.lsn, "discards no fork");
    env_.forks.close(fork, decoded->recorded_at, discarded->reason);
    env_.forks.hide(fork);
  } else if (const auto* merged = std::get_if<ForkMerged>(&decoded->change)) {
    const auto target = env_.forks.by_id(merged->target);
    if (target == nullptr || env_.forks.by_id(merged->source) == nullptr ||
        target->staged_head() != merged->target_head) {
      return corrupt(record.lsn, "merges forks that do not fit");
    }
  } else {
    main_protected_ = std::get<MainProtected>(decoded->change).is_protected;
  }
  const std::string_view request_id = request_id_of_change(record);
  if (!request_id.empty()) remember_request(request_id, record.bytes.data(), kMainFork);
  return {};
}

Result<void> Sequencer::finish_recovery(Lsn last) {
  CHECK(last == staged_);
  if (last.value > 0) {
    if (store_id_.empty()) return corrupt(Lsn{1}, "does not create a store");
    return {};
  }
  Lsn ticket;
  {
    const std::lock_guard lock(mutex_);
    for (int half = 0; half < 2; half++) {
      const uint64_t bits = env_.random.next();
      for (int shift = 60; shift >= 0; shift -= 4) store_id_ += "0123456789abcdef"[bits >> shift & 15];
    }
    ticket = stage_change(StoreCreated{store_id_}, {}, next_time());
  }
  return settle(ticket);
}

}  // namespace chronos
