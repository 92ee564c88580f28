// The keyword index of a store: for each fork, segments over the events it appended itself, made from them in order.
//
// It tails the store and is never waited for by an append.  What is asked about is indexed first: by the thread that
// asks, if the one in the background has not come so far.  A view takes the segments of the forks it is made of, each
// cut where the view ends in it, so what came later, or elsewhere, is never seen.
//
//   appended --> segments of up to 1,024 events --> four of one size become one --> large ones (8,192 events) in files
//                (in memory)                        in place                          merged in the background
//
// When nothing is appended for a while, what there is becomes one segment, or few.
//
// Files are derived: they can be deleted at any time, and one that is damaged, was made by another analyzer, or tells
// of events that a power cut took away is deleted and made again.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/disk.h"
#include "core/result.h"
#include "core/store.h"
#include "search/analyzer.h"
#include "search/keyword_search.h"
#include "search/text_segment.h"

namespace chronos {

struct TextIndexOptions {
  std::string directory;  // made when the first file is written
  Disk* disk = &posix_disk();
  AnalyzerOptions analyzer;
  uint32_t large_events = 8192;  // segments from there on are kept in files
  bool in_background = true;     // otherwise only what is asked for is indexed, and step() does the rest
  std::chrono::milliseconds begins_after{2000};  // in the background: then a store was not opened for one question
};

struct TextIndexStatus {
  uint64_t events = 0;  // indexed, of all forks
  uint64_t segments = 0;
  uint64_t memory_bytes = 0;  // of segments that are in memory
  uint64_t file_bytes = 0;
  std::string failure;  // why the last attempt to write a file failed; empty when it did not
};

// Any thread.
class TextIndex {
 public:
  // kInvalidArgument for an unknown language.
  // Requires: the store and the disk outlive it.
  static Result<std::unique_ptr<TextIndex>> open(const Store& store, const TextIndexOptions& options);
  // Stops what is done in the background; large segments are written first.
  ~TextIndex();
  TextIndex(const TextIndex&) = delete;
  TextIndex& operator=(const TextIndex&) = delete;

  // All of the view, indexed.  Throws Damage when its events cannot be read.
  std::vector<TextPiece> cover(const View& view);
  // The same, as long as `go_on`, asked from time to time with how many events are left, says so; nullopt when it
  // does not.
  using GoOn = std::function<bool(uint64_t left)>;
  std::optional<std::vector<TextPiece>> cover(const View& view, const GoOn& go_on);
  // What of the view is indexed already, from position 1 on without a gap.
  std::vector<TextPiece> covered(const View& view);
  // The terms of a query.
  Terms analyze(std::string_view text);
  // Those by which an event is found.
  Terms analyze(const Event& event);
  // For work with texts; give it back for the next one.
  std::unique_ptr<Analyzer> take_analyzer();
  void give_back(std::unique_ptr<Analyzer> analyzer);
  // Ends what is done in the background, for good.
  void stop();
  // Deletes all there is, in memory and in files: it is made again from the events.
  Result<void> rebuild();
  TextIndexStatus status() const;

  // What is done in the background: indexes some events, or merges, or writes one file.  False when nothing is left.
  bool step();

 private:
  struct Part {
    std::shared_ptr<const TextSegment> segment;
    std::string file;  // its name; empty while it is in memory only
  };
  // Of one fork.  `making` is held by whoever adds to it, `mutex` for moments.
  struct Fork {
    std::string name;
    std::mutex making;
    bool is_loaded = false;  // with `making`
    mutable std::mutex mutex;
    std::vector<Part> parts;  // follow each other
  };
  TextIndex(const Store& store, const TextIndexOptions& options);

  std::shared_ptr<Fork> fork_of(const std::string& name);
  // Requires: fork.making is held.
  void load(Fork& fork, Position base);
  void index_some(Fork& fork, const View& view, Position base, Position last);
  static Position indexed(const Fork& fork, Position base);
  void merge_small(Fork& fork);
  bool merge_large(Fork& fork);
  bool write_file(Fork& fork);
  bool compact(Fork& fork);
  bool keep_rest(Fork& fork);
  bool put_together(Fork& fork, const std::vector<Part>& run);
  Result<Part> write(const std::string& fork, const std::string& bytes, Position base, uint32_t events);
  static bool replace(Fork& fork, const std::vector<Part>& run, Part merged);
  void remove_files(const std::vector<Part>& parts);
  void drop_gone_forks();
  std::string note_of(const std::string& fork, Position last) const;
  bool index_new(const ForkInfo& info);
  bool index_or_merge();
  void pause(std::unique_lock<std::mutex>& lock, std::chrono::milliseconds most);
  void run();

  const Store& store_;
  const TextIndexOptions options_;
  std::string identity_;
  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, std::shared_ptr<Fork>> forks_;
  std::string failure_;
  std::vector<std::unique_ptr<Analyzer>> analyzers_;  // not in use now
  std::condition_variable ending_cv_;
  bool is_ending_ = false;
  std::thread thread_;
};

}  // namespace chronos
