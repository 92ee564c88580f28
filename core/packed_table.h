// From hashes to numbers, in a sealed file: small enough to be written for every name and id, and read where it lies.
//
//   bits (uint32) | entries (uint32) | begins[2^bits + 1] (uint32) | {tag (uint32), number (uint32)} ...
//
// An entry's tag is the upper half of its hash; the first `bits` bits of it say in which bucket it lies.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/sealed_file.h"

namespace chronos {

struct PackedEntry {
  uint32_t tag;
  uint32_t number;
};

constexpr uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }

// Entries of one tag stay in the order they come in.
std::string pack_table(std::vector<PackedEntry> entries);

// Reads one that lies in a file.  Any thread; throws Damage.
class PackedTable {
 public:
  // Requires: the file outlives it.
  PackedTable(const SealedFile& file, const Section& section);

  uint32_t size() const { return entries_; }
  PackedEntry operator[](uint32_t i) const;
  // The first number under the hash for which is_it(number).
  template <typename IsIt>
  std::optional<uint32_t> find(uint64_t hash, IsIt is_it) const {
    if (entries_ == 0) return std::nullopt;
    const uint32_t tag = tag_of(hash);
    const auto [begin, end] = bucket(tag);
    for (uint32_t i = begin; i < end; i++) {
      const PackedEntry entry = (*this)[i];
      if (entry.tag == tag && is_it(entry.number)) return entry.number;
    }
    return std::nullopt;
  }

 private:
  struct Range {
    uint32_t begin;
    uint32_t end;
  };
  Range bucket(uint32_t tag) const;

  const SealedFile* file_;
  uint64_t begins_at_ = 0;
  uint64_t entries_at_ = 0;
  unsigned bits_ = 0;
  uint32_t entries_ = 0;
};

}  // namespace chronos
