#include "core/segment.h"

#include <algorithm>

namespace chronos {

uint32_t Segment::key_of_id(std::string_view id) { return static_cast<uint32_t>(hash_bytes(id) >> 32); }

void Segment::add_commit(const char* record) {
  const Commit commit(record);
  commits_.push_back(commit.recorded_at().value, record, events_.size());
  commit_count_.store(commits_.size(), std::memory_order_release);
}

void Segment::add_event(Event event, PostingIndex::Entry& stream, uint32_t type_number, Names& names) {
  const uint32_t local = events_.size();
  events_.push_back(event.address());
  streams_.append(stream, local);
  types_.append(types_.entry(type_number), local);
  if (event.tag_count() > 0) {
    event.for_each_tag([&](std::string_view tag) {
      tags_.append(tags_.entry(names.tags.intern(tag, hash_bytes(tag))), local);
    });
  }
  if (!event.client_id().empty()) client_ids_.insert(hash_bytes(event.client_id()), local);
  if (!event.correlation_id().empty()) {
    correlations_.append(correlations_.entry(key_of_id(event.correlation_id())), local);
  }
  if (!event.causation_id().empty()) causations_.append(causations_.entry(key_of_id(event.causation_id())), local);
}

uint32_t Segment::find_id(std::string_view id, uint32_t count) const {
  const uint32_t found = client_ids_.find(
      hash_bytes(id), [&](uint32_t local) { return local < count && Event(events_[local]).client_id() == id; });
  if (found != HashIndex::kNone) return found;
  const std::optional<StoreId> made = parse_store_id(id);
  return made ? find_store_id(*made, count) : kNone;
}

// Ids made by the store name the microsecond of their commit: only commits of that microsecond are looked at.
uint32_t Segment::find_store_id(const StoreId& id, uint32_t count) const {
  for (uint32_t i = commits_until(id.recorded_at); i-- > 0;) {
    const CommitEntry& entry = commits_[i];
    if (entry.recorded_at != id.recorded_at.value) break;
    const CommitHead& head = Commit(entry.record).head();
    const uint64_t ordinal = (id.counter - head.id_seed) & kIdCounterMask;
    if (ordinal >= head.event_count) continue;
    const uint32_t local = entry.first_local + static_cast<uint32_t>(ordinal);
    if (local < count && Event(events_[local]).client_id().empty()) return local;
  }
  return kNone;
}

uint32_t Segment::commits_until(Timestamp time) const {
  uint32_t low = 0;
  uint32_t high = commit_count_.load(std::memory_order_acquire);
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (commits_[middle].recorded_at <= time.value) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

uint32_t Segment::count_until(Timestamp time, uint32_t count) const {
  const uint32_t commits = commits_until(time);
  if (commits == 0) return 0;
  const CommitEntry& last = commits_[commits - 1];
  return std::min(count, last.first_local + Commit(last.record).event_count());
}

size_t Segment::index_bytes() const {
  return events_.bytes() + commits_.bytes() + streams_.bytes() + types_.bytes() + tags_.bytes() +
         correlations_.bytes() + causations_.bytes() + client_ids_.bytes();
}

}  // namespace chronos
