#include "core/log_format.h"

#include <xxhash.h>
#ifdef CHRONOS_WIDE_XXHASH
#include <xxh_x86dispatch.h>  // its functions take the widest steps that the processor has
#endif

#include <bit>
#include <cstring>

#include "core/check.h"

namespace chronos {
namespace {

static_assert(std::endian::native == std::endian::little, "records are read in place, and are little-endian");

constexpr size_t kChecksumSize = sizeof(RecordHeader::checksum);

RecordHeader header_of(const char* record) {
  RecordHeader header;
  std::memcpy(&header, record, sizeof(header));
  return header;
}

uint64_t checksum_of(const char* record, uint32_t head_size, uint64_t body_hash) {
  return XXH3_64bits_withSeed(record + kChecksumSize, sizeof(RecordHeader) - kChecksumSize + head_size, body_hash);
}

// What no writer ever writes.  Cheap, so that looking for records at arbitrary places seldom computes a checksum.
bool is_plausible(const RecordHeader& header) {
  if ((header.flags & ~kGoesOn) != 0 || header.zero16 != 0 || header.zero32 != 0) return false;
  if (header.size > kMaxRecordSize || header.head_size > header.size) return false;
  switch (static_cast<RecordKind>(header.kind)) {
    case RecordKind::kCommit:
    case RecordKind::kControl: return header.durable < header.lsn;
    case RecordKind::kMark: return header.flags == 0 && header.size == 0 && header.durable <= header.lsn;
  }
  return false;
}

bool is_zero(const char* bytes, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (bytes[i] != 0) return false;
  }
  return true;
}

}  // namespace

uint64_t hash_bytes(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

void seal_record(char* record, RecordNumbers numbers, uint64_t body_hash) {
  RecordHeader header = header_of(record);
  header.flags = numbers.goes_on ? kGoesOn : 0;
  header.zero16 = 0;
  header.zero32 = 0;
  header.lsn = numbers.lsn.value;
  header.durable = numbers.durable.value;
  CHECK(is_plausible(header));
  std::memcpy(record, &header, sizeof(header));
  header.checksum = checksum_of(record, header.head_size, body_hash);
  std::memcpy(record, &header.checksum, kChecksumSize);
}

size_t check_record(const char* bytes, size_t available) {
  if (available < sizeof(RecordHeader)) return 0;
  const RecordHeader header = header_of(bytes);
  if (!is_plausible(header)) return 0;
  const size_t length = record_length(header);
  if (length > available) return 0;
  const size_t used = sizeof(RecordHeader) + header.size;
  if (!is_zero(bytes + used, length - used)) return 0;
  const char* body = bytes + sizeof(RecordHeader) + header.head_size;
  const uint64_t body_hash = hash_bytes({body, header.size - header.head_size});
  return checksum_of(bytes, header.head_size, body_hash) == header.checksum ? length : 0;
}

LogRecord record_at(const char* bytes) {
  const RecordHeader header = header_of(bytes);
  const char* head = bytes + sizeof(RecordHeader);
  return LogRecord{.kind = static_cast<RecordKind>(header.kind),
                   .lsn = Lsn{header.lsn},
                   .goes_on = (header.flags & kGoesOn) != 0,
                   .bytes = {bytes, record_length(header)},
                   .head = {head, header.head_size},
                   .body = {head + header.head_size, header.size - header.head_size}};
}

}  // namespace chronos
