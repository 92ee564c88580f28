// Term at a time, in windows.
//
// For each window of some thousand events the postings of every term are added to one array of scores, which stays in
// the cache.  A score only grows, so an event that ends above the worst result so far is met when it passes it: those
// are noted on the way, and nobody has to look through the array for them.
//
// Once there are as many results as wanted, a term that is in very many events need not be added at all, if it could
// not lift an event without any other term of the query above that worst result (MAXSCORE).  What the other terms leave
// as possible is then scored term by term, in their order, so that every result has the same bits as without.
//
//   bounds:   "parcel" 6.1   "damage" 5.2  |  "order" 1.1        worst result so far: 2.0
//              added up, windows              looked up for those that 1.1 could lift above it
//
// A segment says of each term what no posting exceeds - highest count, shortest texts - from which the bound follows
// for any statistics.  A look-up costs as much as adding many postings: it is done for terms much more frequent than
// the others together.  Turtle and Flood, "Query evaluation: strategies and optimizations", 1995.
#include "search/keyword_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "core/check.h"
#include "search/length_code.h"

namespace chronos {
namespace {

constexpr uint32_t kWindow = 8192;  // events
constexpr uint32_t kFew = 256;       // postings in a window: then they are noted one by one
constexpr uint64_t kMuchMore = 16;   // postings that are added cost as much as one that is looked up
// Bounds are sums in another order than scores: so much more than their rounding.
constexpr float kSlack = 1.0001F;

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

// Reads the postings of a list from front to back.
struct Cursor {
  explicit Cursor(const TextSegment::Postings& of) : postings(of) {}

  bool read_next() {
    if (next == postings.blocks()) return false;
    TextSegment::read(postings, next++, block);
    at = 0;
    size = block.size;
    last = block.events[size - 1];
    return true;
  }
  // To the first event that is not before this one, which is not before the one of the last call; false, from then on,
  // when there is none.
  bool go_to(uint32_t event) {
    if (size == 0 || last < event) {
      const uint32_t blocks = postings.blocks();
      if (blocks > 1 && next < blocks && TextSegment::last_event(postings, next) < event) {
        next = TextSegment::block_of(postings, event);
      }
      if (!read_next() || last < event) {
        next = blocks;
        at = size;
        return false;
      }
    }
    if (at == size || block.events[at] > event) at = 0;
    const uint32_t* const begin = block.events.data();
    at = static_cast<uint32_t>(std::lower_bound(begin + at, begin + size, event) - begin);
    return true;
  }

  TextSegment::Postings postings;
  TextSegment::Block block;
  uint32_t next = 0;  // block
  uint32_t at = 0;    // in the one that was read
  uint32_t size = 0;  // of that
  uint32_t last = 0;  // event of it
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
      const bool is_whole = piece.cut == piece.segment->events();
      const uint32_t rank = is_whole ? postings->size : TextSegment::rank(*postings, piece.cut);
      terms_[t].events += rank;
      if (rank > 0) lists.push_back({*postings, t, 0});
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
  for (std::vector<List>& lists : lists_) {
    for (List& list : lists) list.bound = bound_of(list.postings, terms_[list.term].weight);
  }
}

float KeywordSearch::bound_of(const TextSegment::Postings& postings, float weight) const {
  float most = 0;
  for (uint32_t count = 1; count <= 3; count++) most = std::max(most, share(count, postings.shortest[count - 1]));
  if (postings.most > 3) most = std::max(most, share(postings.most, postings.shortest[3]));
  return weight * most;
}

float KeywordSearch::computed_share(uint32_t count, uint8_t length) const {
  const auto f = static_cast<float>(count);
  return f * (parameters_.k1 + 1.0F) / (f + norms_[length]);
}

// The search of one piece, window after window.
class KeywordSearch::Window {
 public:
  Window(const KeywordSearch& search, const TextPiece& piece, Best& best, const Filter& filter)
      : search_(search),
        base_(piece.segment->base().value + 1),
        lists_(search.lists_of(piece)),
        best_(best),
        filter_(filter),
        scores_(std::make_unique<float[]>(kWindow)),
        positions_(lists_.size()) {
    cursors_.reserve(lists_.size());
    uint64_t postings = 0;
    for (size_t i = 0; i < lists_.size(); i++) {
      by_bound_.push_back(i);
      cursors_.emplace_back(lists_[i].postings);
      postings += lists_[i].postings.size;
    }
    is_sparse_ = postings * kWindow < uint64_t{kFew} * piece.segment->events();
    std::sort(by_bound_.begin(), by_bound_.end(), [&](size_t a, size_t b) {
      return lists_[a].bound != lists_[b].bound ? lists_[a].bound < lists_[b].bound : a < b;
    });
  }

  // Events from number `begin` to `end`, which are behind those of the calls before.
  void search(uint32_t begin, uint32_t end) {
    choose();
    touched_.clear();
    noted_.clear();
    const bool notes_all = is_sparse_;
    // With no result yet every event is better: then none is noted, and the array is looked through.
    const bool looks_through = best_.threshold() == 0 && !notes_all;
    float limit = left_ > 0 ? best_.threshold() / kSlack - rest_ : best_.threshold();
    if (looks_through) limit = std::numeric_limits<float>::infinity();
    for (size_t i = 0; i < lists_.size(); i++) {
      if (is_added_[i]) notes_all ? add<true>(i, begin, end, limit) : add<false>(i, begin, end, limit);
    }
    if (looks_through) {
      for (uint32_t event = 0; event < end - begin; event++) {
        if (scores_[event] > best_.threshold()) offer(begin + event, scores_[event]);
      }
    } else {
      for (const uint32_t event : touched_) {
        if (scores_[event] > limit) noted_.push_back(event);
      }
      std::sort(noted_.begin(), noted_.end());
      noted_.erase(std::unique(noted_.begin(), noted_.end()), noted_.end());
      for (const uint32_t event : noted_) {
        if (scores_[event] > limit) offer(begin + event, scores_[event]);
      }
    }
    if (notes_all) {
      for (const uint32_t event : touched_) scores_[event] = 0;
    } else {
      std::fill_n(scores_.get(), end - begin, 0.0F);
    }
  }

 private:
  // Which lists are added up: all but those with the least bounds that together change nothing.
  void choose() {
    is_added_.assign(lists_.size(), true);
    rest_ = 0;
    left_ = 0;
    uint64_t added = 0;
    for (const List& list : lists_) added += list.postings.size;
    while (left_ + 1 < by_bound_.size()) {
      const List& list = lists_[by_bound_[left_]];
      added -= list.postings.size;
      const float more = rest_ + list.bound;
      if (more * kSlack > best_.threshold() || list.postings.size < added * kMuchMore) break;
      is_added_[by_bound_[left_++]] = false;
      rest_ = more;
    }
    if (left_ > 0 && lookups_.empty()) {
      lookups_.reserve(lists_.size());
      for (const List& list : lists_) lookups_.emplace_back(list.postings);
    }
  }

  template <bool kNotesAll>
  void add(size_t list, uint32_t begin, uint32_t end, float limit) {
    Cursor& cursor = cursors_[list];
    const float weight = search_.terms_[lists_[list].term].weight;
    float* const scores = scores_.get();
    // What was passed over while the list was not added.
    const bool is_behind = std::exchange(positions_[list], end) != begin;
    if (is_behind && !cursor.go_to(begin)) return;
    for (;;) {
      if (cursor.at == cursor.size && !cursor.read_next()) return;
      const TextSegment::Block& block = cursor.block;
      const uint32_t size = cursor.size;
      uint32_t i = cursor.at;
      for (; i < size && block.events[i] < end; i++) {
        const uint32_t event = block.events[i] - begin;
        const float score = scores[event] + weight * search_.share(block.counts[i], block.lengths[i]);
        scores[event] = score;
        if (kNotesAll) {
          touched_.push_back(event);
        } else if (score > limit) {
          noted_.push_back(event);
        }
      }
      cursor.at = i;
      if (i < size) return;
    }
  }

  void offer(uint32_t event, float score) {
    const Position position{base_ + event};
    if (left_ > 0) {
      if (!may_be_best(event, score)) return;
      score = exact(event);
    }
    if (score <= best_.threshold()) return;
    if (filter_ == nullptr || filter_(position)) best_.add({position, score});
  }

  // With what the lists that were not added really give it, the largest first.
  bool may_be_best(uint32_t event, float score) {
    float most = score + rest_;
    for (size_t i = left_; i > 0; i--) {
      const size_t list = by_bound_[i - 1];
      most += share_of(list, event) - lists_[list].bound;
      if (most * kSlack <= best_.threshold()) return false;
    }
    return true;
  }

  float exact(uint32_t event) {
    float score = 0;
    for (size_t i = 0; i < lists_.size(); i++) score += share_of(i, event);
    return score;
  }

  float share_of(size_t list, uint32_t event) {
    Cursor& cursor = lookups_[list];
    if (!cursor.go_to(event) || cursor.block.events[cursor.at] != event) return 0;
    return search_.terms_[lists_[list].term].weight *
           search_.share(cursor.block.counts[cursor.at], cursor.block.lengths[cursor.at]);
  }

  const KeywordSearch& search_;
  const uint64_t base_;
  const std::vector<List>& lists_;  // in order of terms
  Best& best_;
  const Filter& filter_;
  bool is_sparse_ = false;
  const std::unique_ptr<float[]> scores_;  // of the window; zeros between windows
  std::vector<uint32_t> touched_;          // events with a score, when it is sparse
  std::vector<uint32_t> noted_;            // those that may be results
  std::vector<Cursor> cursors_;            // of lists that are added
  std::vector<Cursor> lookups_;
  std::vector<uint32_t> positions_;  // by list: where its cursor is, an event
  std::vector<size_t> by_bound_;     // least first
  std::vector<bool> is_added_;
  size_t left_ = 0;  // how many of by_bound_ are not
  float rest_ = 0;   // their bounds together
};

// Events come in order of position, so one that scores as much as the worst result never displaces it.
std::vector<ScoredEvent> KeywordSearch::best(size_t most, const Filter& filter, Position first, Position last) const {
  if (most == 0 || first.value == 0 || first > last) return {};
  Best best(most);
  for (const TextPiece& piece : pieces_) {
    const uint64_t base = piece.segment->base().value;
    if (lists_of(piece).empty() || last.value <= base || first.value > base + piece.cut) continue;
    const auto from = static_cast<uint32_t>(first.value > base ? first.value - base - 1 : 0);
    const auto to = static_cast<uint32_t>(std::min<uint64_t>(piece.cut, last.value - base));
    Window window(*this, piece, best, filter);
    for (uint32_t begin = from; begin < to; begin += kWindow) window.search(begin, std::min(to, begin + kWindow));
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
  return matched;
}

}  // namespace chronos
