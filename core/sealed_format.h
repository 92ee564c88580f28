// The parts of a sealed segment's file, which both sides include.  docs/FORMAT.md shows them.
//
// A region is what was sealed at once: blocks of events with one dictionary, one table of shapes and numbers for names
// of its own.  Merging segments copies regions as they are and makes the indexes anew.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/segment.h"

namespace chronos {

// Of SealedFooter::numbers.
enum class SealedNumber : size_t { kKind, kFork, kBase, kEvents, kBatches, kRegions, kGroups };
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
  uint32_t first_group;
  uint32_t first_local;
  uint32_t zero32;
};
static_assert(sizeof(RegionEntry) == 72);

// Where the blocks of a region are, up to 64 that follow each other: eight and a half bytes for each, and one place of
// memory to look at.  What is told of blocks that are not there is all ones.
struct BlockGroup {
  static constexpr uint32_t kBlocks = 64;

  int64_t recorded_at;  // of its first event
  uint64_t offset;      // of its first block, from the region's first block
  uint32_t first_local;
  uint32_t region;
  uint32_t blocks;
  uint32_t time_shift;
  std::array<uint16_t, kBlocks> events;  // of the group, up to the end of the block
  std::array<uint16_t, kBlocks> times;   // of its first event, after recorded_at: the bits above the time_shift lowest
  std::array<uint32_t, kBlocks> ends;    // where it ends, from `offset`

  uint32_t begin_local(uint32_t i) const { return first_local + (i == 0 ? 0U : events[i - 1]); }
  uint32_t end_local(uint32_t i) const { return first_local + events[i]; }
  uint64_t begin(uint32_t i) const { return offset + (i == 0 ? 0U : ends[i - 1]); }
  uint64_t end(uint32_t i) const { return offset + ends[i]; }
  // At most 2^time_shift - 1 microseconds before it was; of its first block exactly.
  int64_t time_before(uint32_t i) const { return recorded_at + (int64_t{times[i]} << time_shift); }
};
static_assert(sizeof(BlockGroup) == 544 && std::is_trivially_copyable_v<BlockGroup>);

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
