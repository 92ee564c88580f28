// What the text of a result must have, and must not: the phrases and exclusions of a query.
//
// One thread.  Requires: index and view outlive it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/view.h"
#include "search/keyword_search.h"
#include "search/search_query.h"
#include "search/text_index.h"

namespace chronos {

class TextConditions {
 public:
  // The pieces are those of the view in the index.
  TextConditions(TextIndex& index, const View& view, const std::vector<TextPiece>& pieces, const SearchQuery& query);

  bool empty() const { return phrases_.empty(); }
  bool hold(Position position) const;

 private:
  // Terms that follow each other, or a single one.
  struct Phrase {
    std::vector<size_t> terms;     // of search_
    std::vector<uint32_t> places;  // counted from the first one
    bool is_wanted = true;
  };
  void add(const Terms& terms, bool is_wanted);
  bool has(Position position, const Phrase& phrase) const;

  TextIndex& index_;
  const View& view_;
  std::vector<Phrase> phrases_;
  std::optional<KeywordSearch> search_;  // for all terms of the phrases; none when there are no phrases
};

}  // namespace chronos
