// The append-only log of a store: the one place where events become durable.  Everything else is derived.
//
// The interface is narrow so that a replicated engine can stand where local files stand (architecture, section 3):
// numbered opaque records go in, the same records come out, in the same order, on every node.
//
// append, mark and close are called from one thread at a time; replay before the first append.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/disk.h"
#include "core/log_format.h"
#include "core/result.h"
#include "core/types.h"

namespace chronos {

// What replay found at the end of the log.
struct LogEnd {
  Lsn last;                 // the last intact record
  uint64_t cut_bytes = 0;   // length of a torn tail that was cut; 0 when the log ended cleanly
  std::string cut_report;   // file, offset and length of that tail, for people; empty when nothing was cut
};

class Log {
 public:
  virtual ~Log() = default;

  // Hands every record to `visit`, in order, and stops at the first error, its own or the visitor's.
  // The bytes of a record stay where they are for as long as `memory` is kept; kSimdPadding readable bytes follow.
  // A torn tail (bytes after the last record that was durable) is cut off and reported; anything else that is not
  // a record is kCorrupt, naming file and offset.
  using Visitor = std::function<Result<void>(const LogRecord& record, const std::shared_ptr<const char[]>& memory)>;
  // Records up to `sealed` are passed over; they may be missing from the log, which must go on right behind them.
  virtual Result<LogEnd> replay(const Visitor& visit, Lsn sealed) = 0;

  // Appends sealed records as one group, and returns when they are as durable as asked.  Requires: their lsns are
  // expected_last + 1, + 2, ...; fails with kConflict, nothing written, when the log's last lsn is another one
  // (a second writer).  After any other failure the log takes nothing more: every later call fails with
  // kUnavailable and the reason of the first failure.
  virtual Result<void> append(std::span<const std::string_view> records, Lsn expected_last, Durability durability) = 0;

  // Whether append with Durability::kOs and so many bytes returns without a system call now.
  virtual bool takes_at_once(size_t bytes) const = 0;

  // Makes records that were appended with Durability::kOs durable.
  virtual Result<void> sync() = 0;

  // Records up to `sealed` are on the disk elsewhere, and so is what will tell replay so: the log may drop them.
  // Requires: they are durable in the log.
  virtual Result<void> forget(Lsn sealed) = 0;

  // Notes in the log that everything appended so far is durable, so that later damage to it is told apart from
  // a torn tail.  Cheap, not synced, optional: call it when nothing is going on.
  virtual Result<void> mark() = 0;
};

// Readable bytes kept behind every record, for parsers that read in wide steps.
inline constexpr size_t kSimdPadding = 64;

struct LocalLogOptions {
  std::string directory;                      // created if absent
  uint64_t file_size_bytes = uint64_t{64} << 20;  // a new file is begun when one has grown beyond this
  // Of the buffer for records that need not be synced.  A group larger than a quarter of it goes into the file.
  size_t buffer_size_bytes = size_t{256} << 10;
};

// The log as files in a directory: log/00000000000000000001.log, named by their first lsn.
Result<std::unique_ptr<Log>> open_local_log(Disk& disk, const LocalLogOptions& options);

}  // namespace chronos
