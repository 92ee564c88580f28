// From the files of one store, which stay as they are, to a new store (core/store_files.h, core/history_writer.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/store.h"
#include "core/store_files.h"

namespace chronos {

struct SalvageReport {
  uint64_t events = 0;  // written
  uint64_t forks = 0;   // main too
  uint64_t lost_events = 0;
  std::vector<std::string> damages;  // of files: one sentence each, naming file and byte
  std::vector<LostEvents> lost;      // the first 1,000
  // Positions of what was written are other ones than in the old store from the first lost event on.
  bool complete = true;  // false when `go_on` ended it
  bool is_whole() const { return damages.empty() && lost_events == 0; }
};

// Told the events written so far, now and then; ends the work by returning false.
using SalvageProgress = std::function<bool(uint64_t events)>;

// Writes every batch that can be read, of every fork that is there now, to a new store in `to.directory`.
// kInvalidArgument when there is something in that directory; fails as StoreFiles::open does.
Result<SalvageReport> salvage(const std::string& from, const StoreOptions& to, const SalvageProgress& go_on);

struct RestoreReport {
  Position position;
  uint64_t events = 0;
};

// A new store that is what the closed store in `from`, a backup as a rule, is: its sealed files get a second name, the
// rest is copied.  Nothing is checked.  kInvalidArgument when there is something in `to`.
Result<void> restore_all(Disk& disk, const std::string& from, const std::string& to);

// A new store with main up to a position, and no forks.  kInvalidArgument, and nothing is made, for a position past the
// head, or between the first and the last event of a batch: the error tells the two nearest.  kCorrupt when something
// up to it cannot be read.
Result<RestoreReport> restore_to(const std::string& from, const StoreOptions& to, Position position,
                                 const SalvageProgress& go_on);

}  // namespace chronos
