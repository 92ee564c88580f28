// The vectors of a view that point where a query does: by cosine, exactly or for all practical purposes so.
//
// Three ways, which answer alike.  A scan looks at the bytes of every vector and at the floats of the best of them; a
// walk takes the best of them from a graph, where there is one and the scan would cost more; an exact scan looks at
// all floats.  Scores are always those of the floats, so they do not depend on the way, nor on how the vectors lie in
// segments; the results of a scan do not either.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/types.h"
#include "search/keyword_search.h"
#include "search/vector_graph.h"
#include "search/vector_segment.h"

namespace chronos {

// The segments of a view, in order of position.
struct VectorPiece {
  std::shared_ptr<const VectorSegment> segment;
  std::shared_ptr<const VectorGraph> graph;  // over the group `graph_dimension` of the segment; may be null
  uint32_t graph_dimension = 0;
  uint32_t cut = 0;  // how many of its events are in the view; at least one
};

// Which events of the view may be among the results.
struct VectorSelection {
  using Filter = std::function<bool(Position)>;
  // Nothing before the first or after the last.
  Position first{1};
  Position last{UINT64_MAX};
  std::span<const uint64_t> bits;  // one for each position from `first` to `last` in the view; none: all of them
  Filter filter;                   // asked only of what would be among the results, or on the way to them; null: all
};

// By what a walk is taken instead of a scan: as bench/vectors.cc measures them.
struct VectorCosts {
  double looks = 15;  // rows that a walk looks at for each that it keeps
  double look = 7.5;  // what one costs, where a row of a scan costs 1
  double picked = 2;  // what a row costs in a scan of those alone that have a bit
};

struct VectorQuery {
  std::vector<float> vector;
  bool exact = false;  // look at all floats
  VectorCosts costs = {};
};

// A query in a view.  One thread.
class VectorSearch {
 public:
  // kInvalidArgument for a vector that no vector of the view can be compared with: empty, zero, not finite, or of
  // another dimension than any in the view (none in the view at all is no mistake: nothing is found).
  static Result<VectorSearch> make(std::vector<VectorPiece> pieces, const VectorQuery& query);

  using Filter = VectorSelection::Filter;
  // The best `most` events by cosine, -1 to 1.
  std::vector<ScoredEvent> best(size_t most, const VectorSelection& selection) const;
  std::vector<ScoredEvent> best(size_t most, const Filter& filter) const {
    VectorSelection selection;
    selection.filter = filter;
    return best(most, selection);
  }
  // The cosine of any event of the view; nothing when it has no vector of this dimension.
  std::optional<float> score(Position position) const;

  // How many vectors of this dimension the view has.
  uint64_t vectors() const { return vectors_; }
  // Whether best() may have missed some: it walked a graph.
  bool is_approximate() const { return walked_; }

 private:
  struct Part {  // of a piece
    const VectorPiece* piece;
    const VectorSegment::Group* group;
    uint32_t rows;  // in the view
  };
  class Candidates;
  class Rows;
  VectorSearch() = default;
  Result<void> take(const std::vector<float>& vector);
  Result<void> find_parts();
  Position position_of(const Part& part, uint32_t row) const {
    return Position{part.piece->segment->base().value + part.group->events[row] + 1};
  }
  std::vector<const Part*> largest_first() const;
  void scan(const Rows& rows, Candidates& best) const;
  bool walk(const Rows& rows, size_t most, Candidates& best) const;
  void scan_floats(const Rows& rows, Candidates& best) const;
  std::vector<ScoredEvent> in_floats(const Candidates& best, size_t most) const;

  std::vector<VectorPiece> pieces_;
  std::vector<Part> parts_;
  std::vector<float> row_;     // the query, length 1
  std::vector<int8_t> codes_;  // the same in bytes
  float scale_ = 0;            // of the codes
  uint32_t dimension_ = 0;
  bool exact_ = false;
  VectorCosts costs_;
  uint64_t vectors_ = 0;
  mutable bool walked_ = false;
};

}  // namespace chronos
