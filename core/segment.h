// The own events of one fork, in memory: columns whose elements never move, and the indexes over them.
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

#include "core/arena.h"
#include "core/column.h"
#include "core/event.h"
#include "core/hash_index.h"
#include "core/log.h"
#include "core/name_table.h"
#include "core/posting_index.h"
#include "core/types.h"

namespace chronos {

class Segment {
 public:
  // Its first event will be at base + 1.  Requires: names outlive it.
  Segment(std::string fork_name, Position base, const Names& names)
      : fork_name_(std::move(fork_name)), base_(base), names_(names) {}
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  // --- the sequencer ---
  // Room for a record of `size` bytes, followed by kSimdPadding readable ones.
  char* allocate_record(size_t size) { return records_.allocate(size, kSimdPadding); }
  // Memory for the next records, to be made ready outside the lock (core/arena.h).
  std::span<char> claim_ahead(size_t ahead) { return records_.claim_ahead(ahead); }
  // The stream's entry, made if need be; its postings plus `inherited` are the stream's version.
  PostingIndex::Entry& stream_entry(uint32_t stream_number) { return streams_.entry(stream_number); }
  // Announces the commit whose events are added next.  Its record stays where it is.
  void add_commit(const char* record);
  // Adds one event to columns and indexes.
  void add_event(Event event, PostingIndex::Entry& stream, uint32_t type_number, Names& names);
  uint32_t staged_events() const { return events_.size(); }
  // Makes the first `events` events visible.
  void publish(uint32_t events) { published_events_.store(events, std::memory_order_release); }

  // --- readers ---
  const std::string& fork_name() const { return fork_name_; }
  Position base() const { return base_; }
  uint32_t published_events() const { return published_events_.load(std::memory_order_acquire); }
  Event event(uint32_t local) const { return Event(events_[local]); }
  const Names& names() const { return names_; }
  const PostingIndex& streams() const { return streams_; }
  const PostingIndex& types() const { return types_; }
  const PostingIndex& tags() const { return tags_; }
  const PostingIndex& correlations() const { return correlations_; }
  const PostingIndex& causations() const { return causations_; }

  static constexpr uint32_t kNone = UINT32_MAX;
  // The event, among the first `count`, with this id; kNone without one.
  uint32_t find_id(std::string_view id, uint32_t count) const;
  // How many of the first `count` events were recorded at or before `time`.
  uint32_t count_until(Timestamp time, uint32_t count) const;

  size_t index_bytes() const;

  static uint32_t key_of_id(std::string_view id);

 private:
  struct CommitEntry {
    int64_t recorded_at;
    const char* record;
    uint32_t first_local;
  };
  // The number of commits recorded at or before `time`, staged ones included.
  uint32_t commits_until(Timestamp time) const;
  uint32_t find_store_id(const StoreId& id, uint32_t count) const;

  const std::string fork_name_;
  const Position base_;
  const Names& names_;
  Arena records_;
  Column<const char*> events_;
  Column<CommitEntry> commits_;
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
