// How much one answer holds, so that a client's model never drowns in it: about 8,000 tokens unless it asked for more.
#pragma once

#include <algorithm>
#include <string_view>

#include "tools/arguments.h"
#include "tools/event_text.h"

namespace chronos {

inline Detail read_detail(const ArgumentsView& arguments) {
  return arguments.text("detail") == "full" ? Detail::kFull : Detail::kSummary;
}

struct PageSize {
  size_t most_bytes;
  std::string_view cut;  // what an answer that reaches it says in `cut`
};

// By `detail` and, where the tool has it, `max_tokens`.
inline PageSize page_size(const ArgumentsView& arguments) {
  constexpr size_t kMostBytes = size_t{8} << 20;
  constexpr uint64_t kSummaryTokens = 8000;
  constexpr size_t kBytesPerToken = 4;
  if (!arguments.has("max_tokens") && read_detail(arguments) == Detail::kFull) return {kMostBytes, "bytes"};
  return {std::min(kMostBytes, arguments.integer("max_tokens", kSummaryTokens) * kBytesPerToken), "max_tokens"};
}

}  // namespace chronos
