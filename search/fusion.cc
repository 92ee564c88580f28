#include "search/fusion.h"

#include <algorithm>
#include <map>

namespace chronos {
namespace {

// What is known of an event that either list has.
struct Candidate {
  std::optional<float> words;
  std::optional<float> vectors;
  float sum = 0;
};
using Candidates = std::map<Position, Candidate>;
using Score = std::optional<float> Candidate::*;

void take(const RankedList& list, Score score, Candidates& to) {
  for (const ScoredEvent& event : list.events) to[event.position].*score = event.score;
}

void complete(const RankedList& list, Score score, Candidates& to) {
  if (!list.score) return;
  for (auto& [position, candidate] : to) {
    if (!(candidate.*score)) candidate.*score = list.score(position);
  }
}

// Adds weight * (score - lowest) / (highest - lowest); all that have a score get the whole weight if it is one score.
void add_scaled(Score score, bool from_zero, float weight, Candidates& to) {
  std::optional<float> lowest;
  std::optional<float> highest;
  for (const auto& [position, candidate] : to) {
    const std::optional<float>& each = candidate.*score;
    if (!each) continue;
    lowest = std::min(lowest.value_or(*each), *each);
    highest = std::max(highest.value_or(*each), *each);
  }
  if (!highest) return;
  const float bottom = from_zero ? 0.0F : *lowest;
  const float height = *highest - bottom;
  for (auto& [position, candidate] : to) {
    const std::optional<float>& each = candidate.*score;
    if (!each) continue;
    const float scaled = height > 0 ? (*each - bottom) / height : *each > 0 || !from_zero ? 1.0F : 0.0F;
    candidate.sum += weight * scaled;
  }
}

// Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion", 2009.
void add_ranks(const RankedList& list, Candidates& to) {
  constexpr float kSmooth = 60;
  for (size_t i = 0; i < list.events.size(); i++) {
    to[list.events[i].position].sum += 1.0F / (kSmooth + static_cast<float>(i + 1));
  }
}

}  // namespace

std::vector<ScoredEvent> fuse(const RankedList& words, const RankedList& vectors, const FusionOptions& options) {
  Candidates candidates;
  if (options.by == FusionOptions::By::kRanks) {
    add_ranks(words, candidates);
    add_ranks(vectors, candidates);
  } else {
    take(words, &Candidate::words, candidates);
    take(vectors, &Candidate::vectors, candidates);
    complete(words, &Candidate::words, candidates);
    complete(vectors, &Candidate::vectors, candidates);
    add_scaled(&Candidate::words, true, options.word_weight, candidates);
    add_scaled(&Candidate::vectors, false, 1.0F - options.word_weight, candidates);
  }
  std::vector<ScoredEvent> fused;
  fused.reserve(candidates.size());
  for (const auto& [position, candidate] : candidates) fused.push_back({position, candidate.sum});
  std::sort(fused.begin(), fused.end(), comes_before);
  if (fused.size() > options.most) fused.resize(options.most);
  return fused;
}

}  // namespace chronos
