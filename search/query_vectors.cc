#include "search/query_vectors.h"

#include <utility>

namespace chronos {
namespace {

Error cannot(std::string message) { return {Code::kInvalidArgument, std::move(message), {}}; }

// The vector to compare with; an empty one when vectors are not asked.
Result<std::vector<float>> wanted_vector(SearchVectors& vectors, const SearchRequest& request) {
  if (request.mode == SearchMode::kKeyword) {
    if (request.vector.empty()) return std::vector<float>();
    return cannot("vector is of no use in mode keyword: leave mode out, or vector");
  }
  if (!request.vector.empty()) return request.vector;
  if (!vectors.has_model()) {
    if (request.mode == SearchMode::kHybrid) return std::vector<float>();
    return cannot(
        "mode vector needs the argument vector here, since the store has no embedding model (setting search.embedder): "
        "give one, or use mode hybrid or keyword");
  }
  if (request.query.words.empty()) return std::vector<float>();
  return vectors.vector_of(request.query.words, request.stop);
}

}  // namespace

Result<QueryVectors> query_vectors(SearchVectors& vectors, const View& view, const SearchRequest& request,
                                   const SearchGoesOn& goes_on) {
  QueryVectors asked;
  // Of a hybrid search without a vector of its own, words are what matters.
  const bool may_fail = request.mode == SearchMode::kHybrid && request.vector.empty();
  const auto without = [&](const Error& error) -> Result<QueryVectors> {
    if (!may_fail) return error;
    asked.notes.push_back("found by words alone: " + error.message);
    return asked;
  };
  auto wanted = wanted_vector(vectors, request);
  if (!wanted) return without(wanted.error());
  if (wanted->empty()) return asked;
  const auto index = vectors.index();
  if (!index) return without(index.error());
  const SearchGoesOn never = [](uint64_t) { return false; };
  VectorCover cover = (*index)->cover(view, request.waits ? goes_on : never);
  const bool is_whole = cover.indexed_to == view.head();
  if (!is_whole && request.waits && request.stop.stop_requested()) {
    return Error{Code::kUnavailable, "cancelled while it waited for the index: search again", {}};
  }
  if (!is_whole) {
    const std::string failure = (*index)->status().failure;
    asked.notes.push_back("vectors go up to position " + std::to_string(cover.indexed_to.value) +
                          (request.mode == SearchMode::kVector ? ", later events were not searched"
                                                               : ", later events were found by words alone") +
                          (failure.empty() ? "" : ": " + failure));
  }
  auto search = VectorSearch::make(std::move(cover.pieces), {*std::move(wanted), request.exact});
  if (!search) return without(search.error());
  if (search->vectors() == 0 && is_whole) asked.notes.emplace_back("no event here has a vector");
  asked.search = *std::move(search);
  return asked;
}

}  // namespace chronos
