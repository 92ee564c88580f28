// What may be looked at again in floats: the best by their bytes, four times as many as are wanted and some more.  The
// error of a score by bytes is below a few thousandths, so that a result would have to have more than that many rows
// between itself and its place to be missed.  They are looked at in the order of their bytes, and those left out that
// are so far behind the results that no error brings them there.  A number is wrong by up to half its scale, either
// way, and all of them together, weighed with the other vector, whose length is 1, by 0.29 scales on average whatever
// the dimension: kWrong is five times as much, and never reached with up to nine numbers.
//
// Walk or scan: a walk looks at some rows for each it keeps, and at more by what the cut and the filter hide; a look
// at random costs a few rows of a scan (VectorCosts; bench/vectors.cc times both ways beside the one that is chosen).
// So a walk pays from some thousand rows on that count.  What the filter hides is told from a sample, at fixed places,
// so that the same query is answered the same way.  Where what is hidden is just what is near, a walk wanders: one that
// has cost kBudget times what the scan would is given up for it.  The largest graph is walked first, and what it found
// lets the others end early.
#include "search/vector_search.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "search/best_events.h"

namespace chronos {
namespace {

constexpr size_t kAgain = 4;      // looked at in floats, for each wanted
constexpr size_t kAgainMore = 32;
constexpr size_t kFewest = 10;  // a walk for less than that would miss some
constexpr size_t kMostWalked = 2;  // what a walk keeps is about twice what is wanted and some more
constexpr size_t kMoreWalked = 25;
constexpr float kWrong = 1.5F;
constexpr double kBudget = 1.5;
constexpr uint32_t kSample = 128;
constexpr uint32_t kChunk = 256;  // rows whose scores are computed at once
constexpr uint32_t kPicked = 32;  // the same of rows that do not follow each other
constexpr float kLowest = -std::numeric_limits<float>::infinity();

}  // namespace

// The best rows so far, the worst in front.
class VectorSearch::Candidates {
 public:
  struct Row {
    ScoredEvent event;
    const Part* part;
    uint32_t row;
  };
  explicit Candidates(size_t most) : most_(most) {}

  // What scores less is not among them.
  float threshold() const { return rows_.size() < most_ ? kLowest : rows_.front().event.score; }
  bool would_take(const ScoredEvent& event) const {
    return rows_.size() < most_ || comes_before(event, rows_.front().event);
  }
  void add(const Row& row) {
    if (rows_.size() == most_) {
      std::pop_heap(rows_.begin(), rows_.end(), better);
      rows_.back() = row;
    } else {
      rows_.push_back(row);
    }
    std::push_heap(rows_.begin(), rows_.end(), better);
  }
  const std::vector<Row>& rows() const { return rows_; }
  std::vector<Row> sorted() const {
    std::vector<Row> rows = rows_;
    std::sort(rows.begin(), rows.end(), better);
    return rows;
  }
  // What the n-th best scores.  Requires: n > 0.
  float score_of(size_t n) const {
    if (rows_.size() < n) return kLowest;
    std::vector<float> scores;
    scores.reserve(rows_.size());
    for (const Row& row : rows_) scores.push_back(row.event.score);
    const auto nth = scores.begin() + static_cast<std::ptrdiff_t>(n - 1);
    std::nth_element(scores.begin(), nth, scores.end(), std::greater<>());
    return *nth;
  }

 private:
  static bool better(const Row& a, const Row& b) { return comes_before(a.event, b.event); }
  const size_t most_;
  std::vector<Row> rows_;
};

// The rows of a part that a selection leaves.
class VectorSearch::Rows {
 public:
  Rows(const VectorSearch& search, const Part& part, const VectorSelection& selection)
      : search_(search), part_(part), selection_(selection) {
    const uint64_t base = part.piece->segment->base().value;
    const uint64_t first = std::max(selection.first.value, base + 1);
    const uint64_t last = std::min(selection.last.value, base + part.piece->cut);
    if (first > last) return;
    begin_ = group().rows_before(static_cast<uint32_t>(first - base - 1));
    end_ = group().rows_before(static_cast<uint32_t>(last - base));
    first_bit_ = first - selection.first.value;
    end_bit_ = last + 1 - selection.first.value;
    shift_ = base + 1 - selection.first.value;
  }

  const Part& part() const { return part_; }
  const VectorSegment::Group& group() const { return *part_.group; }
  uint32_t end() const { return end_; }
  bool none() const { return begin_ == end_; }
  bool has_bits() const { return !selection_.bits.empty(); }
  bool takes_all() const { return begin_ == 0 && !has_bits() && !selection_.filter; }
  // Whether it is among them.
  bool has(uint32_t row) const {
    if (row < begin_ || row >= end_) return false;
    if (has_bits()) {
      const uint64_t bit = group().events[row] + shift_;
      if ((selection_.bits[bit / 64] >> bit % 64 & 1) == 0) return false;
    }
    return passes(search_.position_of(part_, row));
  }
  bool passes(Position position) const { return !selection_.filter || selection_.filter(position); }
  // How many have a bit, if all events have a vector.
  uint64_t with_bits() const {
    if (!has_bits()) return end_ - begin_;
    uint64_t count = 0;
    for (uint64_t word = first_bit_ / 64; word * 64 < end_bit_; word++) {
      count += static_cast<uint64_t>(std::popcount(bits_of(word)));
    }
    return std::min<uint64_t>(count, end_ - begin_);
  }
  // About how much of them the filter lets through.
  double share_of_filter() const {
    if (!selection_.filter || has_bits()) return 1;
    const uint32_t asked = std::min(kSample, end_ - begin_);
    uint32_t passed = 0;
    for (uint32_t i = 0; i < asked; i++) {
      const auto row = static_cast<uint32_t>(begin_ + uint64_t{end_ - begin_} * i / asked);
      passed += passes(search_.position_of(part_, row)) ? 1 : 0;
    }
    return static_cast<double>(passed) / asked;
  }
  // Calls take(first, picked, count) for all of them in order, whatever the filter says: rows that follow the first
  // one where `picked` is null, which it is without bits.
  template <typename Take>
  void each(const Take& take) const {
    if (has_bits()) return each_picked(take);
    for (uint32_t begin = begin_; begin < end_; begin += kChunk) take(begin, nullptr, std::min(kChunk, end_ - begin));
  }

 private:
  uint64_t bits_of(uint64_t word) const {
    uint64_t bits = selection_.bits[word];
    if (word == first_bit_ / 64) bits &= ~uint64_t{0} << first_bit_ % 64;
    if (word == end_bit_ / 64) bits &= (uint64_t{1} << end_bit_ % 64) - 1;
    return bits;
  }
  template <typename Take>
  void each_picked(const Take& take) const {
    std::array<uint32_t, kPicked> picked;
    uint32_t count = 0;
    uint32_t row = begin_;
    for (uint64_t word = first_bit_ / 64; word * 64 < end_bit_; word++) {
      for (uint64_t bits = bits_of(word); bits != 0; bits &= bits - 1) {
        const auto event = static_cast<uint32_t>(word * 64 + static_cast<uint64_t>(std::countr_zero(bits)) - shift_);
        row = row_from(row, event);
        if (row == end_) break;
        if (group().events[row] != event) continue;
        picked[count++] = row;
        const int8_t* const codes = group().codes_of(row);
        for (size_t at = 0; at < search_.codes_.size(); at += 64) __builtin_prefetch(codes + at);
        __builtin_prefetch(&group().scales[row]);
        if (count < kPicked) continue;
        take(0, picked.data(), count);
        count = 0;
      }
    }
    if (count > 0) take(0, picked.data(), count);
  }
  // The first row from there on whose event is this one or follows it.
  uint32_t row_from(uint32_t row, uint32_t event) const {
    const uint32_t* const events = group().events;
    if (row == end_ || events[row] >= event) return row;
    const uint32_t most = std::min(end_, row + (event - events[row]));  // where it is if all between have a vector
    if (most < end_ && events[most] == event) return most;
    return static_cast<uint32_t>(std::lower_bound(events + row, events + most, event) - events);
  }

  const VectorSearch& search_;
  const Part& part_;
  const VectorSelection& selection_;
  uint32_t begin_ = 0;
  uint32_t end_ = 0;
  uint64_t first_bit_ = 0;
  uint64_t end_bit_ = 0;
  uint64_t shift_ = 0;  // from an event of the segment to its bit; may be negative, modulo 2^64
};

Result<VectorSearch> VectorSearch::make(std::vector<VectorPiece> pieces, const VectorQuery& query) {
  VectorSearch search;
  if (auto taken = search.take(query.vector); !taken) return taken.error();
  search.exact_ = query.exact;
  search.costs_ = query.costs;
  search.pieces_ = std::move(pieces);
  if (auto found = search.find_parts(); !found) return found.error();
  return search;
}

Result<void> VectorSearch::take(const std::vector<float>& vector) {
  const auto wrong = [](const std::string& what) { return Error{Code::kInvalidArgument, what, {}}; };
  if (vector.empty()) return wrong("vector is empty: give the numbers that the model of the stored vectors gives");
  if (vector.size() > VectorSegment::kMostDimension) {
    return wrong("vector has " + std::to_string(vector.size()) + " numbers, the limit is " +
                 std::to_string(VectorSegment::kMostDimension));
  }
  for (size_t i = 0; i < vector.size(); i++) {
    if (!std::isfinite(vector[i])) return wrong("vector[" + std::to_string(i) + "] is not a finite number: give one");
  }
  row_.resize(float_stride(vector.size()));
  if (!to_unit(vector, row_.data())) return wrong("vector is zero everywhere, which is near to nothing: give another");
  dimension_ = static_cast<uint32_t>(vector.size());
  codes_.resize(code_stride(dimension_));
  scale_ = to_codes(row_.data(), dimension_, codes_.data()).scale;
  return {};
}

Result<void> VectorSearch::find_parts() {
  std::vector<uint32_t> others;
  for (const VectorPiece& piece : pieces_) {
    for (const VectorSegment::Group& group : piece.segment->groups()) {
      const uint32_t rows = group.rows_before(piece.cut);
      if (rows == 0) continue;
      if (group.dimension == dimension_) {
        parts_.push_back({&piece, &group, rows});
        vectors_ += rows;
      } else if (std::find(others.begin(), others.end(), group.dimension) == others.end()) {
        others.push_back(group.dimension);
      }
    }
  }
  if (vectors_ > 0 || others.empty()) return {};
  std::sort(others.begin(), others.end());
  std::string known;
  for (size_t i = 0; i < others.size() && i < 5; i++) known += (i > 0 ? ", " : "") + std::to_string(others[i]);
  return Error{Code::kInvalidArgument,
               "vector has " + std::to_string(dimension_) + " numbers, the vectors stored here have " + known +
                   ": make it with the model that made those",
               {}};
}

std::vector<const VectorSearch::Part*> VectorSearch::largest_first() const {
  std::vector<const Part*> parts;
  parts.reserve(parts_.size());
  for (const Part& part : parts_) parts.push_back(&part);
  std::stable_sort(parts.begin(), parts.end(), [](const Part* a, const Part* b) { return a->rows > b->rows; });
  return parts;
}

std::vector<ScoredEvent> VectorSearch::best(size_t most, const VectorSelection& selection) const {
  if (most == 0) return {};
  Candidates best(exact_ ? most : kAgain * most + kAgainMore);
  for (const Part* const part : largest_first()) {
    const Rows rows(*this, *part, selection);
    if (rows.none()) continue;
    if (exact_) {
      scan_floats(rows, best);
    } else if (!walk(rows, most, best)) {
      scan(rows, best);
    }
  }
  return in_floats(best, most);
}

std::vector<ScoredEvent> VectorSearch::in_floats(const Candidates& best, size_t most) const {
  const std::vector<Candidates::Row> rows = best.sorted();
  const auto floats = [](const Candidates::Row& row) { return row.part->group->floats_of(row.row); };
  BestEvents found(most);
  for (size_t i = 0; i < rows.size(); i++) {
    const Candidates::Row& row = rows[i];
    if (i + 1 < rows.size()) {
      for (size_t at = 0; at < row_.size(); at += 16) __builtin_prefetch(floats(rows[i + 1]) + at);
    }
    const float wrong = kWrong * (scale_ + row.part->group->scales[row.row].scale);
    if (!exact_ && found.is_full() && row.event.score * scale_ + wrong < found.threshold()) continue;
    found.add({row.event.position, best_kernels().dot_floats(row_.data(), floats(row), row_.size())});
  }
  return found.sorted();
}

void VectorSearch::scan(const Rows& rows, Candidates& best) const {
  const VectorSegment::Group& group = rows.group();
  std::array<int32_t, kChunk> dots;
  rows.each([&](uint32_t first, const uint32_t* picked, uint32_t count) {
    const CodeRows codes{group.codes_of(first), group.scales + first, codes_.size()};
    best_kernels().dot_codes(codes_.data(), codes, picked, count, dots.data());
    for (uint32_t i = 0; i < count; i++) {
      const uint32_t row = picked == nullptr ? first + i : picked[i];
      const float score = static_cast<float>(dots[i]) * group.scales[row].scale;
      if (score < best.threshold()) continue;
      const ScoredEvent event{position_of(rows.part(), row), score};
      if (best.would_take(event) && rows.passes(event.position)) best.add({event, &rows.part(), row});
    }
  });
}

void VectorSearch::scan_floats(const Rows& rows, Candidates& best) const {
  const auto& dot = best_kernels().dot_floats;
  rows.each([&](uint32_t first, const uint32_t* picked, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
      const uint32_t row = picked == nullptr ? first + i : picked[i];
      const float score = dot(row_.data(), rows.group().floats_of(row), row_.size());
      if (score < best.threshold()) continue;
      const ScoredEvent event{position_of(rows.part(), row), score};
      if (best.would_take(event) && rows.passes(event.position)) best.add({event, &rows.part(), row});
    }
  });
}

// False when a scan is to be made instead.
bool VectorSearch::walk(const Rows& rows, size_t most, Candidates& best) const {
  const VectorPiece& piece = *rows.part().piece;
  if (piece.graph == nullptr || piece.graph_dimension != dimension_) return false;
  VectorGraph::Walk walk;
  walk.query = codes_.data();
  walk.scale = scale_;
  walk.most = std::max(most, kFewest);
  walk.rows = rows.end();
  walk.floor = best.score_of(walk.most);
  // What a scan would cost, in rows looked at by a walk.
  const auto kept = static_cast<double>(rows.with_bits());
  const double scan_cost = kept * (rows.has_bits() ? costs_.picked : 1) / costs_.look;
  const double visible = kept / rows.group().count;
  const auto keeps = static_cast<double>(kMostWalked * walk.most + kMoreWalked);
  const auto needed = [&](double share) { return keeps * costs_.looks / share; };
  if (needed(visible) > scan_cost) return false;
  const double share = visible * rows.share_of_filter();
  if (share <= 0 || needed(share) > scan_cost) return false;
  walk.budget = static_cast<size_t>(kBudget * scan_cost);
  if (!rows.takes_all()) walk.filter = [&rows](uint32_t row) { return rows.has(row); };
  const auto found = piece.graph->walk(rows.group(), walk);
  if (!found) return false;
  walked_ = true;
  for (const VectorGraph::Near& near : *found) {
    const ScoredEvent event{position_of(rows.part(), near.row), near.score};
    if (best.would_take(event)) best.add({event, &rows.part(), near.row});
  }
  return true;
}

std::optional<float> VectorSearch::score(Position position) const {
  const auto after =
      std::upper_bound(parts_.begin(), parts_.end(), position,
                       [](Position wanted, const Part& part) { return wanted <= part.piece->segment->base(); });
  if (after == parts_.begin()) return std::nullopt;
  const Part& part = *(after - 1);
  const uint64_t event = position.value - part.piece->segment->base().value - 1;
  const uint32_t* const end = part.group->events + part.rows;
  const uint32_t* const found = std::lower_bound(part.group->events, end, event);
  if (found == end || *found != event) return std::nullopt;
  const auto row = static_cast<uint32_t>(found - part.group->events);
  return best_kernels().dot_floats(row_.data(), part.group->floats_of(row), row_.size());
}

}  // namespace chronos
