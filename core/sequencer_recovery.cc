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

// --- what was sealed ---

Result<void> Sequencer::adopt(ForkId id, const OpenSegments& open) {
  const std::shared_ptr<Fork> fork = env_.forks.by_id(id);
  const auto segments = open(id, *fork->name);
  if (!segments) return segments.error();
  for (const auto& segment : *segments) {
    if (segment->base() != fork->staged_head()) {
      return Error{Code::kCorrupt,
                   "'" + segment->file().path() + "' begins at position " + std::to_string(segment->base().value + 1) +
                       " of fork '" + *fork->name + "', where " + std::to_string(fork->staged_head().value + 1) +
                       " was due: a segment before it is missing; restore the store from a backup",
                   {}};
    }
    ForkTable::adopt(*fork, segment);
  }
  return {};
}

// A fork's segments come with the fork, all at once: every fork that is made of it later finds the position there.
Result<void> Sequencer::recover_sealed(const SealedStore& sealed, const OpenSegments& open) {
  std::set<ForkId> gone;
  auto scanned = sealed.replay_changes([&gone](const LogRecord& record) -> Result<void> {
    const auto decoded = decode_change(record);
    if (!decoded) return decoded.error();
    if (const auto* discarded = std::get_if<ForkDiscarded>(&decoded->change)) gone.insert(discarded->fork);
    return {};
  });
  if (!scanned) return scanned;
  if (auto adopted = adopt(kMainFork, open); !adopted) return adopted;
  auto applied =
      sealed.replay_changes([&](const LogRecord& record) { return recover_sealed_change(record, gone, open); });
  if (!applied) return applied;
  const Manifest& manifest = sealed.manifest();
  last_time_ = manifest.recorded_at;
  staged_ = settled_ = durable_ = manifest.sealed;
  gone_requests_ = manifest.gone_requests;
  list_request_segments();
  return {};
}

Result<void> Sequencer::recover_sealed_change(const LogRecord& record, const std::set<ForkId>& gone,
                                              const OpenSegments& open) {
  auto decoded = decode_change(record);
  if (!decoded) return decoded.error();
  char* const kept = change_records_.allocate(record.bytes.size(), kSimdPadding);
  std::memcpy(kept, record.bytes.data(), record.bytes.size());
  const auto* made = std::get_if<ForkCreated>(&decoded->change);
  if (made != nullptr && gone.contains(made->fork)) {
    env_.forks.add_gone(
        {made->name, made->parent, made->position, decoded->recorded_at, made->expires_at, made->purpose, made->actor});
  } else {
    if (auto applied = apply_change(*decoded, record.lsn, true); !applied) return applied;
    if (made != nullptr) {
      if (auto adopted = adopt(made->fork, open); !adopted) return adopted;
    }
  }
  const std::string_view request_id = request_id_of(kept);
  if (!request_id.empty()) remember_request(request_id, kept, kMainFork);
  return {};
}

// --- the log ---

Result<void> Sequencer::recover(const LogRecord& record, const std::shared_ptr<const char[]>& memory) {
  staged_ = settled_ = durable_ = record.lsn;
  if (record.kind == RecordKind::kCommit) return recover_commit(record, memory);
  if (record.kind == RecordKind::kControl) return recover_change(record);
  return corrupt(record.lsn, "is of a kind the store does not use");
}

Result<void> Sequencer::recover_commit(const LogRecord& record, const std::shared_ptr<const char[]>& memory) {
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
  fork->own->keep(memory);
  count(unsealed_bytes_, record.bytes.size());
  const char* at = commit.events().data();
  for (uint32_t i = 0; i < commit.event_count(); i++) {
    const Event event(at);
    PostingIndex::Entry& stream = stream_entry(*fork, HashedName(event.stream()));
    fork->own->add_event(at, event, stream, hash_bytes(event.type()));
    at += event.head().size;
  }
  fork->own->add_commit(bytes);
  fork->own->publish(fork->own->staged_events());
  if (!commit.request_id().empty()) remember_request(commit.request_id(), bytes, fork->id);
  return {};
}

Result<void> Sequencer::recover_change(const LogRecord& record) {
  auto decoded = decode_change(record);
  if (!decoded) return decoded.error();
  if (decoded->recorded_at < last_time_) return corrupt(record.lsn, "was recorded before the one before it");
  last_time_ = decoded->recorded_at;
  if (auto applied = apply_change(*decoded, record.lsn, false); !applied) return applied;
  unsealed_changes_ += record.bytes;
  char* const kept = change_records_.allocate(record.bytes.size(), kSimdPadding);
  std::memcpy(kept, record.bytes.data(), record.bytes.size());
  const std::string_view request_id = request_id_of(kept);
  if (!request_id.empty()) remember_request(request_id, kept, kMainFork);
  return {};
}

// Of a sealed change the forks it speaks of may have gone on since, or be gone.
Result<void> Sequencer::apply_change(const DecodedChange& decoded, Lsn lsn, bool is_sealed) {
  if (const auto* created = std::get_if<StoreCreated>(&decoded.change)) {
    if (lsn.value != 1) return corrupt(lsn, "creates the store a second time");
    store_id_ = created->store_id;
  } else if (const auto* made = std::get_if<ForkCreated>(&decoded.change)) {
    const auto parent = env_.forks.by_id(made->parent);
    if (parent == nullptr || made->fork != env_.forks.next_id() || made->position > parent->staged_head() ||
        env_.forks.name_taken(made->name)) {
      return corrupt(lsn, "creates fork '" + made->name + "', which does not fit");
    }
    env_.forks.add({made->name, made->parent, made->position, decoded.recorded_at, made->expires_at, made->purpose,
                    made->actor});
    env_.forks.show(made->fork);
  } else if (const auto* discarded = std::get_if<ForkDiscarded>(&decoded.change)) {
    const ForkId fork = discarded->fork;
    if (fork == kMainFork || fork >= env_.forks.next_id() || (!is_sealed && env_.forks.by_id(fork) == nullptr)) {
      return corrupt(lsn, "discards no fork");
    }
    if (const auto there = env_.forks.by_id(fork); there != nullptr) keep_requests_of(*there);
    env_.forks.close(fork, decoded.recorded_at, discarded->reason);
    env_.forks.hide(fork);
  } else if (const auto* merged = std::get_if<ForkMerged>(&decoded.change)) {
    const auto target = env_.forks.by_id(merged->target);
    if (!is_sealed && (target == nullptr || env_.forks.by_id(merged->source) == nullptr ||
                       target->staged_head() != merged->target_head)) {
      return corrupt(lsn, "merges forks that do not fit");
    }
  } else if (const auto* setting = std::get_if<SettingChanged>(&decoded.change)) {
    set(setting->name, setting->value);
  } else {
    main_protected_ = std::get<MainProtected>(decoded.change).is_protected;
  }
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
