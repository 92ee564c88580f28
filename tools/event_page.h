// One page of events that match.
//
// A page ends for one of four reasons and says which: enough events, enough tokens, too many bytes, or too much looked
// at.  The last keeps a filter that matches next to nothing from holding the store for as long as its history is long:
// then the page may be empty, and the next one goes on where the look stopped.
#pragma once

#include <stop_token>
#include <string_view>

#include "core/result.h"
#include "core/scan.h"
#include "tools/event_text.h"
#include "tools/json_writer.h"
#include "tools/page_size.h"

namespace chronos {

struct PageRequest {
  Order order = Order::kAscending;
  Position from;  // 0: from the beginning, or the end when descending
  Detail detail = Detail::kSummary;
  uint64_t limit = 50;
  PageSize size;
  uint64_t budget = 2'000'000;  // events looked at
};

struct PageEnd {
  std::string_view cut;  // "limit", "max_tokens", "bytes", "time"; empty when there is nothing more
  Position next;         // where the next page begins, if there is one
};

// Writes an array of events, at least one of them if any matches within the budget.  kUnavailable when cancelled.
Result<PageEnd> write_page(JsonWriter& json, const View& view, const EventFilter& filter, const PageRequest& request,
                           const std::stop_token& cancelled);

}  // namespace chronos
