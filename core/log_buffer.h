// Where records wait that were acknowledged without a sync (Durability::kOs): a file of fixed size that is mapped into
// memory and shared with the system.
//
// What is written to shared memory belongs to the system's page cache as soon as it is written: it survives the death
// of the process, however it dies, without a system call for each record.  The log moves the buffer's bytes to its
// files with one write when the buffer is full, or before anything else is written or synced; so the log files plus
// what the buffer holds beyond them are the whole log, and the buffer never matters for what is durable.
//
// The bytes are log records, one after the other from byte 0, as they go into a file.  Nothing says how many there
// are: a reader takes intact records as long as their lsns follow one another.  What is left of an earlier filling
// behind them has smaller lsns.  What is left of an earlier process must not be there at all, since a power cut may
// have taken records that were numbered again since: so a new buffer is zeroed and synced before its first use.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/disk.h"
#include "core/log_format.h"
#include "core/result.h"
#include "core/types.h"

namespace chronos {

inline constexpr std::string_view kLogBufferName = "buffer";

// What a buffer of an earlier process holds.
struct BufferedRecords {
  std::shared_ptr<const char[]> memory;  // kSimdPadding readable bytes follow the last record; null without records
  std::vector<LogRecord> records;        // with lsns that follow one another
  Lsn claimed;                           // the largest `durable` that one of them carries
};

// No records when there is no such file.
Result<BufferedRecords> read_log_buffer(Disk& disk, const std::string& directory);

// Writes what was read once more, the same, and returns when it survives a power cut: it may have lain in the page
// cache only.
Result<void> save_log_buffer(Disk& disk, const std::string& directory, const BufferedRecords& found);

// Makes the buffer of an earlier process hold nothing, if there is one, and returns when that survives a power cut.
Result<void> clear_log_buffer(Disk& disk, const std::string& directory);

// One thread.
class LogBuffer {
 public:
  // Empty.  kUnavailable where memory cannot be shared with a file: then one does without.
  static Result<std::unique_ptr<LogBuffer>> create(Disk& disk, const std::string& directory, size_t size_bytes);

  bool fits(size_t bytes) const { return bytes <= memory_->bytes().size() - used_; }
  // Requires: fits(their bytes).
  void put(std::span<const std::string_view> records);
  // What was put since the last forget(), as it goes into a file.
  std::string_view content() const { return {memory_->bytes().data(), used_}; }
  uint64_t record_count() const { return record_count_; }
  // They are in a file now.
  void forget() { used_ = record_count_ = 0; }

 private:
  explicit LogBuffer(std::unique_ptr<SharedMemory> memory) : memory_(std::move(memory)) {}

  const std::unique_ptr<SharedMemory> memory_;
  size_t used_ = 0;
  uint64_t record_count_ = 0;
};

}  // namespace chronos
