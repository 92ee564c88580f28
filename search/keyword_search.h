// BM25 over the events of a view, exactly as if there were no others.
//
// The view is a list of index segments, each cut where the view ends in it; the statistics - how many events there are,
// how many have a term, how long they are on average - are those of the events in the view, added up over the pieces. A
// score is a sum of float32, one addend for each term of the query, the weightiest first, those that weigh the same in
// their order: it does not depend on how the events lie in segments, nor on what came after.
//
//   s(e) = sum over terms t of  n(t) idf(t) * (k1 + 1) f / (f + k1 (1 - b + b |e| / avg))
//   idf(t) = ln(1 + (N - df + 0.5) / (df + 0.5))      f: how often e has t; n: how often the query has it
//
// Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009, section 3; the idf is
// Lucene's, which is never negative.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/types.h"
#include "search/analyzer.h"
#include "search/text_segment.h"

namespace chronos {

struct Bm25 {
  float k1 = 0.9F;
  float b = 0.4F;
};

struct ScoredEvent {
  Position position;
  float score = 0;
  bool operator==(const ScoredEvent&) const = default;
};
// The order of results: by score, equal ones by position.
constexpr bool comes_before(const ScoredEvent& a, const ScoredEvent& b) {
  return a.score != b.score ? a.score > b.score : a.position < b.position;
}

// The index segments of a view, in order of position.
struct TextPiece {
  std::shared_ptr<const TextSegment> segment;
  uint32_t cut = 0;  // how many of its events are in the view; at least one
};

// A query in a view.  One thread.
class KeywordSearch {
 public:
  // Requires: the pieces follow each other from position 1 on.
  KeywordSearch(std::vector<TextPiece> pieces, const Terms& query, Bm25 parameters);

  // Whether the event may be among the results; asked only of those that would be.
  using Filter = std::function<bool(Position)>;
  // The best `most` events that have a term of the query; null takes all.
  std::vector<ScoredEvent> best(size_t most, const Filter& filter) const {
    return best(most, filter, Position{1}, Position{events_});
  }
  // Only of those from `first` to `last`.
  std::vector<ScoredEvent> best(size_t most, const Filter& filter, Position first, Position last) const;
  // The score of any event of the view; 0 when it has no term of the query.
  float score(Position position) const;

  uint64_t events() const { return events_; }
  struct Term {
    std::string text;
    uint32_t count = 0;   // in the query
    uint64_t events = 0;  // that have it
    float weight = 0;     // n idf
  };
  // Each once, in order of the query; those that no event has are among them.
  const std::vector<Term>& terms() const { return terms_; }
  // Whether the event has the term with this index in terms().
  bool has(Position position, size_t term) const;
  // Which of them the event has: indexes into terms().
  std::vector<size_t> matched(Position position) const;

 private:
  static constexpr uint32_t kTabled = 4;  // counts whose share of a score is looked up
  float share(uint32_t count, uint8_t length) const {
    return count <= kTabled ? shares_[count - 1][length] : computed_share(count, length);
  }
  float computed_share(uint32_t count, uint8_t length) const;
  struct List {  // a term's in a piece
    TextSegment::Postings postings;
    size_t term;
  };
  void weigh();
  void tabulate(double average_length);
  class Scan;  // search/keyword_best.cc
  const TextPiece* piece_of(Position position) const;
  const std::vector<List>& lists_of(const TextPiece& piece) const {
    return lists_[static_cast<size_t>(&piece - pieces_.data())];
  }

  const std::vector<TextPiece> pieces_;
  const Bm25 parameters_;
  uint64_t events_ = 0;
  std::vector<Term> terms_;
  std::vector<std::vector<List>> lists_;  // by piece, in order of the sum
  std::array<float, 256> norms_{};        // by length code: k1 (1 - b + b |e| / avg)
  std::array<std::array<float, 256>, kTabled> shares_{};
};

}  // namespace chronos
