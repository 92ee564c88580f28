// The vectors of a store, as a source gives them: for each fork, segments over the events it appended itself, made from
// them in order.
//
// It tails the store and is never waited for by an append.  A view takes the segments of the forks it is made of, each
// cut where the view ends in it, so what came later, or elsewhere, is never seen.  What a source can tell at once is
// indexed by whoever asks, if the background has not come so far; what has to be asked for elsewhere, as of an
// endpoint, is indexed in the background alone, and until then a view has vectors up to some position only.
//
//   appended --> segments of up to 1,024 events --> four of one size become one --> large ones in files, merged in
//                (in memory)                        in place                          the background, then graphs
//
// Files are derived: they can be deleted at any time, and one that is damaged, was made by another model, or tells of
// events that a power cut took away is deleted and made again.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "core/disk.h"
#include "core/result.h"
#include "core/store.h"
#include "search/vector_files.h"
#include "search/vector_search.h"
#include "search/vector_source.h"

namespace chronos {

struct VectorIndexOptions {
  std::string directory;  // made when the first file is written
  Disk* disk = &posix_disk();
  uint32_t large_events = 8192;     // segments from there on are kept in files
  uint32_t largest_events = 1 << 19;  // and are not merged to more than this
  uint32_t graph_vectors = 1 << 14;   // those with so many vectors get a graph
  VectorGraphOptions graph;
  bool in_background = true;  // otherwise only what is asked for is indexed, and step() does the rest
  std::chrono::milliseconds begins_after{2000};  // in the background: then a store was not opened for one question
};

struct VectorIndexStatus {
  std::string identity;  // of the source
  uint64_t events = 0;   // indexed, of all forks, with or without a vector
  uint64_t vectors = 0;
  uint64_t segments = 0;
  uint64_t graphs = 0;
  uint64_t memory_bytes = 0;  // of segments that are in memory
  uint64_t file_bytes = 0;
  std::string failure;  // why the source, or writing a file, failed last; empty when it did not
};

// The segments of a view, as far as there are any.
struct VectorCover {
  std::vector<VectorPiece> pieces;
  Position indexed_to;  // the view's head when nothing is missing
};

// Any thread.
class VectorIndex {
 public:
  // Requires: the store and the disk outlive it.
  VectorIndex(const Store& store, std::shared_ptr<VectorSource> source, const VectorIndexOptions& options);
  // Stops what is done in the background.
  ~VectorIndex();
  VectorIndex(const VectorIndex&) = delete;
  VectorIndex& operator=(const VectorIndex&) = delete;

  // Ends what is done in the background, for good.  From then on nothing is written to files.
  void stop();

  VectorSource& source() const { return *source_; }

  // Of a prompt source all of the view, as long as `go_on`, asked from time to time with how many events are left, says
  // so (null: as long as it takes); of another what there is.  Throws Damage when the events cannot be read.
  using GoOn = std::function<bool(uint64_t left)>;
  VectorCover cover(const View& view, const GoOn& go_on = nullptr);

  // Deletes all there is, in memory and in files: it is made again.
  void rebuild();
  VectorIndexStatus status() const;

  // What is done in the background: indexes some events, or merges, or writes one file.  False when nothing is left, or
  // it failed (status() says why).
  bool step();
  // The same for graphs, which take long: makes one.
  bool step_graph();

 private:
  struct Part {
    std::shared_ptr<const VectorSegment> segment;
    bool is_file = false;
    VectorFiles::Graph graph;
  };
  // Of one fork.  `making` is held by whoever adds to it, `mutex` for moments.
  struct Fork {
    std::string name;
    std::mutex making;
    std::atomic<bool> is_loaded{false};
    mutable std::mutex mutex;
    std::vector<Part> parts;  // follow each other
  };

  std::shared_ptr<Fork> fork_of(const std::string& name);
  std::vector<std::shared_ptr<Fork>> all_forks() const;
  void load(Fork& fork, Position base);
  Result<void> index_some(Fork& fork, const View& view, Position base, Position last);
  static Position indexed(const Fork& fork, Position base);
  static VectorRun run_of(const Fork& fork, const Part& part);
  void merge_small(Fork& fork);
  bool index_new(const ForkInfo& info);
  bool merge_large(Fork& fork);
  bool write_file(Fork& fork);
  bool put_together(Fork& fork, const std::vector<Part>& run);
  static bool replace(Fork& fork, const std::vector<Part>& run, Part merged);
  void drop_gone_forks();
  std::string note_of(const std::string& fork, Position last) const;
  void fail(const Error& error);
  uint64_t failures() const;
  void run(bool (VectorIndex::*step)());
  void pause(std::chrono::milliseconds most);

  const Store& store_;
  const std::shared_ptr<VectorSource> source_;  // shared with those who are asked for the vector of a query
  const VectorIndexOptions options_;
  VectorFiles files_;
  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, std::shared_ptr<Fork>> forks_;
  std::string failure_;
  uint64_t failures_ = 0;
  std::condition_variable ending_cv_;
  std::stop_source ending_;
  std::vector<std::thread> threads_;
};

}  // namespace chronos
