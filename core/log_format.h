// The bytes of one log record.  docs/FORMAT.md shows them; this file is what both sides include.
//
//   RecordHeader | head (head_size bytes) | body (the rest) | zeros up to a multiple of 8
//
// The checksum is XXH3-64 over the header after the checksum field and the head, seeded with the XXH3-64 of
// the body: so the body, which is large and known early, is hashed in the caller's thread, and the head, which
// holds the numbers given by the sequencer, is hashed when they are known.
// All integers are little-endian; records begin at multiples of 8.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/types.h"

namespace chronos {

enum class RecordKind : uint8_t {
  kCommit = 1,   // an atomic batch of events
  kControl = 2,  // a change of the store itself: fork created, discarded, ...
  kMark = 3,     // "everything so far was durable when this was written"; carries nothing, has no lsn of its own
};

struct RecordHeader {
  uint64_t checksum;
  uint32_t size;       // of head and body together, without header and padding
  uint32_t head_size;  // <= size
  uint8_t kind;        // RecordKind
  uint8_t flags;       // RecordFlags; any other bit is corruption
  uint16_t zero16;
  uint32_t zero32;
  uint64_t lsn;      // of this record; of the record before it for a mark
  uint64_t durable;  // every record up to this lsn was durable before this one was written
};
static_assert(sizeof(RecordHeader) == 40);

// kGoesOn: the record after it belongs to the same group, of which a reader takes all or nothing.
enum RecordFlags : uint8_t { kGoesOn = 1 };

inline constexpr size_t kRecordAlignment = 8;
// Larger records do not exist; a larger size is corruption.
inline constexpr size_t kMaxRecordSize = size_t{32} << 20;

constexpr size_t aligned(size_t size) { return (size + kRecordAlignment - 1) & ~(kRecordAlignment - 1); }

// The whole record's length in the log.
constexpr size_t record_length(const RecordHeader& header) { return sizeof(RecordHeader) + aligned(header.size); }

uint64_t hash_bytes(std::string_view bytes);

struct RecordNumbers {
  Lsn lsn;
  Lsn durable;
  bool goes_on = false;  // kGoesOn
};

// Completes a record laid out at `record` (header fields kind, size, head_size set, head, body and padding in
// place) with its numbers and checksum.  `body_hash` is hash_bytes(body).
void seal_record(char* record, RecordNumbers numbers, uint64_t body_hash);

// Checks everything that can be checked of one record alone.  Requires: `available` bytes are readable.
// Returns the record's length, or 0 when the bytes are not a whole, intact record.
size_t check_record(const char* bytes, size_t available);

struct LogRecord {
  RecordKind kind;
  Lsn lsn;
  bool goes_on;
  std::string_view bytes;  // the whole record, header and padding included
  std::string_view head;
  std::string_view body;
};

// Requires: check_record(bytes) succeeded.
LogRecord record_at(const char* bytes);

}  // namespace chronos
