// The newest own events of a fork, in memory: columns whose elements never move, and the indexes over them.
//
// The sequencer appends to it (one thread at a time, under its lock); readers reach it through Views, at any
// time, without waiting.  An event counts as there for readers once publish() covered it; what lies beyond is
// staged: not durable yet, and seen by the sequencer alone.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/arena.h"
#include "core/column.h"
#include "core/event.h"
#include "core/hash_index.h"
#include "core/log.h"
#include "core/name_table.h"
#include "core/posting_index.h"
#include "core/segment.h"
#include "core/types.h"

namespace chronos {

class MemorySegment : public Segment {
 public:
  using Segment::Segment;

  // --- the sequencer ---
  // Room for a record of `size` bytes, followed by kSimdPadding readable ones.
  char* allocate_record(size_t size) { return records_.allocate(size, kSimdPadding); }
  // The same of a record that stays where it is, at `start` of memory of its own.
  char* keep_record(std::unique_ptr<char[]> memory, size_t start) {
    char* const record = memory.get() + start;
    kept_.emplace_back(std::move(memory));
    return record;
  }
  // Memory for the next records, to be made ready outside the lock (core/arena.h).
  std::span<char> claim_ahead(size_t ahead) { return records_.claim_ahead(ahead); }
  // Null when the segment does not know the stream.
  PostingIndex::Entry* find_stream(HashedName name) {
    const uint32_t number = names_.streams.find(name.name, name.hash);
    return number == NameTable::kNone ? nullptr : &streams_.entry(number);
  }
  // Of many at once, which is faster.  Requires: `found` is as long.
  void find_streams(std::span<const HashedName> names, std::span<PostingIndex::Entry*> found);
  // Makes the entry of a stream that is not known: `inherited` events of it are before the segment.
  PostingIndex::Entry& add_stream(HashedName name, uint32_t inherited);
  // Adds one event to columns and indexes: it will be at `at`, and is read from where it is now.
  void add_event(const char* at, const Event& event, PostingIndex::Entry& stream, uint64_t type_hash);
  // Adds the commit whose events were added last.  Its record is complete, and stays where it is.
  void add_commit(const char* record);
  uint32_t staged_events() const { return events_.size(); }
  Position staged_head() const { return Position{base().value + staged_events()}; }
  // Makes the first `events` events visible.
  void publish(uint32_t events) { published_events_.store(events, std::memory_order_release); }
  // Of its records.
  uint64_t staged_bytes() const { return staged_bytes_; }
  // Opening: keeps the memory in which records lie that were not allocated here.
  void keep(const std::shared_ptr<const char[]>& memory) {
    if (kept_.empty() || kept_.back() != memory) kept_.push_back(memory);
  }

  // --- everybody ---
  uint32_t published_events() const override { return published_events_.load(std::memory_order_acquire); }
  Event event(uint32_t local) const override { return Event(events_[local]); }
  LocalList find(Index index, HashedName name) const override;
  std::optional<Version> stream_version(HashedName stream, uint32_t count) const override;
  void for_each_name(Index index, const NameVisitor& visit) const override;
  uint32_t find_id(HashedName id, uint32_t count) const override;
  uint32_t count_until(Timestamp time, uint32_t count) const override;
  CommitRecord commit_record(uint32_t first_local) const override;
  size_t index_bytes() const override;

 private:
  struct CommitEntry {
    int64_t recorded_at;
    const char* record;
    uint32_t first_local;
  };
  const PostingIndex& postings(Index index) const;
  const NameTable& names(Index index) const;
  // The number of commits recorded at or before `time`, staged ones included.
  uint32_t commits_until(Timestamp time) const;
  uint32_t find_store_id(const StoreId& id, uint32_t count) const;

  Arena records_;
  std::vector<std::shared_ptr<const char[]>> kept_;
  uint64_t staged_bytes_ = 0;
  Column<const char*> events_;
  Column<CommitEntry> commits_;
  Names names_;
  PostingIndex streams_;
  PostingIndex types_;
  PostingIndex tags_;
  PostingIndex correlations_;
  PostingIndex causations_;
  HashIndex client_ids_;
  std::atomic<uint32_t> published_events_{0};
  std::atomic<uint32_t> commit_count_{0};
};

}  // namespace chronos
