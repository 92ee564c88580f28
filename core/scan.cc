// Finding the events of a view that match, by looking at few that do not.
//
// Every item of a MATCH names lists of positions that the view has at hand: any of its tags' lists holds all its
// matches, and so do the lists of its streams together, and those of its types together.  The shortest of these
// choices is taken for each item, counted within the range of the scan; an item that has only a stream prefix
// needs every position.  The lists taken are merged in order of position:
//
//   item 1, tag "customer:3"      3 ------- 90 -------------- 412
//   item 2, types A, B            7 -- 31         ...   398
//   candidates                    3  7  31  90    ...   398   412     each once, each checked against the whole filter
//
// Times cost nothing per event: recorded_at never decreases with position, so `since` and `until` are bounds on
// the position, found by one binary search each.  Getting to the first candidate is a binary search in each list.
#include "core/scan.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

namespace chronos {
namespace {

// Both included; empty when first > last.
struct Range {
  uint64_t first = 1;
  uint64_t last = 0;
};

Range range_of(const View& view, const EventFilter& filter, Order order, Position from) {
  Range range{1, view.head().value};
  if (from.value != 0 && order == Order::kAscending) range.first = from.value;
  if (from.value != 0 && order == Order::kDescending) range.last = std::min(range.last, from.value);
  if (filter.since && filter.since->value > std::numeric_limits<int64_t>::min()) {
    range.first = std::max(range.first, view.position_at(Timestamp{filter.since->value - 1}).value + 1);
  }
  if (filter.until) range.last = std::min(range.last, view.position_at(*filter.until).value);
  return range;
}

// The part of a list that lies in a range, walked from one end.
struct Run {
  PositionList list;
  size_t begin = 0;
  size_t end = 0;
  size_t size() const { return end - begin; }
};

Run run_of(PositionList list, Range range) {
  Run run{std::move(list), 0, 0};
  run.begin = run.list.rank(Position{range.first - 1});
  run.end = std::max(run.begin, run.list.rank(Position{range.last}));
  return run;
}

// Lists that together hold everything an item can match.
struct Choice {
  std::vector<Run> runs;
  size_t size = std::numeric_limits<size_t>::max();

  void offer(std::vector<Run> other) {
    size_t other_size = 0;
    for (const Run& run : other) other_size += run.size();
    if (other_size >= size) return;
    size = other_size;
    runs = std::move(other);
  }
};

// Nothing when the item leaves no choice but every position.
std::optional<Choice> choose(const View& view, const MatchItem& item, Range range) {
  if (item.tags.empty() && item.streams.empty() && item.types.empty()) return std::nullopt;
  Choice choice;
  std::vector<Run> runs;
  for (const std::string& tag : item.tags) {
    runs.push_back(run_of(view.tag(tag), range));
    choice.offer(std::exchange(runs, {}));
  }
  for (const std::string& stream : item.streams) runs.push_back(run_of(view.stream(stream), range));
  if (!item.streams.empty()) choice.offer(std::exchange(runs, {}));
  for (const std::string& type : item.types) runs.push_back(run_of(view.type(type), range));
  if (!item.types.empty()) choice.offer(std::move(runs));
  return choice;
}

}  // namespace

// The positions worth looking at, in order, each once.
class Candidates {
  struct Next {
    uint64_t position;
    size_t run;
  };
  auto later() const {
    return [this](const Next& a, const Next& b) {
      return order_ == Order::kAscending ? a.position > b.position : a.position < b.position;
    };
  }

 public:
  Candidates(const View& view, const std::string& stream, const Match& match, Order order, Range range)
      : order_(order), range_(range) {
    if (range.first > range.last) return;
    if (!stream.empty()) {
      add(run_of(view.stream(stream), range));
      return;
    }
    has_all_ = match.empty();
    for (const MatchItem& item : match) {
      auto choice = choose(view, item, range);
      if (!choice) {
        has_all_ = true;
        heap_.clear();
        return;
      }
      for (Run& run : choice->runs) add(std::move(run));
    }
  }

  // Position{0} after the last one.
  Position peek() const {
    if (!has_all_) return Position{heap_.empty() ? 0 : heap_.front().position};
    if (range_.first > range_.last) return Position{0};
    return Position{order_ == Order::kAscending ? range_.first : range_.last};
  }

  // Requires: peek() is a position.
  void advance() {
    if (has_all_) {
      if (order_ == Order::kAscending) range_.first++;
      if (order_ == Order::kDescending) range_.last--;
      return;
    }
    const uint64_t done = heap_.front().position;
    while (!heap_.empty() && heap_.front().position == done) {
      std::pop_heap(heap_.begin(), heap_.end(), later());
      const size_t run = heap_.back().run;
      heap_.pop_back();
      push_next_of(run);
    }
  }

 private:
  void add(Run run) {
    if (run.size() == 0) return;
    runs_.push_back(std::move(run));
    push_next_of(runs_.size() - 1);
  }
  void push_next_of(size_t index) {
    Run& run = runs_[index];
    if (run.size() == 0) return;
    const size_t i = order_ == Order::kAscending ? run.begin++ : --run.end;
    heap_.push_back({run.list[i].value, index});
    std::push_heap(heap_.begin(), heap_.end(), later());
  }

  Order order_;
  Range range_;           // of what is still to come, when every position is a candidate
  bool has_all_ = false;  // every position is a candidate
  std::vector<Run> runs_;
  std::vector<Next> heap_;  // the next position of each run that has one
};

EventScan::EventScan(const View& view, const EventFilter& filter, Order order, Position from)
    : view_(view),
      filter_(filter),
      candidates_(std::make_unique<Candidates>(view, filter.stream, filter.match, order,
                                               range_of(view, filter, order, from))) {}

EventScan::~EventScan() = default;

std::optional<Event> EventScan::next() {
  for (;;) {
    const Position position = candidates_->peek();
    if (position.value == 0) return std::nullopt;
    if (examined_ >= budget_) {
      out_of_budget_ = true;
      resume_ = position;
      return std::nullopt;
    }
    examined_++;
    candidates_->advance();
    Event event = view_.at(position);
    if (accepts(event)) return event;
  }
}

void EventScan::set_budget(uint64_t max_examined) {
  budget_ = max_examined;
  examined_ = 0;
  out_of_budget_ = false;
}

// Stream and recorded_at are right already.
bool EventScan::accepts(const Event& event) const {
  if (!matches(filter_.match, event)) return false;
  if (filter_.valid_since && event.valid_at() < *filter_.valid_since) return false;
  if (filter_.valid_until && event.valid_at() > *filter_.valid_until) return false;
  return filter_.where.empty() || matches(filter_.where, ValidJson::trusted(event.data()));
}

std::vector<Position> find_matches(const View& view, const Match& match, Position after, size_t limit) {
  std::vector<Position> found;
  const Range range{after.value + 1, view.head().value};
  Candidates candidates(view, "", match, Order::kAscending, range);
  for (; found.size() < limit; candidates.advance()) {
    const Position position = candidates.peek();
    if (position.value == 0) break;
    if (matches(match, view.at(position))) found.push_back(position);
  }
  return found;
}

}  // namespace chronos
