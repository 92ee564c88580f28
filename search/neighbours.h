// What answers a question is often next to the words that match it: the turn after, the event before.  So a hit's score
// is smoothed with those of its neighbours in the stream:
//
//   s'(e) = s(e) + w (s(e-1) + s(e+1) + (s(e-2) + s(e+2)) / 2)
//
// Measured on conversations in docs/SEARCH.md; events that the view does not have score nothing.
#pragma once

#include <vector>

#include "core/view.h"
#include "search/keyword_search.h"

namespace chronos {

// The events found, and their neighbours that `filter` lets pass (null takes all), in the new order; at most `most`.
std::vector<ScoredEvent> smooth(const View& view, const KeywordSearch& search, const std::vector<ScoredEvent>& found,
                                float weight, size_t most, const KeywordSearch::Filter& filter);

}  // namespace chronos
