// What the files of a store say, read without opening the store: for one that does not open, and for one that is to
// stay as it is.  Nothing is changed; what is damaged is noted, and the rest is read.
//
// One thread.  Requires: the disk outlives it; nobody opens the store meanwhile (open() takes its lock).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/control.h"
#include "core/disk.h"
#include "core/event.h"
#include "core/manifest.h"
#include "core/result.h"
#include "core/sealed_segment.h"
#include "core/types.h"

namespace chronos {

// Positions of a fork that cannot be read, and why: names file and byte, where a file is there.
struct LostEvents {
  std::string fork;
  Position first;
  Position last;
  std::string what;
};

class StoreFiles {
 public:
  // kNotFound when the directory holds no store, kUnavailable when it is in use, kInvalidArgument when a newer version
  // wrote a part of it.
  static Result<std::unique_ptr<StoreFiles>> open(Disk& disk, const std::string& directory);

  // What is wrong with manifest, changes, headers and footers of sealed files, and the log: one sentence each, which
  // names file and byte.
  const std::vector<std::string>& damages() const { return damages_; }
  // Reads every page of every sealed file and adds those that are not right.  False when `go_on`, which is told the
  // share done, ended it.
  bool check_pages(const std::function<bool(double done)>& go_on);

  Timestamp created_at() const { return created_at_; }
  bool main_protected() const { return main_protected_; }
  const std::map<std::string, std::string>& settings() const { return settings_; }

  // A sealed file, or one batch in the log.
  struct Piece {
    Position first;
    Position last;
    std::shared_ptr<const SealedSegment> segment;  // null for a batch, and for a file that cannot be read
    const char* record = nullptr;                  // of a batch
    std::string damage;                            // of a file that cannot be read
  };
  struct Fork {
    std::string name;
    ForkId parent;
    Position point;
    Timestamp created_at;
    std::optional<Timestamp> expires_at;
    std::string purpose;
    std::string actor;
    std::vector<Piece> pieces;  // own ones, by first position; may overlap and have gaps
  };
  // Those that were not discarded, main first, parents before their forks.
  const std::map<ForkId, Fork>& forks() const { return forks_; }

 private:
  StoreFiles(Disk& disk, std::string directory) : disk_(disk), directory_(std::move(directory)) {}
  Result<void> read_manifest_or_names();
  Result<void> read_changes();
  Result<void> read_segments();
  Result<void> read_log();
  Result<void> read_log_file(Lsn first, bool is_last);
  void take(const LogRecord& record);
  void take_change(const LogRecord& record, const std::string& path);
  void sort_pieces();

  Disk& disk_;
  const std::string directory_;
  std::unique_ptr<DirectoryLock> lock_;
  std::vector<std::string> damages_;
  std::optional<Manifest> manifest_;  // nothing when it was lost
  std::vector<SealedRef> refs_;
  std::vector<std::shared_ptr<const char[]>> memory_;  // of the log and the changes
  std::map<ForkId, Fork> forks_;
  const std::shared_ptr<Unpackings> unpackings_ = std::make_shared<Unpackings>();  // shared with the segments
  std::set<ForkId> discarded_;
  std::map<ForkId, uint64_t> nameless_;  // events of forks whose making cannot be read
  Timestamp created_at_;
  bool main_protected_ = false;
  std::map<std::string, std::string> settings_;
  Lsn last_;  // of the records of the log that were read
};

// The batches of one fork's own history in order, and what is missing between them.  One thread.
class BatchReader {
 public:
  // Requires: the fork outlives it.
  explicit BatchReader(const StoreFiles::Fork& fork);

  struct Step {
    CommitRecord batch;              // valid until the next step; null when events are lost
    std::optional<LostEvents> lost;  // exactly one of the two
  };
  // Nothing at the end.
  std::optional<Step> next();

 private:
  Step lose(Position last, const std::string& what);
  Step next_of(const SealedSegment& segment);
  Position next_readable(const SealedSegment& segment, Position after) const;

  const StoreFiles::Fork& fork_;
  size_t piece_ = 0;
  uint64_t batches_read_ = 0;
  Position due_;
};

}  // namespace chronos
