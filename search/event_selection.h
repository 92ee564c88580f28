// Which events of a view may be among the results of a search, whatever they score: those in a span of time that match.
//
// One thread.  Requires: the View it was made for outlives it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/condition.h"
#include "core/types.h"
#include "core/view.h"
#include "search/search_query.h"

namespace chronos {

struct SelectionRules {
  Match match;                     // empty: any
  std::optional<Timestamp> since;  // recorded_at >= since
  std::optional<Timestamp> until;  // recorded_at <= until
  SearchQuery::Names only;
  SearchQuery::Names never;
};

class EventSelection {
 public:
  EventSelection(const View& view, const SelectionRules& rules);

  // Nothing before the first or after the last position is selected; nothing at all when first > last.
  Position first() const { return first_; }
  Position last() const { return last_; }
  // Whether that is all there is to it.
  bool is_span() const { return all_of_.empty() && none_of_.empty(); }
  // Of the positions from first() to last(), those that may be selected; empty when that is not known beforehand.
  std::span<const uint64_t> bits() const { return bits_; }
  // Whether first(), last() and bits() are all there is to it.
  bool is_bits() const { return !bits_.empty() && are_bits_enough_; }
  // Requires: position is from first() to last().
  bool has(Position position) const;

 private:
  void choose();
  void fill(const Match& match);

  const View& view_;
  Position first_{1};
  Position last_;
  std::vector<Match> all_of_;  // each must match
  std::vector<Match> none_of_;
  std::vector<uint64_t> bits_;  // of the positions from first_ on, where one of all_of_ may match; empty: not made
  bool are_bits_enough_ = false;
};

}  // namespace chronos
