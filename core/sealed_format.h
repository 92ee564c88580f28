// The parts of a sealed segment's file, which both sides include.  docs/FORMAT.md shows them.
//
// A region is what was sealed at once: blocks of events with one dictionary, one table of shapes and numbers for names
// of its own.  Merging segments copies regions as they are and makes the indexes anew.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/segment.h"

namespace chronos {

// Of SealedFooter::numbers.
enum class SealedNumber : size_t { kKind, kFork, kBase, kEvents, kBatches, kRegions, kBlocks };
inline constexpr uint64_t kSegmentKind = 1;

// Of SealedFooter::sections.  Each index has two: the table from a name's hash to its record, and the records.
enum class SealedSection : size_t { kRegions, kBlocks, kIds, kRequests, kFirstIndex };
constexpr size_t table_section(Index index) {
  return static_cast<size_t>(SealedSection::kFirstIndex) + 2 * static_cast<size_t>(index);
}
constexpr size_t records_section(Index index) { return table_section(index) + 1; }

struct RegionEntry {
  uint64_t blocks_at;    // its first block
  uint64_t blocks_size;  // all of them
  uint64_t texts_at;     // dictionary, shapes, actors
  uint64_t texts_size;
  uint64_t names_at;    // uint32 for each of its streams, then types, then tags: where the name's record is
  int64_t recorded_at;  // what times are told from
  uint32_t streams;
  uint32_t types;
  uint32_t tags;
  uint32_t first_block;
  uint32_t first_local;
  uint32_t zero32;
};
static_assert(sizeof(RegionEntry) == 72);

struct BlockEntry {
  int64_t recorded_at;   // of its first event
  uint32_t first_local;  // its first event
  uint32_t offset;       // from the region's first block
};
static_assert(sizeof(BlockEntry) == 16);

// A block begins with its checksum, the lower half of the hash of the rest: it is read without the pages it lies in.
inline constexpr size_t kBlockHead = 4;
inline std::string block_checksum(std::string_view packed) {
  const auto half = static_cast<uint32_t>(hash_bytes(packed));
  return std::string(reinterpret_cast<const char*>(&half), sizeof half);
}

// The name of what is found under a correlation or causation id: the four bytes of Segment::key_of_id.
// A name's record: its size, itself, the events of it before the segment (streams only, else 0), those in it, the size
// of the packed list, and the list (core/local_list.h); numbers are LEB128.

}  // namespace chronos
