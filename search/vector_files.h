// The files of a vector index: segments, and the graphs over them.  docs/FORMAT.md has the bytes.
//
// A file tells of one run of a fork's own events, and in a note of which events and which model; one whose note is not
// the one expected, or that is damaged, is deleted when it is met.  All of a file is checked when it is opened.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/disk.h"
#include "core/result.h"
#include "core/types.h"
#include "search/vector_graph.h"
#include "search/vector_segment.h"

namespace chronos {

// A run of events, as a file's name tells it.
struct VectorRun {
  std::string fork;
  Position base;
  uint32_t events = 0;
  Position last() const { return Position{base.value + events}; }
};

// Any thread; a run is written by one at a time.
class VectorFiles {
 public:
  // Requires: the disk outlives it.
  VectorFiles(Disk& disk, std::string directory) : disk_(disk), directory_(std::move(directory)) {}

  // Of all segments, in no order.  None when there is no directory.
  std::vector<VectorRun> list() const;

  using Sink = VectorSegmentBuilder::Sink;
  // What gives out the bytes of a segment.
  using Emit = std::function<Result<void>(const Sink&)>;
  // Writes and opens it.  The directory is made if it is not there.
  Result<std::shared_ptr<const VectorSegment>> write(const VectorRun& run, const std::string& note, const Emit& emit);
  // Null, and the file is gone, when it is not what it should be.
  std::shared_ptr<const VectorSegment> open(const VectorRun& run, const std::string& note);

  struct Graph {
    std::shared_ptr<const VectorGraph> graph;
    uint32_t dimension = 0;
  };
  Result<Graph> write_graph(const VectorRun& run, const VectorSegment& segment, uint32_t dimension,
                            std::string_view bytes);
  // Without a graph when there is none over this segment.
  Graph open_graph(const VectorRun& run, const VectorSegment& segment);

  // Both; whether they were there or not.
  void remove(const VectorRun& run);
  void remove_all();

 private:
  std::string path(const VectorRun& run, std::string_view suffix) const;
  Result<void> write_file(const std::string& path, uint64_t kind, const std::string& note, const Emit& emit);
  Result<Graph> read_graph(const VectorRun& run, const VectorSegment& segment);

  Disk& disk_;
  const std::string directory_;
};

}  // namespace chronos
