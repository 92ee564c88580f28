// A file of the local log: its name and its first bytes.  docs/FORMAT.md shows them.
//
// A log is the files `<first lsn, 20 digits>.log` of one directory.  Each begins with a header that was synced,
// together with the file's name, before any record went in; records follow without gaps.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/log_format.h"
#include "core/types.h"

namespace chronos {

struct LogFileHeader {
  char magic[8];       // kLogMagic
  uint32_t version;    // kLogVersion; a reader refuses what is newer than itself
  uint32_t zero32;     // reserved
  uint64_t first_lsn;  // of the first record in the file; also in its name
  uint64_t checksum;   // XXH3-64 of the bytes before it, in every version to come too
};
static_assert(sizeof(LogFileHeader) == 32 && sizeof(LogFileHeader) % kRecordAlignment == 0);

inline constexpr std::string_view kLogMagic{"CHRONLOG", 8};
inline constexpr uint32_t kLogVersion = 1;

LogFileHeader make_file_header(Lsn first_lsn);

// Whether the first bytes of a file are an intact header, of whatever version.
std::optional<LogFileHeader> parse_file_header(std::string_view file);

std::string log_file_name(Lsn first_lsn);
// The first lsn told by a file's name; nullopt when it is not the name of a log file.
std::optional<Lsn> parse_log_file_name(std::string_view name);

}  // namespace chronos
