// What is looked at again in floats: the best by their bytes, four times as many as are wanted and some more.  The
// error of a score by bytes is below a few thousandths, so that a result would have to have more than that many rows
// between itself and its place to be missed.
//
// Walk or scan: a walk looks at some rows for each it keeps, and at more by what the cut and the filter hide; a look
// at random costs a few rows of a scan (VectorCosts; bench/vectors.cc times both ways beside the one that is chosen).
// So a walk pays from some 9,000 rows on that count.  What the filter hides is told from a sample, at fixed places, so
// that the same query is answered the same way.  Where what is hidden is just what is near, a walk wanders: one that
// has cost kBudget times what the scan would is given up for it.
#include "search/vector_search.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace chronos {
namespace {

constexpr size_t kAgain = 4;      // looked at in floats, for each wanted
constexpr size_t kAgainMore = 32;
constexpr double kBudget = 1.5;
constexpr uint32_t kSample = 128;
constexpr uint32_t kChunk = 256;  // rows whose scores are computed at once
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

 private:
  static bool better(const Row& a, const Row& b) { return comes_before(a.event, b.event); }
  const size_t most_;
  std::vector<Row> rows_;
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
  to_codes(row_.data(), dimension_, codes_.data());
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

std::vector<ScoredEvent> VectorSearch::best(size_t most, const Filter& filter) const {
  std::vector<ScoredEvent> found;
  if (most == 0) return found;
  Candidates best(exact_ ? most : kAgain * most + kAgainMore);
  for (const Part& part : parts_) {
    if (exact_) {
      scan_floats(part, filter, best);
    } else if (!walk(part, filter, most, best)) {
      scan(part, filter, best);
    }
  }
  const auto& dot = best_kernels().dot_floats;
  for (const Candidates::Row& row : best.rows()) {
    found.push_back({row.event.position, dot(row_.data(), row.part->group->floats_of(row.row), row_.size())});
  }
  std::sort(found.begin(), found.end(), comes_before);
  found.resize(std::min(found.size(), most));
  return found;
}

void VectorSearch::scan(const Part& part, const Filter& filter, Candidates& best) const {
  const VectorSegment::Group& group = *part.group;
  std::array<int32_t, kChunk> dots;
  for (uint32_t begin = 0; begin < part.rows; begin += kChunk) {
    const uint32_t count = std::min(kChunk, part.rows - begin);
    best_kernels().dot_codes(codes_.data(), group.codes_of(begin), group.scales + begin, codes_.size(), count,
                             dots.data());
    for (uint32_t i = 0; i < count; i++) {
      const float score = static_cast<float>(dots[i]) * group.scales[begin + i].scale;
      if (score < best.threshold()) continue;
      const ScoredEvent event{position_of(part, begin + i), score};
      if (best.would_take(event) && (!filter || filter(event.position))) best.add({event, &part, begin + i});
    }
  }
}

void VectorSearch::scan_floats(const Part& part, const Filter& filter, Candidates& best) const {
  const auto& dot = best_kernels().dot_floats;
  for (uint32_t row = 0; row < part.rows; row++) {
    const float score = dot(row_.data(), part.group->floats_of(row), row_.size());
    if (score < best.threshold()) continue;
    const ScoredEvent event{position_of(part, row), score};
    if (best.would_take(event) && (!filter || filter(event.position))) best.add({event, &part, row});
  }
}

// About how much of the rows in the view the filter lets through.
double VectorSearch::share_of(const Part& part, const Filter& filter) const {
  if (!filter) return 1;
  const uint32_t asked = std::min(kSample, part.rows);
  uint32_t passed = 0;
  for (uint32_t i = 0; i < asked; i++) {
    const auto row = static_cast<uint32_t>(uint64_t{part.rows} * i / asked);
    passed += filter(position_of(part, row)) ? 1 : 0;
  }
  return static_cast<double>(passed) / asked;
}

// False when a scan is to be made instead.
bool VectorSearch::walk(const Part& part, const Filter& filter, size_t most, Candidates& best) const {
  if (part.piece->graph == nullptr || part.piece->graph_dimension != dimension_) return false;
  VectorGraph::Walk walk;
  walk.query = codes_.data();
  walk.most = most + most / 2 + 64;
  walk.rows = part.rows;
  // What a scan would cost, in rows looked at by a walk.
  const double scan_cost = part.rows / costs_.look;
  const double visible = static_cast<double>(part.rows) / part.group->count;
  const auto needed = [&](double share) { return static_cast<double>(walk.most) * costs_.looks / share; };
  if (needed(visible) > scan_cost) return false;
  const double share = visible * share_of(part, filter);
  if (share <= 0 || needed(share) > scan_cost) return false;
  walk.budget = static_cast<size_t>(kBudget * scan_cost);
  if (filter) walk.filter = [&](uint32_t row) { return filter(position_of(part, row)); };
  const auto found = part.piece->graph->walk(*part.group, walk);
  if (!found) return false;
  walked_ = true;
  for (const VectorGraph::Near& near : *found) {
    const ScoredEvent event{position_of(part, near.row), near.score};
    if (best.would_take(event)) best.add({event, &part, near.row});
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
