// The words of the contract as types, so that a position is never passed where a version is meant.
#pragma once

#include <compare>
#include <cstdint>

namespace chronos {

template <typename Tag, typename Rep>
struct Strong {
  Rep value = 0;
  constexpr Strong() = default;
  constexpr explicit Strong(Rep v) : value(v) {}
  constexpr auto operator<=>(const Strong&) const = default;
};

// 1, 2, 3, ... dense within one fork's line; 0 is "before everything".  At most 2^53 - 1 (JSON's integers).
using Position = Strong<struct PositionTag, uint64_t>;
// How many events a stream has; its first event has version 1, an absent stream is at 0.
using Version = Strong<struct VersionTag, uint32_t>;
// A fork's number: 0 is main, then 1, 2, 3, ... in order of creation; never used twice.
using ForkId = Strong<struct ForkIdTag, uint32_t>;
// Microseconds since 1970-01-01T00:00:00Z, leap seconds ignored.
using Timestamp = Strong<struct TimestampTag, int64_t>;
// The number of a record in the log: 1, 2, 3, ... dense.
using Lsn = Strong<struct LsnTag, uint64_t>;

inline constexpr ForkId kMainFork{0};
inline constexpr uint64_t kMaxPosition = (uint64_t{1} << 53) - 1;

enum class Durability : uint8_t {
  kFsync = 0,  // acknowledged after the disk has it
  kOs = 1,     // acknowledged after the operating system has it: survives the process, not a power cut
};

}  // namespace chronos
