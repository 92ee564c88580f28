// The sealed part of a store: a directory with a manifest, the segments it names, and the changes of the store (forks
// made and discarded, settings), which are few and kept as records of the log, one after the other, in one file.
//
// The order in which things reach the disk is the promise: segments and changes, then the manifest that names them, and
// only then may the log drop what they hold, or older files go.  Whatever the manifest does not name is removed when
// the store is opened.  One thread at a time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/disk.h"
#include "core/log_format.h"
#include "core/manifest.h"
#include "core/memory_segment.h"
#include "core/result.h"
#include "core/sealed_segment.h"
#include "core/types.h"

namespace chronos {

// What the sequencer closed to be sealed: everything up to a record of the log.
struct SealPlan {
  Lsn sealed;
  Timestamp recorded_at;
  struct Part {
    ForkId fork;
    std::string fork_name;
    std::shared_ptr<const MemorySegment> segment;
  };
  std::vector<Part> parts;              // of one fork in order
  std::string changes;                  // records since the last time
  std::set<ForkId> living;              // forks that are not discarded
  std::vector<uint64_t> gone_requests;  // of batches in memory that went with their fork
};

// Segments that one segment took the place of.
struct Replacement {
  std::vector<std::shared_ptr<const Segment>> segments;
  std::shared_ptr<const SealedSegment> fresh;
};

class SealedStore {
 public:
  // Made if it is not there.  Reads the manifest, and removes what it does not name.
  static Result<std::unique_ptr<SealedStore>> open(Disk& disk, const std::string& directory);

  const Manifest& manifest() const { return manifest_; }
  uint64_t bytes() const;

  // --- opening the store ---
  // Hands every change to `visit`, in order.
  Result<void> replay_changes(const std::function<Result<void>(const LogRecord& record)>& visit) const;
  // The segments of a fork, oldest first.  Once for each fork.
  Result<std::vector<std::shared_ptr<const SealedSegment>>> open_segments(ForkId fork, const std::string& fork_name);

  // --- sealing ---
  // On success all of the plan is on the disk, and the segments of discarded forks are gone.
  Result<std::vector<Replacement>> seal(const SealPlan& plan);
  // Merges segments of about the same size where there are many, to at most so many events, which take 16 bytes each
  // meanwhile; nothing when there are few.  Call it until then.
  Result<std::vector<Replacement>> merge_some(uint64_t most_events);
  // Holds all files when they take at most half as many bytes.  Otherwise lets the system take back memory that reading
  // brought in, when it is more than that.
  void forget_beyond(uint64_t bytes);

 private:
  SealedStore(Disk& disk, std::string directory) : disk_(disk), directory_(std::move(directory)) {}
  using Segments = std::vector<std::shared_ptr<const SealedSegment>>;
  std::string path_of(const SealedRef& ref) const { return directory_ + "/" + segment_file_name(ref); }
  Result<void> remove_strays() const;
  Error unknown_outcome() const;
  void resume_packing();
  Result<void> append_changes(std::string_view records, Manifest& next) const;
  Result<void> commit(Manifest next, std::map<ForkId, Segments> segments);
  static std::span<const std::shared_ptr<const SealedSegment>> run_to_merge(const Segments& segments,
                                                                            uint64_t most_events);

  Disk& disk_;
  const std::string directory_;
  Manifest manifest_;
  std::string broken_;  // why it is not known which manifest counts; empty when it is
  std::map<ForkId, Segments> segments_;
  const std::shared_ptr<Unpackings> unpackings_ = std::make_shared<Unpackings>();  // shared with the segments
  std::shared_ptr<Packing> packing_;  // learned last; null when there is none that serves
  bool is_packing_resumed_ = false;   // that of the segments that were there was looked for
};

}  // namespace chronos
