// Lengths of texts in one byte: exact up to 64 terms, then in steps of 4 percent, to about 90,000.
//
// All statistics are taken from codes, never from lengths themselves, so that whatever an index was made from - events,
// or smaller indexes - it says the same.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace chronos {

inline const std::array<uint32_t, 256>& length_table() {
  static const std::array<uint32_t, 256> kTable = [] {
    std::array<uint32_t, 256> table{};
    for (uint32_t code = 0; code < 256; code++) {
      table[code] = code <= 64 ? code : std::max(table[code - 1] + 1, table[code - 1] + table[code - 1] / 25);
    }
    return table;
  }();
  return kTable;
}

inline uint32_t length_of(uint8_t code) { return length_table()[code]; }

// The largest that is not longer.
inline uint8_t length_code(size_t length) {
  const auto& table = length_table();
  const auto above = std::upper_bound(table.begin(), table.end(), length);
  return static_cast<uint8_t>(above - table.begin() - 1);
}

}  // namespace chronos
