// A running hash of a sequence of texts: says in 128 bits everything that came so far, in order.  Names the blocks of
// an import by their content (mcp/import.cc).  Not for adversaries: two files made to collide can be found.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace chronos {

struct ContentChain {
  uint64_t low = 0;
  uint64_t high = 0;

  // The chain with one more text at its end.
  ContentChain then(std::string_view text) const;
  // 32 hex digits.
  std::string hex() const;
  bool operator==(const ContentChain&) const = default;
};

}  // namespace chronos
