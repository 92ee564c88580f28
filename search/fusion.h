// Two lists of events, by words and by vectors, as one.
//
// Each list's scores are brought to 0..1 - those of words by their highest, those of vectors by their lowest and
// highest - and added up with weights: better than adding up ranks on most collections (Bruch, Gai and Ingber, "An
// Analysis of Fusion Functions for Hybrid Retrieval", 2022).  What one list found, the other is asked about, so that no
// event is held back because it came just behind the end of a list.  Ties go by position: the same lists, the same
// order.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "search/keyword_search.h"

namespace chronos {

struct RankedList {
  std::vector<ScoredEvent> events;  // best first
  // Of an event that is not among them; nothing when it has none.  Null: it has none.
  std::function<std::optional<float>(Position)> score;
};

struct FusionOptions {
  enum class By { kScores, kRanks };
  By by = By::kScores;
  float word_weight = 0.5F;  // 0..1; vectors have the rest.  Not for ranks
  size_t most = 100;
};

// Neither list's candidates are lost but by `most`.
std::vector<ScoredEvent> fuse(const RankedList& words, const RankedList& vectors, const FusionOptions& options);

}  // namespace chronos
