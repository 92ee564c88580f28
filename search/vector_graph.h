// A graph over the vectors of one group of a segment, by which the nearest ones are found without looking at most.
//
// Hierarchical navigable small world (Malkov and Yashunin, 2016), made by hnswlib and kept as bytes of our own: the
// links alone, so that it lies in a mapped file and is walked over the rows of the segment.  The same rows give the
// same graph, on any processor.  It never changes; readers take a prefix of the rows, and what a filter lets through,
// while they walk over all of it.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "search/vector_segment.h"

namespace chronos {

struct VectorGraphOptions {
  uint32_t links = 16;          // of a row in the upper layers; twice as many in the lowest
  uint32_t construction = 120;  // candidates looked at for the links of a row
};

class VectorGraph {
 public:
  // Takes about half a millisecond for each vector and, while it goes on, a third of what the segment's floats take.
  // Empty when it was stopped, or memory did not suffice.  Requires: rows.count > 0.
  static std::string build(const VectorSegment::Group& rows, const VectorGraphOptions& options,
                           const std::stop_token& stop);

  // Null when the bytes are not those of a graph over these rows.  They are trusted beyond that: files have checksums.
  // `memory` keeps them; they begin at a multiple of 8.
  static std::shared_ptr<const VectorGraph> open(std::string_view bytes, const VectorSegment::Group& rows,
                                                 std::shared_ptr<const void> memory);

  struct Near {
    uint32_t row;
    float score;  // of the bytes: dot product of the codes, times the row's scale
  };
  struct Walk {
    const int8_t* query = nullptr;  // codes
    float scale = 1;                // of the codes
    size_t most = 10;               // how many are wanted; up to twice as many and 52 more are found
    // What the last of those scores that were found elsewhere, if they are as many as are wanted: what scores less is
    // not needed, and only the few nearest are found in any case.
    float floor = -std::numeric_limits<float>::infinity();
    uint32_t rows = 0;              // only the first ones count
    std::function<bool(uint32_t row)> filter;  // and only these; null takes all
    size_t budget = SIZE_MAX;       // rows to look at
  };
  // The nearest.  Nothing when the budget did not suffice.  Requires: `rows` are those it was opened with.
  std::optional<std::vector<Near>> walk(const VectorSegment::Group& rows, const Walk& walk) const;

  size_t bytes() const { return bytes_.size(); }

 private:
  VectorGraph(std::string_view bytes, std::shared_ptr<const void> memory) : bytes_(bytes), memory_(std::move(memory)) {}
  struct Header;
  struct Links {
    const uint32_t* at;
    uint32_t size;
  };
  class Walker;
  const Header& header() const;
  // Where the links of a row in the lowest layer are: how many, and room for them.
  std::span<const uint32_t> lowest_room(uint32_t row) const;
  // Of a row in a layer; none in one it does not reach.
  Links links(uint32_t row, uint32_t layer) const;

  const std::string_view bytes_;
  const std::shared_ptr<const void> memory_;
};

}  // namespace chronos
