// Walks the events of a view that match, in order of position, reading as little as the indexes allow.
#pragma once

#include <atomic>
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

  // The next matching event, or nullopt at the end or when more than `max_examined` events were looked at since
  // the last call that asked for the budget to be renewed.
  std::optional<Event> next();

  // True when next() returned nullopt because the budget was used up; resume() is where to go on.
  bool out_of_budget() const { return out_of_budget_; }
  Position resume() const { return resume_; }
  void set_budget(uint64_t max_examined) { budget_ = max_examined; }

 private:
  class Candidates;
  bool accepts(const Event& event) const;
  const View& view_;
  const EventFilter& filter_;
  std::unique_ptr<Candidates> candidates_;
  uint64_t budget_ = UINT64_MAX;
  bool out_of_budget_ = false;
  Position resume_;
};

// The positions, ascending, of the first `limit` events in (after, view.head()] that match.
std::vector<Position> find_matches(const View& view, const Match& match, Position after, size_t limit);

}  // namespace chronos
