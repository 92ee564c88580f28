#include "core/log_file.h"

#include <charconv>
#include <cstddef>
#include <cstring>

namespace chronos {
namespace {

constexpr std::string_view kSuffix = ".log";
constexpr size_t kDigits = 20;  // of the largest 64-bit number, so that names sort as numbers do

uint64_t checksum_of(const LogFileHeader& header) {
  return hash_bytes({reinterpret_cast<const char*>(&header), offsetof(LogFileHeader, checksum)});
}

}  // namespace

LogFileHeader make_file_header(Lsn first_lsn) {
  LogFileHeader header{};
  std::memcpy(header.magic, kLogMagic.data(), sizeof(header.magic));
  header.version = kLogVersion;
  header.first_lsn = first_lsn.value;
  header.checksum = checksum_of(header);
  return header;
}

std::optional<LogFileHeader> parse_file_header(std::string_view file) {
  LogFileHeader header;
  if (file.size() < sizeof(header)) return std::nullopt;
  std::memcpy(&header, file.data(), sizeof(header));
  if (std::string_view(header.magic, sizeof(header.magic)) != kLogMagic) return std::nullopt;
  if (header.checksum != checksum_of(header)) return std::nullopt;
  return header;
}

std::string log_file_name(Lsn first_lsn) {
  std::string digits = std::to_string(first_lsn.value);
  return std::string(kDigits - digits.size(), '0').append(digits).append(kSuffix);
}

std::optional<Lsn> parse_log_file_name(std::string_view name) {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kDigits, number);
  if (error != std::errc() || end != name.data() + kDigits || number == 0) return std::nullopt;
  return Lsn{number};
}

}  // namespace chronos
