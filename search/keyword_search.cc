#include "search/keyword_search.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "core/check.h"
#include "search/length_code.h"

namespace chronos {

KeywordSearch::KeywordSearch(std::vector<TextPiece> pieces, const Terms& query, Bm25 parameters)
    : pieces_(std::move(pieces)), parameters_(parameters) {
  for (size_t i = 0; i < query.size(); i++) {
    const auto known =
        std::find_if(terms_.begin(), terms_.end(), [&](const Term& term) { return term.text == query[i]; });
    if (known != terms_.end()) {
      known->count++;
    } else {
      terms_.push_back({std::string(query[i]), 1, 0, 0});
    }
  }
  std::vector<std::string_view> texts;
  texts.reserve(terms_.size());
  for (const Term& term : terms_) texts.push_back(term.text);
  std::vector<std::optional<TextSegment::Postings>> found(texts.size());
  uint64_t length = 0;
  for (const TextPiece& piece : pieces_) {
    CHECK(piece.segment->base().value == events_ && piece.cut > 0 && piece.cut <= piece.segment->events());
    events_ += piece.cut;
    length += piece.segment->length_before(piece.cut);
    std::vector<List>& lists = lists_.emplace_back();
    lists.reserve(terms_.size());
    piece.segment->find(texts, found);
    for (size_t t = 0; t < terms_.size(); t++) {
      const std::optional<TextSegment::Postings>& postings = found[t];
      if (!postings) continue;
      const bool is_whole = piece.cut == piece.segment->events();
      const uint32_t rank = is_whole ? postings->size : TextSegment::rank(*postings, piece.cut);
      terms_[t].events += rank;
      if (rank > 0) lists.push_back({*postings, t});
    }
  }
  weigh();
  tabulate(events_ == 0 || length == 0 ? 1.0 : static_cast<double>(length) / static_cast<double>(events_));
}

void KeywordSearch::weigh() {
  const auto all = static_cast<double>(events_);
  for (Term& term : terms_) {
    const auto have = static_cast<double>(term.events);
    term.weight = static_cast<float>(term.count * std::log(1.0 + (all - have + 0.5) / (have + 0.5)));
  }
  for (std::vector<List>& lists : lists_) {
    std::stable_sort(lists.begin(), lists.end(), [this](const List& a, const List& b) {
      return terms_[a.term].weight > terms_[b.term].weight;
    });
  }
}

void KeywordSearch::tabulate(double average_length) {
  const auto& lengths = length_table();
  for (size_t code = 0; code < norms_.size(); code++) {
    const double relative = lengths[code] / average_length;
    norms_[code] = static_cast<float>(parameters_.k1 * (1.0 - parameters_.b + parameters_.b * relative));
  }
  const std::array<float, 256> norms = norms_;  // of its own, so that four are divided at a time
  for (uint32_t count = 1; count <= kTabled; count++) {
    const auto f = static_cast<float>(count);
    const float above = f * (parameters_.k1 + 1.0F);
    std::array<float, 256>& shares = shares_[count - 1];
    for (size_t code = 0; code < norms.size(); code++) shares[code] = above / (f + norms[code]);
  }
}

float KeywordSearch::computed_share(uint32_t count, uint8_t length) const {
  const auto f = static_cast<float>(count);
  return f * (parameters_.k1 + 1.0F) / (f + norms_[length]);
}

const TextPiece* KeywordSearch::piece_of(Position position) const {
  const auto after =
      std::upper_bound(pieces_.begin(), pieces_.end(), position,
                       [](Position wanted, const TextPiece& piece) { return wanted <= piece.segment->base(); });
  if (after == pieces_.begin()) return nullptr;
  const TextPiece& piece = *(after - 1);
  return position.value - piece.segment->base().value <= piece.cut ? &piece : nullptr;
}

float KeywordSearch::score(Position position) const {
  const TextPiece* const piece = piece_of(position);
  if (piece == nullptr) return 0;
  const auto event = static_cast<uint32_t>(position.value - piece->segment->base().value - 1);
  float score = 0;
  for (const List& list : lists_of(*piece)) {
    const TextSegment::Count found = TextSegment::count_in(list.postings, event);
    if (found.count > 0) score += terms_[list.term].weight * share(found.count, found.length);
  }
  return score;
}

bool KeywordSearch::has(Position position, size_t term) const {
  const TextPiece* const piece = piece_of(position);
  if (piece == nullptr) return false;
  const auto event = static_cast<uint32_t>(position.value - piece->segment->base().value - 1);
  for (const List& list : lists_of(*piece)) {
    if (list.term == term) return TextSegment::count_in(list.postings, event).count > 0;
  }
  return false;
}

std::vector<size_t> KeywordSearch::matched(Position position) const {
  std::vector<size_t> matched;
  const TextPiece* const piece = piece_of(position);
  if (piece == nullptr) return matched;
  const auto event = static_cast<uint32_t>(position.value - piece->segment->base().value - 1);
  for (const List& list : lists_of(*piece)) {
    if (TextSegment::count_in(list.postings, event).count > 0) matched.push_back(list.term);
  }
  std::sort(matched.begin(), matched.end());
  return matched;
}

}  // namespace chronos
