// What people type into a search box, taken apart.
//
//   refund "payment failed" -test type:OrderPaid -stream:order-7 tag:"customer:3"
//
// Words are looked for in any order, the more of them the better.  "A phrase" must be there as it is.  -word and
// -"a phrase" must not be there.  type:, stream: and tag: keep to events of any of the types, of any of the streams,
// with all of the tags; with - before them, to others.  Names with spaces are quoted.  A quote that is not closed, or
// stands within a word, is no quote.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace chronos {

struct SearchQuery {
  std::string words;                 // to be scored, those of phrases included, in order
  std::vector<std::string> phrases;  // must be there
  std::vector<std::string> without;  // words and phrases that must not be there
  struct Names {
    std::vector<std::string> types;
    std::vector<std::string> streams;
    std::vector<std::string> tags;
    bool empty() const { return types.empty() && streams.empty() && tags.empty(); }
  };
  Names only;
  Names never;
};

// kInvalidArgument when there is nothing to look for in it.  Requires: valid UTF-8.
Result<SearchQuery> parse_query(std::string_view text);

}  // namespace chronos
