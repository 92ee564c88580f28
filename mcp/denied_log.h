// What was refused over HTTP, for whoever looks after the server: a line of JSON each in `denied.ndjson` in the data
// directory, the one before in `denied.1.ndjson` (docs/FORMAT.md).
//
// Never grows without limit: a file is at most kFileBytes, there are two, and of more than a few refusals a second only
// the number is written down.  Nothing in it is secret: a line has neither the token nor anything made of it.
// Safe to call from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/disk.h"
#include "core/types.h"

namespace chronos {

struct DeniedCall {
  int status = 0;
  std::string_view code;       // of contract.md, section 7: "unauthenticated"
  std::string_view reason;     // a sentence
  std::string_view principal;  // "" when nobody knows
  std::string_view peer;
  std::string_view method;
  std::string_view path;
  std::string_view tool;  // "" when none was named
};

class DeniedLog {
 public:
  static constexpr uint64_t kFileBytes = uint64_t{1} << 20;
  static constexpr double kLinesPerSecond = 5;
  static constexpr double kBurst = 50;

  // Requires: disk and clock outlive it.  Several processes may have one of one directory: each its own files.
  DeniedLog(Disk& disk, std::string directory, Clock& clock);

  // A line that cannot be written is counted, and does not trouble the one who was refused.
  void note(const DeniedCall& call);

 private:
  bool may_write(Timestamp now);
  bool open_file();
  bool rotate();
  void append(std::string_view line);
  std::string path(std::string_view suffix) const;

  Disk& disk_;
  const std::string directory_;
  Clock& clock_;
  std::mutex mutex_;                     // guards all below
  std::unique_ptr<DirectoryLock> lock_;  // of the name
  std::string name_;
  std::unique_ptr<File> file_;
  uint64_t size_ = 0;
  uint64_t skipped_ = 0;  // since the last line
  double lines_ = kBurst;
  Timestamp refilled_;
};

}  // namespace chronos
