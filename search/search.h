// Search in a view: what a store that held only the events of the view would find, in the same order.
//
//   query --> candidates, from each list (keyword [and neighbours]; vectors) --> fused into one order --> by age,
//   without near duplicates
//
// Filters apply to each list before its best are taken.  Same view, settings and request: same answer, bit for bit.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/view.h"
#include "search/event_selection.h"
#include "search/keyword_search.h"
#include "search/search_index.h"
#include "search/search_query.h"

namespace chronos {

enum class SearchMode {
  kHybrid,   // keyword, smoothed with neighbours in the stream, and vectors where the store has them
  kKeyword,  // BM25 alone
  kVector,
};

struct SearchRequest {
  SearchMode mode = SearchMode::kHybrid;
  SearchQuery query;
  SelectionRules rules;  // without those of the query
  size_t depth = 100;    // candidates of each list: there are at most so many hits
  std::vector<float> vector;  // to compare those of events with; empty: the model's of the query, if there is a model
  bool exact = false;         // compares with every vector, where a graph would save most of it
  bool waits = true;     // for what is not indexed yet
  bool collapses = false;                  // leaves out what says nearly the same as a hit before it
  std::optional<double> half_life_days;  // the older an event is at the view's moment, the less it scores
  std::stop_token stop;                  // ends the wait for the model
};

// What one list says of a hit.
struct HitPart {
  std::string_view list;  // "keyword", "neighbours", "vector"
  size_t rank = 0;        // in the list, from 1; 0 when it is not among its candidates
  float score = 0;
};

struct SearchHit {
  Position position;
  float score = 0;
  std::vector<HitPart> parts;
  uint32_t duplicates = 0;  // of it that were left out
};

struct SearchAnswer {
  std::vector<SearchHit> hits;  // best first
  bool is_deep = false;         // a list was full: there may be more than request.depth
  Position indexed_to;          // of the view
  std::vector<std::string_view> used;   // "keyword", "neighbours", "vector"
  std::vector<std::string> notes;       // what of it was not as asked for, for people
  bool is_approximate = false;          // a vector that is near may have been missed
  std::vector<std::string> terms;       // of the query
  std::vector<std::vector<size_t>> matched;  // for each hit, which of them it has
};

// Asked while it waits for the index, with how many events are left; false ends the search.
using SearchGoesOn = std::function<bool(uint64_t left)>;

// kUnavailable when `goes_on` ended it; kInvalidArgument when the query has no words that are indexed, or asks for what
// the store does not have.  Throws Damage.
Result<SearchAnswer> search(SearchIndex& index, const View& view, const SearchRequest& request,
                            const SearchGoesOn& goes_on);

}  // namespace chronos
