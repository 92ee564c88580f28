// The vectors that a search asks, if it asks any: those of the view, and the vector they are compared with.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/view.h"
#include "search/search.h"
#include "search/search_vectors.h"
#include "search/vector_search.h"

namespace chronos {

struct QueryVectors {
  std::optional<VectorSearch> search;  // none: vectors are not asked
  std::vector<std::string> notes;      // why not, or not of all events
};

// A search in mode hybrid goes on without vectors when they cannot be had, and notes say why; one that cannot do
// without fails: kInvalidArgument for a vector that does not fit, kUnavailable when the model does not answer or
// `goes_on` ended the wait.  Throws Damage.
Result<QueryVectors> query_vectors(SearchVectors& vectors, const View& view, const SearchRequest& request,
                                   const SearchGoesOn& goes_on);

}  // namespace chronos
