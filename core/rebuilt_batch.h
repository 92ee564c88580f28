// Lays events out again as they lie in a commit record of the log (core/event.h), from their packed parts.  One thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "core/event_block.h"

namespace chronos {

class RebuiltBatch {
 public:
  void clear();
  struct Names {
    std::string_view stream;
    std::string_view type;
    const std::vector<std::string_view>& tags;
  };
  void add(const PackedEvent& event, const Names& names, std::string_view data, std::string_view metadata,
           Timestamp recorded_at);

  struct Head {
    ForkId fork;
    Position first_position;  // of the batch
    Timestamp recorded_at;
    std::string_view actor;
    PackedBatch batch;
  };
  // The events added, as one record: all of a batch, or of one event an excerpt.  Checksum and number of the record are
  // zero: they were those of its place in the log.
  CommitRecord finish(const Head& head, bool is_excerpt) const;

 private:
  std::vector<uint32_t> versions_;
  std::vector<uint32_t> begins_;  // of the events, in events_
  std::string events_;
};

}  // namespace chronos
