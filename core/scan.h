// Walks the events of a view that match, in order of position, reading as little as the indexes allow.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/condition.h"
#include "core/field_filter.h"
#include "core/types.h"
#include "core/view.h"

namespace chronos {

class Candidates;

// All members given must hold.
struct EventFilter {
  std::string stream;  // empty: any
  Match match;         // empty: any
  std::optional<Timestamp> since;  // recorded_at >= since
  std::optional<Timestamp> until;  // recorded_at <= until
  std::optional<Timestamp> valid_since;
  std::optional<Timestamp> valid_until;
  std::vector<FieldFilter> where;
};

enum class Order { kAscending, kDescending };

// One pass, one thread.  Requires: view and filter outlive it.
class EventScan {
 public:
  // Starts at `from` (inclusive); Position{0} means at the beginning, or at the end when descending.
  EventScan(const View& view, const EventFilter& filter, Order order, Position from);
  ~EventScan();

  // The next matching event; nullopt at the end, or when the budget is used up before one was found.
  std::optional<Event> next();

  // Allows this many more events to be looked at, whether they match or not; without it there is no limit.
  void set_budget(uint64_t max_examined);
  // True when next() returned nullopt because the budget was used up: go on after set_budget(), or with a new
  // scan from resume(), the first position not looked at.
  bool out_of_budget() const { return out_of_budget_; }
  Position resume() const { return resume_; }

 private:
  bool accepts(const Event& event) const;
  const View& view_;
  const EventFilter& filter_;
  std::unique_ptr<Candidates> candidates_;
  uint64_t budget_ = UINT64_MAX;
  uint64_t examined_ = 0;  // since the budget was set
  bool out_of_budget_ = false;
  Position resume_;
};

// The positions, ascending, of the first `limit` events in (after, view.head()] that match.
std::vector<Position> find_matches(const View& view, const Match& match, Position after, size_t limit);

}  // namespace chronos
