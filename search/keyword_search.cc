// Term at a time, in windows.
//
// For each window of some ten thousand events the postings of every term are added to one array of scores, which stays
// in the cache; then the array is passed over once for what is better than the worst result so far.  Skipping what
// cannot be among the best (block-max WAND and its kin) pays only on indexes that are larger than these:
// docs/SEARCH.md.
#include "search/keyword_search.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/check.h"
#include "search/length_code.h"

namespace chronos {
namespace {

constexpr uint32_t kWindow = 16384;  // events

// The best so far, the worst of them in front.
class Best {
 public:
  explicit Best(size_t most) : most_(most) {}

  // What does not score more is not among them.
  float threshold() const { return found_.size() < most_ ? 0.0F : found_.front().score; }
  void add(const ScoredEvent& event) {
    if (found_.size() == most_) {
      if (!comes_before(event, found_.front())) return;
      std::pop_heap(found_.begin(), found_.end(), comes_before);
      found_.back() = event;
    } else {
      found_.push_back(event);
    }
    std::push_heap(found_.begin(), found_.end(), comes_before);
  }
  std::vector<ScoredEvent> sorted() {
    std::sort(found_.begin(), found_.end(), comes_before);
    return std::move(found_);
  }

 private:
  const size_t most_;
  std::vector<ScoredEvent> found_;
};

}  // namespace

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
  uint64_t length = 0;
  for (const TextPiece& piece : pieces_) {
    CHECK(piece.segment->base().value == events_ && piece.cut > 0 && piece.cut <= piece.segment->events());
    events_ += piece.cut;
    length += piece.segment->length_before(piece.cut);
    std::vector<List>& lists = lists_.emplace_back();
    for (size_t t = 0; t < terms_.size(); t++) {
      const auto postings = piece.segment->find(terms_[t].text);
      if (!postings) continue;
      const uint32_t rank = TextSegment::rank(*postings, piece.cut);
      terms_[t].events += rank;
      if (rank > 0) lists.push_back({*postings, t});
    }
  }
  const auto all = static_cast<double>(events_);
  for (Term& term : terms_) {
    const auto have = static_cast<double>(term.events);
    term.weight = static_cast<float>(term.count * std::log(1.0 + (all - have + 0.5) / (have + 0.5)));
  }
  const double average = events_ == 0 || length == 0 ? 1.0 : static_cast<double>(length) / all;
  for (uint32_t code = 0; code < norms_.size(); code++) {
    const double relative = length_of(static_cast<uint8_t>(code)) / average;
    norms_[code] = static_cast<float>(parameters_.k1 * (1.0 - parameters_.b + parameters_.b * relative));
    for (uint32_t count = 1; count <= kTabled; count++) {
      shares_[count - 1][code] = computed_share(count, static_cast<uint8_t>(code));
    }
  }
}

float KeywordSearch::computed_share(uint32_t count, uint8_t length) const {
  const auto f = static_cast<float>(count);
  return f * (parameters_.k1 + 1.0F) / (f + norms_[length]);
}

// The scores of a run of events of one piece.
class KeywordSearch::Window {
 public:
  Window(const KeywordSearch& search, const TextPiece& piece) : search_(search), piece_(piece) {
    for (const List& list : search.lists_of(piece)) cursors_.push_back(Cursor{list});
    scores_.resize(std::min(kWindow, piece.cut));
  }

  // Those of the events from `begin` to `end`, which follow the ones before.
  void fill(uint32_t begin, uint32_t end) {
    std::fill_n(scores_.begin(), end - begin, 0.0F);
    for (Cursor& cursor : cursors_) {
      const float weight = search_.terms_[cursor.list.term].weight;
      for (;;) {
        if (cursor.at == cursor.block.size) {
          if (cursor.next == cursor.list.postings.blocks()) break;
          TextSegment::read(cursor.list.postings, cursor.next++, cursor.block);
          cursor.at = 0;
        }
        const TextSegment::Block& block = cursor.block;
        uint32_t i = cursor.at;
        for (; i < block.size && block.events[i] < end; i++) {
          scores_[block.events[i] - begin] += weight * search_.share(block.counts[i], block.lengths[i]);
        }
        cursor.at = i;
        if (i < block.size) break;
      }
    }
  }

  void collect(uint32_t begin, uint32_t end, const Filter& filter, Best& best) const {
    constexpr uint32_t kGroup = 16;
    const uint64_t base = piece_.segment->base().value + begin + 1;
    for (uint32_t from = 0; from < end - begin; from += kGroup) {
      const uint32_t to = std::min(end - begin, from + kGroup);
      float highest = 0;
      for (uint32_t i = from; i < to; i++) highest = std::max(highest, scores_[i]);
      if (highest <= best.threshold()) continue;
      for (uint32_t i = from; i < to; i++) {
        if (scores_[i] <= best.threshold()) continue;
        const Position position{base + i};
        if (filter == nullptr || filter(position)) best.add({position, scores_[i]});
      }
    }
  }

 private:
  struct Cursor {
    List list;
    TextSegment::Block block{};
    uint32_t next = 0;  // block
    uint32_t at = 0;    // in the one that was read
  };
  const KeywordSearch& search_;
  const TextPiece& piece_;
  std::vector<Cursor> cursors_;
  std::vector<float> scores_;
};

// Events come in order of position, so one that scores as much as the worst result never displaces it.
std::vector<ScoredEvent> KeywordSearch::best(size_t most, const Filter& filter) const {
  if (most == 0) return {};
  Best best(most);
  for (const TextPiece& piece : pieces_) {
    if (lists_of(piece).empty()) continue;
    Window window(*this, piece);
    for (uint32_t begin = 0; begin < piece.cut; begin += kWindow) {
      const uint32_t end = std::min(piece.cut, begin + kWindow);
      window.fill(begin, end);
      window.collect(begin, end, filter, best);
    }
  }
  return best.sorted();
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

std::vector<size_t> KeywordSearch::matched(Position position) const {
  std::vector<size_t> matched;
  const TextPiece* const piece = piece_of(position);
  if (piece == nullptr) return matched;
  const auto event = static_cast<uint32_t>(position.value - piece->segment->base().value - 1);
  for (const List& list : lists_of(*piece)) {
    if (TextSegment::count_in(list.postings, event).count > 0) matched.push_back(list.term);
  }
  return matched;
}

}  // namespace chronos
