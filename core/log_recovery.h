// Reads a local log from its first byte to its last when a store is opened, and decides what its end is.
//
// Three outcomes: the records and a clean end; a torn tail, which is cut; damage, which is refused as kCorrupt.
// After success everything that was read, and every file's name, survives a power cut.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/disk.h"
#include "core/log.h"
#include "core/log_buffer.h"
#include "core/result.h"
#include "core/types.h"

namespace chronos {

struct RecoveredLog {
  LogEnd end;
  Lsn claimed;                 // the largest `durable` that an intact record carries
  std::vector<Lsn> files;      // by their first record, ascending
  std::unique_ptr<File> tail;  // the last file, open for writing; null when the log has no file yet
  uint64_t tail_size = 0;      // where its next record goes
  Lsn in_files;                // the last record that a file holds
  // Records that an earlier process left in its buffer and that are not in the files: all those between in_files and
  // end.last, or none when they are of no use.  Not set when its buffer holds nothing beyond the files.
  std::optional<BufferedRecords> left;
};

Result<RecoveredLog> recover_log(Disk& disk, const std::string& directory, const Log::Visitor& visit, Lsn sealed);

}  // namespace chronos
