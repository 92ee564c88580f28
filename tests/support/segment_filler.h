// Fills a segment in memory with random batches, as the sequencer would, without a store around it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/batch.h"
#include "core/memory_segment.h"
#include "tests/support/chance.h"
#include "tests/support/random_json.h"

namespace chronos::test {

class SegmentFiller {
 public:
  SegmentFiller(uint64_t seed, size_t streams);

  // The next `events` events, in batches of up to `most`, in a segment of their own: it begins where the one before
  // ended, and knows how many events its streams had.
  std::shared_ptr<MemorySegment> fill(size_t events, size_t most);
  // Names and ids that were used, and some that were not.
  const std::vector<std::string>& streams() const { return streams_; }
  const std::vector<std::string>& ids() const { return ids_; }

 private:
  void add_batch(MemorySegment& segment, size_t events);
  void put(MemorySegment& segment, const Batch& batch, const std::vector<uint32_t>& versions);

  Chance chance_;
  testing::RandomJson json_;
  std::vector<std::string> streams_;
  std::vector<std::string> types_;
  std::vector<std::string> tags_;
  std::vector<std::string> ids_;
  std::vector<uint32_t> versions_;  // by stream
  Position head_;
  int64_t now_ = 1'700'000'000'000'000;
};

}  // namespace chronos::test
