// The vectors of a run of one fork's events that follow each other, in order of position: each as a row of floats of
// length 1, and as a row of bytes that is about the same, to be looked through first.
//
// It is one stretch of bytes, in memory or in a mapped file, which never changes: readers take a prefix of it, the
// first `cut` events.  Vectors of different dimensions lie in different groups and never meet.  Segments of
// neighbouring runs merge into one.  docs/FORMAT.md has the bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/types.h"
#include "search/vector_kernels.h"

namespace chronos {

class VectorSegment {
 public:
  static constexpr uint32_t kMostDimension = 8192;

  // Null when the bytes are not laid out as a segment's.  They are trusted beyond that: files have checksums.
  // `memory` keeps them; they begin at a multiple of 8.
  static std::shared_ptr<const VectorSegment> open(std::string_view bytes, std::shared_ptr<const void> memory);

  // The event after `base` is number 0.
  Position base() const { return base_; }
  uint32_t events() const { return events_; }
  size_t bytes() const { return bytes_.size(); }
  std::string_view content() const { return bytes_; }

  // The vectors of one dimension: `count` rows, in order of their events.
  struct Group {
    uint32_t dimension = 0;
    uint32_t count = 0;
    const uint32_t* events = nullptr;
    const RowScale* scales = nullptr;
    const int8_t* codes = nullptr;  // rows of code_stride(dimension)
    const float* floats = nullptr;  // rows of float_stride(dimension)

    // How many rows are of the first `cut` events.
    uint32_t rows_before(uint32_t cut) const;
    const int8_t* codes_of(uint32_t row) const { return codes + row * code_stride(dimension); }
    const float* floats_of(uint32_t row) const { return floats + row * float_stride(dimension); }
  };
  // By dimension.
  const std::vector<Group>& groups() const { return groups_; }
  // Null when there is none.
  const Group* group(uint32_t dimension) const;

 private:
  VectorSegment(std::string_view bytes, std::shared_ptr<const void> memory)
      : bytes_(bytes), memory_(std::move(memory)) {}
  bool read_layout();

  const std::string_view bytes_;
  const std::shared_ptr<const void> memory_;
  Position base_;
  uint32_t events_ = 0;
  std::vector<Group> groups_;
};

// Makes a segment.  One thread; used once.
class VectorSegmentBuilder {
 public:
  explicit VectorSegmentBuilder(Position base) : base_(base) {}

  // The next event, which has no vector.
  void add_none() { events_++; }
  // The next event.  A vector without a direction (zero, not finite) counts as none.
  // Requires: 1 to kMostDimension numbers.
  void add(std::span<const float> vector);
  uint32_t events() const { return events_; }
  std::string finish() const;

  // Of segments that follow each other, given out piece by piece: they may be more than fits into memory.
  using Sink = std::function<Result<void>(std::string_view bytes)>;
  static Result<void> merge(std::span<const std::shared_ptr<const VectorSegment>> segments, const Sink& sink);
  static std::string merge(std::span<const std::shared_ptr<const VectorSegment>> segments);

 private:
  struct Rows {
    std::vector<uint32_t> events;
    std::vector<RowScale> scales;
    std::vector<int8_t> codes;
    std::vector<float> floats;
  };
  const Position base_;
  uint32_t events_ = 0;
  std::map<uint32_t, Rows> groups_;  // by dimension
};

std::shared_ptr<const VectorSegment> keep_vectors_in_memory(std::string bytes);

}  // namespace chronos
