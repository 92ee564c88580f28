// From a key (a name's number, a hash) to the events that have it: posting lists in order of position.
//
// One writer, any number of readers that never wait.  A reader may see postings beyond its view's bound and cuts
// them off (PositionList does).  A list that outgrows its array moves to one twice as large; the old array stays
// for readers that hold it, so all of them together are less than twice the list.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <span>

#include "core/arena.h"
#include "core/column.h"
#include "core/hash_index.h"

namespace chronos {

class Postings {
 public:
  // What is there now, ascending; what is appended later is not in it.
  std::span<const uint32_t> read() const {
    const uint32_t size = size_.load(std::memory_order_acquire);
    return {data_.load(std::memory_order_acquire), size};
  }
  // The writer only: where the next one goes is brought into the caches.
  void fetch_end() const {
    __builtin_prefetch(data_.load(std::memory_order_relaxed) + size_.load(std::memory_order_relaxed), 1);
  }
  // The writer only.
  void append(uint32_t local, Arena& arena) {
    const uint32_t size = size_.load(std::memory_order_relaxed);
    uint32_t* data = data_.load(std::memory_order_relaxed);
    if (size == capacity_) {
      const uint32_t capacity = capacity_ == 0 ? 2 : capacity_ * 2;
      auto* larger = reinterpret_cast<uint32_t*>(arena.allocate(size_t{capacity} * 4));
      if (size > 0) std::memcpy(larger, data, size_t{size} * 4);
      data = larger;
      data_.store(data, std::memory_order_release);
      capacity_ = capacity;
    }
    data[size] = local;
    size_.store(size + 1, std::memory_order_release);
  }

 private:
  std::atomic<uint32_t*> data_{nullptr};
  std::atomic<uint32_t> size_{0};
  uint32_t capacity_ = 0;
};

class PostingIndex {
 public:
  struct Entry {
    explicit Entry(uint32_t k) : key(k) {}
    uint32_t key;
    uint32_t inherited = 0;  // the writer's: events with this key in the fork's parents (streams only)
    Postings postings;
  };

  // Null when no event has the key.
  const Entry* find(uint32_t key) const {
    const uint32_t number = number_of(key);
    return number == HashIndex::kNone ? nullptr : &entries_[number];
  }

  // The writer only: the key's entry, made if it is not there.
  Entry& entry(uint32_t key) {
    const uint32_t number = number_of(key);
    if (number != HashIndex::kNone) return entries_[number];
    Entry& made = entries_.push_back(key);
    index_.insert(hash_of(key), entries_.size() - 1);
    count_.store(entries_.size(), std::memory_order_release);
    return made;
  }
  // Brings into the caches what is likely the key's entry.
  void fetch(uint32_t key) const {
    if (key < entries_.size()) __builtin_prefetch(&entries_[key], 1);
  }
  void append(Entry& entry, uint32_t local) { entry.postings.append(local, arena_); }

  // Keys in order of first appearance.
  uint32_t size() const { return count_.load(std::memory_order_acquire); }
  const Entry& operator[](uint32_t i) const { return entries_[i]; }

  size_t bytes() const { return index_.bytes() + entries_.bytes() + arena_.bytes(); }

 private:
  // Keys that are names' numbers come in order, so in a store with one fork the n-th key is n: look there first.
  uint32_t number_of(uint32_t key) const {
    if (key < size() && entries_[key].key == key) return key;
    return index_.find(hash_of(key), [&](uint32_t i) { return entries_[i].key == key; });
  }
  static uint64_t hash_of(uint32_t key) { return uint64_t{key} * 0x9E3779B97F4A7C15u; }

  HashIndex index_;
  Column<Entry> entries_;
  Arena arena_;
  std::atomic<uint32_t> count_{0};
};

}  // namespace chronos
