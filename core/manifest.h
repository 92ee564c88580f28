// What of a store is sealed, as of one moment: a small file that is replaced as a whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/disk.h"
#include "core/result.h"
#include "core/types.h"

namespace chronos {

// A sealed segment; its file's name is made of these.
struct SealedRef {
  ForkId fork;
  Position base;  // its first event is at base + 1
  uint32_t events = 0;
  bool operator==(const SealedRef&) const = default;
};
std::string segment_file_name(const SealedRef& ref);
// What it says; nothing of any other name.
std::optional<SealedRef> parse_segment_file_name(const std::string& name);

struct Manifest {
  Lsn sealed;                       // every record of the log up to it is in a segment or among the changes
  Timestamp recorded_at;            // of the last of them
  uint64_t changes_bytes = 0;       // of the file of changes, those that count
  std::vector<SealedRef> segments;  // by fork, then position
  // Hashes of the request ids of batches that went with their fork, ascending.
  std::vector<uint64_t> gone_requests;
};

// Nothing when there is none; kCorrupt when it is not intact, kInvalidArgument when a newer version wrote it.
Result<std::optional<Manifest>> read_manifest(Disk& disk, const std::string& directory);
// Writes it beside the one that counts, and returns when it is on the disk.
Result<void> write_manifest(Disk& disk, const std::string& directory, const Manifest& manifest);
// Makes the one written last the one that counts, and returns when that is on the disk.  After a failure nobody knows
// which of the two counts until the store is opened again.
Result<void> publish_manifest(Disk& disk, const std::string& directory);

}  // namespace chronos
