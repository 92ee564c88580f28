// The index says which events have all terms of a phrase; whether they follow each other is read from the event, which
// is taken apart into terms again: that is asked of few, and costs less than keeping places for all.
#include "search/text_conditions.h"

#include <algorithm>
#include <utility>

namespace chronos {

TextConditions::TextConditions(TextIndex& index, const View& view, const std::vector<TextPiece>& pieces,
                               const SearchQuery& query)
    : index_(index), view_(view) {
  std::string words;
  for (const auto* list : {&query.phrases, &query.without}) {
    for (const std::string& text : *list) words.append(text) += ' ';
  }
  const Terms all = index.analyze(words);
  if (all.empty()) return;
  search_.emplace(pieces, all, Bm25{});
  for (const std::string& text : query.phrases) add(index.analyze(text), true);
  for (const std::string& text : query.without) add(index.analyze(text), false);
}

void TextConditions::add(const Terms& terms, bool is_wanted) {
  if (terms.empty()) return;
  Phrase phrase;
  phrase.is_wanted = is_wanted;
  const auto& known = search_->terms();
  for (size_t i = 0; i < terms.size(); i++) {
    const auto is_it = [&](const KeywordSearch::Term& each) { return each.text == terms[i]; };
    const auto term = std::find_if(known.begin(), known.end(), is_it);
    phrase.terms.push_back(static_cast<size_t>(term - known.begin()));
    phrase.places.push_back(terms.place(i) - terms.place(0));
  }
  phrases_.push_back(std::move(phrase));
}

bool TextConditions::hold(Position position) const {
  return std::all_of(phrases_.begin(), phrases_.end(),
                     [&](const Phrase& phrase) { return has(position, phrase) == phrase.is_wanted; });
}

bool TextConditions::has(Position position, const Phrase& phrase) const {
  const KeywordSearch& search = *search_;
  for (const size_t term : phrase.terms) {
    if (!search.has(position, term)) return false;
  }
  if (phrase.terms.size() == 1) return true;
  const Terms text = index_.analyze(view_.at(position));
  std::vector<std::pair<uint32_t, std::string_view>> at;  // in order of places
  at.reserve(text.size());
  for (size_t i = 0; i < text.size(); i++) at.emplace_back(text.place(i), text[i]);
  std::sort(at.begin(), at.end());
  const auto& terms = search.terms();
  for (const auto& [place, term] : at) {
    if (term != terms[phrase.terms.front()].text) continue;
    bool is_here = true;
    for (size_t i = 1; i < phrase.terms.size() && is_here; i++) {
      const std::pair<uint32_t, std::string_view> wanted(place + phrase.places[i], terms[phrase.terms[i]].text);
      is_here = std::binary_search(at.begin(), at.end(), wanted);
    }
    if (is_here) return true;
  }
  return false;
}

}  // namespace chronos
