// The best events, with as little as possible done for the others.
//
// Events are gone through in windows of some thousand, whose scores are one array that stays in a near cache; the
// postings of a term are added to it one after the other.
//
// As soon as as many results are known as are wanted, there is a score to beat, and most events cannot.  A list says
// what it adds at most (TextSegment::Postings).  The lists are taken in the order of sums, the weightiest term first,
// so behind each is known what those still to come add together.  An event is noted when what it has, with all that is
// to come, could be enough, and forgotten when it no longer can.
//
//     terms        rare .......... common        noted: those of the rare terms, a few hundred in a window;
//     add at most   6.1   4.8 | 2.9   2.2        of the common ones only events that are noted already are
//     still to come 9.9   5.1 | 2.2   0          looked up, or the whole list is gone through for them, whichever is
//                                                less work
//
// That is MAXSCORE (Turtle and Flood, "Query Evaluation: Strategies and Optimizations", 1995), decided for each event
// and not once for each list.  Every event that is left in the end has all that its lists add, in the order of sums:
// its score has the same bits as if nothing had been left out.  Bounds are summed up in another order than scores, so
// they are given some more than the last bits that this can change.
//
// Of the postings that are gone through few matter, so they are chosen first, eight or more at a time
// (search/posting_kernels.h): those that are enough by themselves, which is told from their counts and lengths alone -
// a block in which there is none, and nothing noted, is not even unpacked -, and those whose events may be noted, which
// is told from nine bits of their numbers.  Only what is chosen is weighed, and then looked at exactly.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "search/best_events.h"
#include "search/keyword_search.h"
#include "search/posting_cursor.h"
#include "search/posting_kernels.h"

namespace chronos {
namespace {

constexpr uint32_t kFirstWindow = 4096;  // events: until a score to beat is known, all of them are weighed
constexpr uint32_t kWindow = 8192;       // their scores fit the nearest cache
constexpr uint32_t kWidestWindow = 32768;
constexpr uint64_t kWindowPostings = 2048;  // where terms are rare, windows are so wide that they have about so many
constexpr uint32_t kSeek = 40;              // postings that can be added in the time it takes to look one up

// Whether an event is noted is as likely as not, so it is computed and not branched on.  Of scores, which are not
// negative: their bits are in the order that they are in.
uint32_t is_less(float a, float b) { return (std::bit_cast<uint32_t>(a) - std::bit_cast<uint32_t>(b)) >> 31; }
float kept_if(uint32_t condition, float score) {
  return std::bit_cast<float>(std::bit_cast<uint32_t>(score) & (0 - condition));
}

// Of what is more than 0.
float just_below(float score) { return std::bit_cast<float>(std::bit_cast<uint32_t>(score) - 1); }

// What a window is worked out in: kept by a thread for its next search, since it is large, and made zero with effort.
struct Scratch {
  // By event of the window: all 0 between windows.
  const std::unique_ptr<float[]> scores = std::make_unique<float[]>(kWidestWindow);
  // Events of the window that score something, and may be results.
  const std::unique_ptr<uint16_t[]> noted = std::make_unique_for_overwrite<uint16_t[]>(kWidestWindow + 1);
  std::array<uint8_t, TextSegment::kBlock + 8> chosen;  // postings of a block
};
thread_local std::unique_ptr<Scratch> kept_scratch;

std::unique_ptr<Scratch> take_scratch() {
  return kept_scratch == nullptr ? std::make_unique<Scratch>() : std::move(kept_scratch);
}

}  // namespace

class KeywordSearch::Scan {
 public:
  Scan(const KeywordSearch& search, size_t most, const Filter& filter)
      : search_(search), filter_(filter), best_(most), scratch_(take_scratch()) {}

  // Events number `begin` to `end` of the piece.
  void run(const TextPiece& piece, uint32_t begin, uint32_t end) {
    take(piece);
    for (uint32_t from = begin; from < end;) {
      if (needed(0) > total_ * (1 + slack_)) return;
      // The rest with the last window, where it would be one of few events.
      const bool is_last = end - from <= std::min(window_ + window_ / 2, kWidestWindow);
      const uint32_t to = is_last ? end : from + window_;
      find(from, to);
      from = to;
      window_ = std::min(window_ * 2, widest_);
    }
  }
  std::vector<ScoredEvent> sorted() {
    kept_scratch = std::move(scratch_);
    return best_.sorted();
  }

 private:
  struct Cursor {
    Cursor(const List& of, float weighs, double adds)
        : postings(of.postings), weight(weighs), most(adds) {}

    PostingCursor postings;
    float weight;
    double most;      // it adds
    double rest = 0;  // those after it add together
    float enough_for = -1;
    Enough enough;  // to add more than that
  };
  // Which postings are weighed: all; those that are enough by themselves; or those of noted events, or both.
  enum class Which { kAll, kEnough, kNotedOrEnough, kNoted };

  void take(const TextPiece& piece);
  void find(uint32_t from, uint32_t to);
  void add_more(Cursor& cursor, uint32_t from, uint32_t to, float needed);
  template <Which kWhich>
  void add(Cursor& cursor, uint32_t from, uint32_t to, float needed);
  template <Which kWhich>
  uint32_t choose(const Cursor& cursor, uint32_t from, uint32_t end, const EventBits& noted);
  void look_up(Cursor& cursor, uint32_t from);
  void sort_noted(uint32_t window);
  void forget(float needed);
  double most_of(const List& list) const;
  void set_enough(Cursor& cursor, float needed) const;
  uint8_t longest(const Cursor& cursor, uint32_t count, float needed) const;

  // What a sum must be more than, when so much can still be added, to become as much as the worst result.
  float needed(double rest) const {
    const double needed = best_.threshold() * (1 - slack_) - rest * (1 + slack_);
    return needed <= 0 ? 0 : just_below(static_cast<float>(needed));
  }

  const KeywordSearch& search_;
  const Filter& filter_;
  BestEvents best_;
  const TextPiece* piece_ = nullptr;
  std::vector<Cursor> cursors_;  // of the piece
  double total_ = 0;             // what all of them add together, at most
  double slack_ = 0;             // of a sum of so many
  uint32_t window_ = kFirstWindow;
  uint32_t widest_ = kWindow;
  std::unique_ptr<Scratch> scratch_;
  uint32_t noted_count_ = 0;
  const PostingKernels& kernels_ = best_posting_kernels();
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
  const std::vector<List>& lists = search_.lists_of(piece);
  cursors_.reserve(lists.size());
  uint64_t postings = 0;
  for (const List& list : lists) {
    cursors_.emplace_back(list, search_.terms_[list.term].weight, most_of(list));
    postings += list.postings.size;
  }
  total_ = 0;
  for (auto cursor = cursors_.rbegin(); cursor != cursors_.rend(); ++cursor) {
    cursor->rest = total_;
    total_ += cursor->most;
  }
  slack_ = 4.0 * std::numeric_limits<float>::epsilon() * static_cast<double>(cursors_.size() + 2);
  widest_ = kWindow;
  while (widest_ < kWidestWindow && postings * widest_ * 2 <= kWindowPostings * piece.segment->events()) widest_ *= 2;
}

// An event that scores as much as the worst result has a later position, unless that is of the same window.
void KeywordSearch::Scan::find(uint32_t from, uint32_t to) {
  noted_count_ = 0;
  bool is_sorted = true;
  for (Cursor& cursor : cursors_) {
    const float needed_after = needed(cursor.rest);
    if (cursor.most > needed_after) {
      is_sorted = noted_count_ == 0;
      add_more(cursor, from, to, needed_after);
      continue;
    }
    forget(needed(cursor.rest + cursor.most));
    if (noted_count_ == 0) continue;
    const uint64_t postings = uint64_t{cursor.postings.postings().size} * (to - from) / piece_->segment->events();
    if (uint64_t{noted_count_} * kSeek > postings) {
      add<Which::kNoted>(cursor, from, to, needed_after);
    } else {
      if (!std::exchange(is_sorted, true)) sort_noted(to - from);
      look_up(cursor, from);
    }
  }
  forget(needed(0));  // most of them, without a branch for each
  for (uint32_t i = 0; i < noted_count_; i++) {
    const uint16_t event = scratch_->noted[i];
    const float score = std::exchange(scratch_->scores[event], 0.0F);
    if (score < best_.threshold()) continue;
    const Position position{piece_->segment->base().value + from + event + 1};
    if (filter_ == nullptr || filter_(position)) best_.add({position, score});
  }
}

void KeywordSearch::Scan::add_more(Cursor& cursor, uint32_t from, uint32_t to, float needed) {
  if (needed <= 0) return add<Which::kAll>(cursor, from, to, needed);
  set_enough(cursor, needed);
  if (noted_count_ > 0) return add<Which::kNotedOrEnough>(cursor, from, to, needed);
  add<Which::kEnough>(cursor, from, to, needed);
}

// To the noted events; but for kNoted, notes those that are worth it by what they have of this list alone.
template <KeywordSearch::Scan::Which kWhich>
void KeywordSearch::Scan::add(Cursor& cursor, uint32_t from, uint32_t to, float needed) {
  float* const scores = scratch_->scores.get();
  uint16_t* const noted = scratch_->noted.get();
  PostingCursor& postings = cursor.postings;
  const TextSegment::Block& block = postings.block();
  EventBits noted_before;
  if constexpr (kWhich == Which::kNoted || kWhich == Which::kNotedOrEnough) {
    for (uint32_t i = 0; noted_count_ <= kernels_.few_events && i < noted_count_; i++) {
      noted_before.add(from + noted[i]);
    }
  }
  uint32_t count = noted_count_;
  const float weight = cursor.weight;
  const uint8_t* counts = nullptr;
  const uint8_t* lengths = nullptr;
  const auto weigh = [&](uint32_t i) {
    const uint32_t event = block.events[i] - from;
    const float before = kWhich == Which::kEnough ? 0 : scores[event];
    if (kWhich == Which::kNoted && before == 0) return;
    const float added = weight * search_.share(counts[i], lengths[i]);
    uint32_t is_in = 1;
    if constexpr (kWhich != Which::kNoted) {
      const uint32_t is_noted = is_less(0, before);
      if constexpr (kWhich == Which::kNotedOrEnough) is_in = is_noted | is_less(needed, added);
      noted[count] = static_cast<uint16_t>(event);
      count += is_in & (is_noted ^ 1);
    }
    scores[event] = kept_if(is_in, before + added);
  };
  for (;;) {
    if constexpr (kWhich == Which::kEnough) postings.pass_over(from, to, cursor.enough);
    if (!postings.seek(from)) break;
    const uint32_t end = postings.end_of(to);
    counts = block.counts;
    lengths = block.lengths;
    if constexpr (kWhich == Which::kAll) {
      for (uint32_t i = postings.at(); i < end; i++) weigh(i);
    } else {
      const uint32_t chosen = choose<kWhich>(cursor, from, end, noted_before);
      for (uint32_t k = 0; k < chosen; k++) weigh(scratch_->chosen[k]);
    }
    postings.go_to(end);
    if (end < block.size) break;
  }
  noted_count_ = count;
}

// Of the postings up to `end`, those to be weighed, and some more: few, mostly.
template <KeywordSearch::Scan::Which kWhich>
uint32_t KeywordSearch::Scan::choose(const Cursor& cursor, uint32_t from, uint32_t end, const EventBits& noted) {
  const TextSegment::Block& block = cursor.postings.block();
  const uint32_t begin = cursor.postings.at();
  PostingBits enough{};
  if constexpr (kWhich != Which::kNoted) enough = cursor.postings.enough_of_block(cursor.enough);
  uint8_t* const chosen = scratch_->chosen.data();
  if (noted_count_ <= kernels_.few_events) {
    return kernels_.choose(block.events.data(), begin, end, enough, noted, chosen);
  }
  uint32_t count = 0;
  for (uint32_t i = begin; i < end; i++) {
    uint32_t is_chosen = is_less(0, scratch_->scores[block.events[i] - from]);
    if constexpr (kWhich == Which::kNotedOrEnough) is_chosen |= static_cast<uint32_t>(enough[i / 64] >> i % 64 & 1);
    chosen[count] = static_cast<uint8_t>(i);
    count += is_chosen;
  }
  return count;
}

void KeywordSearch::Scan::set_enough(Cursor& cursor, float needed) const {
  if (std::exchange(cursor.enough_for, needed) == needed) return;
  cursor.enough.of_one = longest(cursor, 1, needed);
  cursor.enough.of_more = longest(cursor, cursor.postings.postings().most, needed);
}

// 0, which no text has in which a term is, when there is none.
uint8_t KeywordSearch::Scan::longest(const Cursor& cursor, uint32_t count, float needed) const {
  uint32_t longest = 0;
  for (uint32_t step = 128; step > 0; step /= 2) {
    const float added = cursor.weight * search_.share(count, static_cast<uint8_t>(longest + step));
    if (added > needed) longest += step;
  }
  return static_cast<uint8_t>(longest);
}

void KeywordSearch::Scan::sort_noted(uint32_t window) {
  std::array<uint64_t, kWidestWindow / 64> bits;
  const uint32_t words = (window + 63) / 64;
  std::fill_n(bits.begin(), words, 0);
  uint16_t* const noted = scratch_->noted.get();
  for (uint32_t i = 0; i < noted_count_; i++) bits[noted[i] / 64] |= uint64_t{1} << noted[i] % 64;
  uint16_t* to = noted;
  for (uint32_t word = 0; word < words; word++) {
    for (uint64_t left = bits[word]; left != 0; left &= left - 1) {
      *to++ = static_cast<uint16_t>(word * 64 + static_cast<uint32_t>(std::countr_zero(left)));
    }
  }
}

void KeywordSearch::Scan::look_up(Cursor& cursor, uint32_t from) {
  PostingCursor& postings = cursor.postings;
  const TextSegment::Block& block = postings.block();
  for (uint32_t i = 0; i < noted_count_; i++) {
    const uint16_t event = scratch_->noted[i];
    if (!postings.seek(from + event)) return;
    const uint32_t at = postings.at();
    if (block.events[at] != from + event) continue;
    scratch_->scores[event] += cursor.weight * search_.share(block.counts[at], block.lengths[at]);
  }
}

void KeywordSearch::Scan::forget(float needed) {
  float* const scores = scratch_->scores.get();
  uint16_t* const noted = scratch_->noted.get();
  uint32_t kept = 0;
  for (uint32_t i = 0; i < noted_count_; i++) {
    const uint16_t event = noted[i];
    const float score = scores[event];
    const uint32_t is_kept = is_less(needed, score);
    scores[event] = kept_if(is_kept, score);
    noted[kept] = event;
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
