// Records and logs for tests: made of a few words, read back as text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/log.h"

namespace chronos::test {

struct RecordText {
  uint64_t lsn;
  uint64_t durable;
  std::string_view head = "head";
  std::string_view body = {};
  RecordKind kind = RecordKind::kCommit;
};

// A sealed record.
std::string make_record(const RecordText& text);

struct ReplayedLog {
  std::vector<std::string> bodies;  // of the records 1, 2, ...
  LogEnd end;
};

// Opens a log and reads it, checking what replay promises of every record.
struct OpenedLog {
  std::unique_ptr<Log> log;
  ReplayedLog found;
};
Result<OpenedLog> open_and_replay(Disk& disk, const LocalLogOptions& options);

// Appends one record for each body.
Result<void> append_bodies(Log& log, std::span<const std::string> bodies, RecordNumbers before,
                           Durability durability = Durability::kFsync);

// CHRONOS_SEED, or else `usual`; printed by whoever uses it.
uint64_t seed_from_environment(uint64_t usual);

}  // namespace chronos::test
