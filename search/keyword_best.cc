// The best events, with as little as possible done for the others.
//
// Events are gone through in windows of some thousand, whose scores are one array that stays in the nearest cache; the
// postings of a term are added to it one after the other, which costs about a nanosecond each.
//
// As soon as as many results are known as are wanted, there is a score to beat, and most events cannot.  A list says
// what it adds at most (TextSegment::Postings).  The lists are taken in the order of sums, the weightiest term first,
// so behind each is known what those still to come add together.  An event is noted when what it has, with all that is
// to come, could be enough, and forgotten when it no longer can.
//
//     terms        rare .......... common        noted: those of the rare terms, a few hundred in a window;
//     add at most   6.1   4.8 | 2.9   2.2        of the common ones only events that are noted already are
//     still to come 9.9   5.1 | 2.2   0          looked up, or the whole list is added to them, whichever is less work
//
// That is MAXSCORE (Turtle and Flood, "Query Evaluation: Strategies and Optimizations", 1995), decided for each event
// and not once for each list.  Every event that is left in the end has all that its lists add, in the order of sums:
// its score has the same bits as if nothing had been left out.  Bounds are summed up in another order than scores, so
// they are given some more than the last bits that this can change.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "search/keyword_search.h"

namespace chronos {
namespace {

constexpr uint32_t kWindow = 8192;  // events; their scores fit the nearest cache
constexpr uint32_t kSeek = 24;       // postings that can be added in the time it takes to look one up

// Whether an event is noted is as likely as not, so it is computed and not branched on.  Of scores, which are not
// negative: their bits are in the order that they are in.
uint32_t is_less(float a, float b) { return (std::bit_cast<uint32_t>(a) - std::bit_cast<uint32_t>(b)) >> 31; }
float kept_if(uint32_t condition, float score) {
  return std::bit_cast<float>(std::bit_cast<uint32_t>(score) & (0 - condition));
}

// The index of the first event from `at` on that is not before this one, or `size`.  Requires: at < size.  Which way it
// goes is as likely as not at every step.
uint32_t place_of(const uint32_t* events, uint32_t at, uint32_t size, uint32_t event) {
  for (uint32_t left = size - at; left > 1;) {
    const uint32_t half = left / 2;
    at += half * static_cast<uint32_t>(events[at + half - 1] < event);
    left -= half;
  }
  return at + static_cast<uint32_t>(events[at] < event);
}

// The best so far, the worst of them in front.
class Best {
 public:
  explicit Best(size_t most) : most_(most) {}

  bool is_full() const { return found_.size() == most_; }
  // What scores less is not among them.
  float threshold() const { return is_full() ? found_.front().score : 0.0F; }
  void add(const ScoredEvent& event) {
    if (is_full()) {
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

class KeywordSearch::Scan {
 public:
  Scan(const KeywordSearch& search, size_t most, const Filter& filter)
      : search_(search), filter_(filter), best_(most) {}

  // Events number `begin` to `end` of the piece.
  void run(const TextPiece& piece, uint32_t begin, uint32_t end) {
    take(piece);
    for (uint32_t from = begin; from < end; from += std::min(kWindow, end - from)) {
      if (needed(0) > total_ * (1 + slack_)) return;
      find(from, from + std::min(kWindow, end - from));
    }
  }
  std::vector<ScoredEvent> sorted() { return best_.sorted(); }

 private:
  struct Cursor {
    Cursor(const List& of, float weighs, double adds) : list(of), weight(weighs), most(adds) {}

    // Goes to the first posting that is not before the event, no matter which; false when there is none.
    bool seek(uint32_t event) {
      if (at < block.size && block.events[at] >= event) return true;
      if (at == block.size || block.events[block.size - 1] < event) {
        next = TextSegment::block_of(list.postings, event, next);
        if (next >= list.postings.blocks()) return false;
        TextSegment::read(list.postings, next++, block);
        at = 0;
      }
      at = place_of(block.events.data(), at, block.size, event);
      return at < block.size;
    }
    List list;
    float weight;
    double most;      // it adds
    double rest = 0;  // those after it add together
    TextSegment::Block block;
    uint32_t next = 0;  // block
    uint32_t at = 0;    // in the one that was read
  };

  void take(const TextPiece& piece);
  void find(uint32_t from, uint32_t to);
  template <bool kNotesMore>
  void add(Cursor& cursor, uint32_t from, uint32_t to, float needed);
  void look_up(Cursor& cursor, uint32_t from);
  void sort_noted();
  void forget(float needed);
  double most_of(const List& list) const;

  // What a sum must be more than, when so much can still be added, to become as much as the worst result.
  float needed(double rest) const {
    const double needed = best_.threshold() * (1 - slack_) - rest * (1 + slack_);
    return needed <= 0 ? 0 : std::nextafter(static_cast<float>(needed), 0.0F);
  }

  const KeywordSearch& search_;
  const Filter& filter_;
  Best best_;
  const TextPiece* piece_ = nullptr;
  std::vector<Cursor> cursors_;  // of the piece
  double total_ = 0;             // what all of them add together, at most
  double slack_ = 0;             // of a sum of so many
  // By event of the window: all 0 between windows.
  const std::unique_ptr<float[]> scores_ = std::make_unique<float[]>(kWindow);
  // Events of the window that score something, and may be results.
  const std::unique_ptr<uint16_t[]> noted_ = std::make_unique_for_overwrite<uint16_t[]>(kWindow + 1);
  uint32_t noted_count_ = 0;
};

double KeywordSearch::Scan::most_of(const List& list) const {
  const TextSegment::Postings& bounds = list.postings;
  float most = 0;
  for (uint32_t i = 0; i < bounds.shortest.size() && i < bounds.most; i++) {
    const bool is_last = i + 1 == bounds.shortest.size();
    most = std::max(most, search_.share(is_last ? bounds.most : i + 1, bounds.shortest[i]));
  }
  return double{search_.terms_[list.term].weight} * most;
}

void KeywordSearch::Scan::take(const TextPiece& piece) {
  piece_ = &piece;
  cursors_.clear();
  for (const List& list : search_.lists_of(piece)) {
    cursors_.emplace_back(list, search_.terms_[list.term].weight, most_of(list));
  }
  total_ = 0;
  for (auto cursor = cursors_.rbegin(); cursor != cursors_.rend(); ++cursor) {
    cursor->rest = total_;
    total_ += cursor->most;
  }
  slack_ = 4.0 * std::numeric_limits<float>::epsilon() * static_cast<double>(cursors_.size() + 2);
}

// An event that scores as much as the worst result has a later position, unless that is of the same window.
void KeywordSearch::Scan::find(uint32_t from, uint32_t to) {
  noted_count_ = 0;
  bool is_sorted = false;
  for (Cursor& cursor : cursors_) {
    const float needed_after = needed(cursor.rest);
    if (cursor.most > needed_after) {
      add<true>(cursor, from, to, needed_after);
      is_sorted = false;
      continue;
    }
    forget(needed(cursor.rest + cursor.most));
    if (noted_count_ == 0) continue;
    const uint64_t postings = uint64_t{cursor.list.postings.size} * (to - from) / piece_->segment->events();
    if (uint64_t{noted_count_} * kSeek > postings) {
      add<false>(cursor, from, to, needed_after);
    } else {
      if (!std::exchange(is_sorted, true)) sort_noted();
      look_up(cursor, from);
    }
  }
  for (uint32_t i = 0; i < noted_count_; i++) {
    const float score = std::exchange(scores_[noted_[i]], 0.0F);
    if (score < best_.threshold()) continue;
    const Position position{piece_->segment->base().value + from + noted_[i] + 1};
    if (filter_ == nullptr || filter_(position)) best_.add({position, score});
  }
}

// To the noted events; notes those that are worth it by what they have of this list alone.
template <bool kNotesMore>
void KeywordSearch::Scan::add(Cursor& cursor, uint32_t from, uint32_t to, float needed) {
  float* const scores = scores_.get();
  uint16_t* const noted = noted_.get();
  const float weight = cursor.weight;
  uint32_t count = noted_count_;
  for (bool is_any = cursor.seek(from); is_any; is_any = cursor.seek(from)) {
    const TextSegment::Block& block = cursor.block;
    const uint32_t* const events = block.events.data();
    const uint32_t end = events[block.size - 1] < to ? block.size : place_of(events, cursor.at, block.size, to);
    const uint8_t* const counts = block.counts;
    const uint8_t* const lengths = block.lengths;
    for (uint32_t i = cursor.at; i < end; i++) {
      const uint32_t event = events[i] - from;
      const float added = weight * search_.share(counts[i], lengths[i]);
      const float before = scores[event];
      uint32_t is_noted = is_less(0, before);
      if constexpr (kNotesMore) {
        const uint32_t is_new = is_less(needed, added) & (is_noted ^ 1);
        noted[count] = static_cast<uint16_t>(event);
        count += is_new;
        is_noted |= is_new;
      }
      scores[event] = kept_if(is_noted, before + added);
    }
    cursor.at = end;
    if (end < block.size) break;
  }
  noted_count_ = count;
}

void KeywordSearch::Scan::sort_noted() {
  std::array<uint64_t, kWindow / 64> bits{};
  for (uint32_t i = 0; i < noted_count_; i++) bits[noted_[i] / 64] |= uint64_t{1} << noted_[i] % 64;
  uint16_t* to = noted_.get();
  for (uint32_t word = 0; word < bits.size(); word++) {
    for (uint64_t left = bits[word]; left != 0; left &= left - 1) {
      *to++ = static_cast<uint16_t>(word * 64 + static_cast<uint32_t>(std::countr_zero(left)));
    }
  }
}

void KeywordSearch::Scan::look_up(Cursor& cursor, uint32_t from) {
  for (uint32_t i = 0; i < noted_count_ && cursor.seek(from + noted_[i]); i++) {
    if (cursor.block.events[cursor.at] != from + noted_[i]) continue;
    const TextSegment::Block& block = cursor.block;
    scores_[noted_[i]] += cursor.weight * search_.share(block.counts[cursor.at], block.lengths[cursor.at]);
  }
}

void KeywordSearch::Scan::forget(float needed) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < noted_count_; i++) {
    const uint16_t event = noted_[i];
    const float score = scores_[event];
    const uint32_t is_kept = is_less(needed, score);
    scores_[event] = kept_if(is_kept, score);
    noted_[kept] = event;
    kept += is_kept;
  }
  noted_count_ = kept;
}

std::vector<ScoredEvent> KeywordSearch::best(size_t most, const Filter& filter, Position first, Position last) const {
  if (most == 0 || first.value == 0 || first > last) return {};
  Scan scan(*this, most, filter);
  for (const TextPiece& piece : pieces_) {
    const uint64_t base = piece.segment->base().value;
    if (lists_of(piece).empty() || last.value <= base || first.value > base + piece.cut) continue;
    const auto begin = static_cast<uint32_t>(first.value > base ? first.value - base - 1 : 0);
    scan.run(piece, begin, static_cast<uint32_t>(std::min<uint64_t>(piece.cut, last.value - base)));
  }
  return scan.sorted();
}

}  // namespace chronos
