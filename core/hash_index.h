// From a hash to the number of a thing kept elsewhere: one writer, any number of readers that never wait.
//
// Open addressing over 8-byte slots {32 bits of the hash, number + 1}.  A slot is written once, whole, and never
// changes, so a reader sees it or does not.  Growing builds a new table and leaves the old one to readers that
// still walk it (all old tables together are smaller than the new one); what is missing in an old table was added
// after the reader took its view, and would be filtered by the view's bound anyway.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace chronos {

class HashIndex {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  HashIndex() = default;
  HashIndex(const HashIndex&) = delete;
  HashIndex& operator=(const HashIndex&) = delete;

  // The first number, in order of insertion, inserted under this hash for which is_it(number); kNone without one.
  template <typename IsIt>
  uint32_t find(uint64_t hash, IsIt is_it) const {
    const Table* table = table_.load(std::memory_order_acquire);
    if (table == nullptr) return kNone;
    const uint32_t tag = tag_of(hash);
    for (size_t i = table->start(tag);; i = (i + 1) & table->mask) {
      const uint64_t slot = table->slots[i].load(std::memory_order_acquire);
      if (slot == 0) return kNone;
      if (static_cast<uint32_t>(slot >> 32) == tag) {
        const uint32_t number = static_cast<uint32_t>(slot) - 1;
        if (is_it(number)) return number;
      }
    }
  }

  // Where find(hash) begins to look is brought into the caches.
  void fetch(uint64_t hash) const {
    const Table* table = table_.load(std::memory_order_acquire);
    if (table != nullptr) __builtin_prefetch(&table->slots[table->start(tag_of(hash))]);
  }

  // The writer only.  Requires: number < kNone.
  void insert(uint64_t hash, uint32_t number) {
    Table* table = table_.load(std::memory_order_relaxed);
    if (table == nullptr || (count_ + 1) * 4 > (table->mask + 1) * 3) table = grow();
    table->put(uint64_t{tag_of(hash)} << 32 | (number + 1));
    count_++;
  }

  size_t bytes() const { return bytes_; }

 private:
  struct Table {
    explicit Table(unsigned bits)
        : shift(32 - bits), mask((size_t{1} << bits) - 1), slots(new std::atomic<uint64_t>[mask + 1]()) {}
    size_t start(uint32_t tag) const { return (tag * 0x9E3779B1u) >> shift; }
    void put(uint64_t slot) {
      size_t i = start(static_cast<uint32_t>(slot >> 32));
      while (slots[i].load(std::memory_order_relaxed) != 0) i = (i + 1) & mask;
      slots[i].store(slot, std::memory_order_release);
    }
    unsigned shift;
    size_t mask;
    std::unique_ptr<std::atomic<uint64_t>[]> slots;
  };
  static uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }

  Table* grow() {
    const Table* old = table_.load(std::memory_order_relaxed);
    const unsigned bits = old == nullptr ? 3 : 32 - old->shift + 1;
    auto table = std::make_unique<Table>(bits);
    if (old != nullptr) copy_in_order(*old, *table);
    Table* raw = table.get();
    bytes_ += (raw->mask + 1) * 8;
    tables_.push_back(std::move(table));
    table_.store(raw, std::memory_order_release);
    return raw;
  }
  // Starting behind an empty slot keeps, for equal tags, the order in which they were inserted.
  static void copy_in_order(const Table& from, Table& to) {
    size_t first = 0;
    while (from.slots[first].load(std::memory_order_relaxed) != 0) first++;
    for (size_t n = 0; n <= from.mask; n++) {
      const uint64_t slot = from.slots[(first + n) & from.mask].load(std::memory_order_relaxed);
      if (slot != 0) to.put(slot);
    }
  }

  std::atomic<Table*> table_{nullptr};
  std::vector<std::unique_ptr<Table>> tables_;
  size_t count_ = 0;
  size_t bytes_ = 0;
};

}  // namespace chronos
