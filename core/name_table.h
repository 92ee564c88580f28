// Names as small numbers, for a whole store: streams, types and tags each have a table.
//
// One writer (the sequencer), any number of readers that never wait.  Numbers are given in order of first use.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/arena.h"
#include "core/column.h"
#include "core/hash_index.h"

namespace chronos {

class NameTable {
 public:
  static constexpr uint32_t kNone = HashIndex::kNone;

  // Requires: hash == hash_bytes(name).  kNone when the name was never used.
  uint32_t find(std::string_view name, uint64_t hash) const {
    return index_.find(hash, [&](uint32_t i) { return this->name(i) == name; });
  }
  // For many names at once, each step a few names ahead of the next one, so that no step waits for memory: fetch(),
  // then what it likely is, then fetch_text(), then find().
  void fetch(uint64_t hash) const { index_.fetch(hash); }
  uint32_t likely(uint64_t hash) const {
    return index_.find(hash, [](uint32_t) { return true; });
  }
  // Requires: the table has so many.
  void fetch_entry(uint32_t number) const { __builtin_prefetch(&names_[number]); }
  void fetch_text(uint32_t number) const { __builtin_prefetch(names_[number].text); }
  // The writer only.
  uint32_t intern(std::string_view name, uint64_t hash) {
    const uint32_t found = find(name, hash);
    if (found != kNone) return found;
    char* memory = arena_.allocate(name.size());
    std::memcpy(memory, name.data(), name.size());
    names_.push_back(memory, static_cast<uint32_t>(name.size()));
    index_.insert(hash, names_.size() - 1);
    return names_.size() - 1;
  }
  std::string_view name(uint32_t number) const {
    const Entry& entry = names_[number];
    return {entry.text, entry.size};
  }
  size_t bytes() const { return index_.bytes() + names_.bytes() + arena_.bytes(); }

 private:
  struct Entry {
    const char* text;
    uint32_t size;
  };
  HashIndex index_;
  Column<Entry> names_;
  Arena arena_;
};

struct Names {
  NameTable streams;
  NameTable types;
  NameTable tags;
};

}  // namespace chronos
