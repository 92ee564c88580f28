// Copying a few bytes, in place: for what is mostly shorter than a call of memcpy is worth.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace chronos {

// Requires: room for all of it at `to`, which does not overlap with it.
inline void copy_short(char* to, std::string_view bytes) {
  const size_t size = bytes.size();
  const char* const from = bytes.data();
  // Each case covers its range by two copies of one size, which may overlap.
  const auto copy_ends = [&]<typename Word>(Word word) {
    std::memcpy(&word, from, sizeof word);
    Word last;
    std::memcpy(&last, from + size - sizeof last, sizeof last);
    std::memcpy(to, &word, sizeof word);
    std::memcpy(to + size - sizeof last, &last, sizeof last);
  };
  if (size > 16) {
    std::memcpy(to, from, size);
  } else if (size >= 8) {
    copy_ends(uint64_t{});
  } else if (size >= 4) {
    copy_ends(uint32_t{});
  } else if (size >= 2) {
    copy_ends(uint16_t{});
  } else if (size == 1) {
    *to = *from;
  }
}

}  // namespace chronos
