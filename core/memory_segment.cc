#include "core/memory_segment.h"

#include <algorithm>
#include <array>

#include "core/check.h"

namespace chronos {

PostingIndex::Entry& MemorySegment::add_stream(HashedName name, uint32_t inherited) {
  PostingIndex::Entry& entry = streams_.entry(names_.streams.intern(name.name, name.hash));
  entry.inherited = inherited;
  return entry;
}

void MemorySegment::add_commit(const char* record) {
  const Commit commit(record);
  staged_bytes_ += record_length(commit.header());
  commits_.push_back(commit.recorded_at().value, record, events_.size() - commit.event_count());
  commit_count_.store(commits_.size(), std::memory_order_release);
}

// A stream's entry is behind four places in memory that are rarely in the caches, each telling where the next one is:
// slot of the hash, name, the name's text, entry.  Taken one stream after the other, each is waited for.
void MemorySegment::find_streams(std::span<const HashedName> names, std::span<PostingIndex::Entry*> found) {
  constexpr size_t kAhead = 8;  // names between two steps: as many places are on their way at once
  if (names.size() < kAhead) {
    for (size_t i = 0; i < names.size(); i++) found[i] = find_stream(names[i]);
    return;
  }
  std::array<uint32_t, 4 * kAhead> likely;  // by name, as a ring
  const NameTable& table = names_.streams;
  for (size_t i = 0; i < names.size() + 3 * kAhead; i++) {
    if (i < names.size()) table.fetch(names[i].hash);
    if (const size_t at = i - kAhead; i >= kAhead && at < names.size()) {
      const uint32_t number = likely[at % likely.size()] = table.likely(names[at].hash);
      if (number != NameTable::kNone) table.fetch_entry(number);
    }
    if (const size_t at = i - 2 * kAhead; i >= 2 * kAhead && at < names.size()) {
      const uint32_t number = likely[at % likely.size()];
      if (number != NameTable::kNone) {
        table.fetch_text(number);
        streams_.fetch(number);
      }
    }
    if (const size_t at = i - 3 * kAhead; i >= 3 * kAhead) {
      found[at] = find_stream(names[at]);
      if (found[at] != nullptr) found[at]->postings.fetch_end();
    }
  }
}

void MemorySegment::add_event(const char* at, const Event& event, PostingIndex::Entry& stream, uint64_t type_hash) {
  const uint32_t local = events_.size();
  events_.push_back(at);
  streams_.append(stream, local);
  types_.append(types_.entry(names_.types.intern(event.type(), type_hash)), local);
  if (event.tag_count() > 0) {
    event.for_each_tag(
        [&](std::string_view tag) { tags_.append(tags_.entry(names_.tags.intern(tag, hash_bytes(tag))), local); });
  }
  if (!event.client_id().empty()) client_ids_.insert(hash_bytes(event.client_id()), local);
  if (!event.correlation_id().empty()) {
    correlations_.append(correlations_.entry(key_of_id(hash_bytes(event.correlation_id()))), local);
  }
  if (!event.causation_id().empty()) {
    causations_.append(causations_.entry(key_of_id(hash_bytes(event.causation_id()))), local);
  }
}

const PostingIndex& MemorySegment::postings(Index index) const {
  switch (index) {
    case Index::kStreams: return streams_;
    case Index::kTypes: return types_;
    case Index::kTags: return tags_;
    case Index::kCorrelations: return correlations_;
    case Index::kCausations: return causations_;
  }
  CHECK(false);
}

// Requires: the index is one of names.
const NameTable& MemorySegment::names(Index index) const {
  if (index == Index::kStreams) return names_.streams;
  return index == Index::kTypes ? names_.types : names_.tags;
}

LocalList MemorySegment::find(Index index, HashedName name) const {
  const uint32_t key = is_hashed(index) ? key_of_id(name.hash) : names(index).find(name.name, name.hash);
  if (!is_hashed(index) && key == NameTable::kNone) return {};
  const PostingIndex::Entry* entry = postings(index).find(key);
  return entry == nullptr ? LocalList() : LocalList(entry->postings.read());
}

std::optional<Version> MemorySegment::stream_version(HashedName stream, uint32_t count) const {
  const uint32_t number = names_.streams.find(stream.name, stream.hash);
  if (number == NameTable::kNone) return std::nullopt;
  const PostingIndex::Entry& entry = *streams_.find(number);
  return Version{entry.inherited + LocalList(entry.postings.read()).rank(count)};
}

void MemorySegment::for_each_name(Index index, const NameVisitor& visit) const {
  const PostingIndex& entries = postings(index);
  const uint32_t size = entries.size();
  for (uint32_t n = 0; n < size; n++) {
    const uint32_t key = entries[n].key;
    const std::string_view name =
        is_hashed(index) ? std::string_view(reinterpret_cast<const char*>(&key), sizeof key) : names(index).name(key);
    visit(name, LocalList(entries[n].postings.read()));
  }
}

uint32_t MemorySegment::find_id(HashedName id, uint32_t count) const {
  const uint32_t found = client_ids_.find(
      id.hash, [&](uint32_t local) { return local < count && Event(events_[local]).client_id() == id.name; });
  if (found != HashIndex::kNone) return found;
  const std::optional<StoreId> made = parse_store_id(id.name);
  return made ? find_store_id(*made, count) : kNone;
}

// Ids made by the store name the microsecond of their commit: only commits of that microsecond are looked at.
uint32_t MemorySegment::find_store_id(const StoreId& id, uint32_t count) const {
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

uint32_t MemorySegment::commits_until(Timestamp time) const {
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

uint32_t MemorySegment::count_until(Timestamp time, uint32_t count) const {
  const uint32_t commits = commits_until(time);
  if (commits == 0) return 0;
  const CommitEntry& last = commits_[commits - 1];
  return std::min(count, last.first_local + Commit(last.record).event_count());
}

CommitRecord MemorySegment::commit_record(uint32_t first_local) const {
  const Event event = this->event(first_local);
  return {event.address() - event.head().commit_back, nullptr};
}

size_t MemorySegment::index_bytes() const {
  const size_t names = names_.streams.bytes() + names_.types.bytes() + names_.tags.bytes();
  return names + events_.bytes() + commits_.bytes() + streams_.bytes() + types_.bytes() + tags_.bytes() +
         correlations_.bytes() + causations_.bytes() + client_ids_.bytes();
}

}  // namespace chronos
