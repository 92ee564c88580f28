// Import: one event a line (NDJSON), durable, exactly once however often the import is stopped and started again.
//
// What was imported is recognised by its content from the beginning of the input on, not by the file's name: a copy,
// a pipe or a file that has grown since continues where the last import of it into the same fork ended.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/result.h"
#include "mcp/import_target.h"

namespace chronos {

struct ImportOptions {
  int fd = 0;          // what is read
  int stop_fd = -1;    // once readable, the import ends: what was put is kept; -1: none
  std::string source;  // its name in messages
  std::string fork = "main";
  std::string import_id;  // imports with another id do not know of each other; the usual one is ""
  size_t block_lines = 1024;
  std::function<bool()> stop_requested;                                // may be null
  std::function<void(uint64_t events, uint64_t bytes_read)> progress;  // may be null; called after every block
};

// All of it is durable when import_events returned.
struct ImportReport {
  uint64_t imported = 0;  // events put by this import
  uint64_t skipped = 0;   // events that were there already
  uint64_t bytes_read = 0;
  bool stopped = false;  // by stop_fd
  // "FILE:LINE: message" of the first bad line, or what failed.  Everything before it was imported, unless
  // the code is kUnavailable.
  std::optional<Error> failure;
};

ImportReport import_events(ImportTarget& target, const ImportOptions& options);

}  // namespace chronos
