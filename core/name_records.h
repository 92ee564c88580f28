// Builds one index of a sealed segment: every name with its events, and the table that finds it.  One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/segment.h"

namespace chronos {

class NameRecords {
 public:
  // Adds what a segment has under every name, its numbers counted from `shift`.
  void add(const Segment& segment, Index index, uint32_t shift);
  struct Packed {
    std::string table;    // core/packed_table.h
    std::string records;  // core/sealed_format.h
  };
  // Of at most 4 GiB.  Once.
  Packed pack(Index index);
  // Where the record of a name lies.  After pack(); requires: it was added.
  uint32_t offset(std::string_view name) const { return names_[numbers_.find(std::string(name))->second].offset; }

 private:
  struct Name {
    std::string text;
    uint32_t inherited = 0;
    std::vector<uint32_t> events;
    uint32_t offset = 0;
  };
  std::vector<Name> names_;
  std::unordered_map<std::string, uint32_t> numbers_;
};

}  // namespace chronos
