#include "tools/event_page.h"

#include <algorithm>
#include <optional>
#include <string>

namespace chronos {
namespace {

constexpr uint64_t kBudgetStep = 100'000;  // events looked at between two looks at `cancelled`
constexpr size_t kRoomForTheRest = 300;    // the members of an answer beside the events

// The matching events, looking no further than a budget.
class BudgetedScan {
 public:
  BudgetedScan(const View& view, const EventFilter& filter, const PageRequest& request,
               const std::stop_token& cancelled)
      : scan_(view, filter, request.order, request.from), left_(request.budget), cancelled_(cancelled) {
    grant();
  }

  // Nullopt at the end of the history or of the budget.
  Result<std::optional<Event>> next() {
    for (;;) {
      auto event = scan_.next();
      if (event || !scan_.out_of_budget() || left_ == 0) return event;
      if (cancelled_.stop_requested()) return Error{Code::kUnavailable, "cancelled: call again to go on", ""};
      grant();
    }
  }

  bool out_of_budget() const { return scan_.out_of_budget(); }
  Position resume() const { return scan_.resume(); }

 private:
  void grant() {
    const uint64_t step = std::min(left_, kBudgetStep);
    left_ -= step;
    scan_.set_budget(step);
  }

  EventScan scan_;
  uint64_t left_;  // of the budget, not granted to the scan yet
  const std::stop_token& cancelled_;
};

Result<PageEnd> write_events(JsonWriter& json, BudgetedScan& scan, const PageRequest& request) {
  for (uint64_t count = 0;; count++) {
    const auto event = scan.next();
    if (!event) return event.error();
    if (!event->has_value()) break;
    const Position position = (*event)->position();
    if (count == request.limit) return PageEnd{"limit", position};
    std::string text;
    append_event(text, **event, request.detail);
    const size_t size = json.size() + text.size() + kRoomForTheRest;
    if (count > 0 && size > request.size.most_bytes) return PageEnd{request.size.cut, position};
    json.next() += text;
  }
  return scan.out_of_budget() ? PageEnd{"time", scan.resume()} : PageEnd{};
}

}  // namespace

Result<PageEnd> write_page(JsonWriter& json, const View& view, const EventFilter& filter, const PageRequest& request,
                           const std::stop_token& cancelled) {
  BudgetedScan scan(view, filter, request, cancelled);
  json.begin_array();
  const auto end = write_events(json, scan, request);
  json.end_array();
  return end;
}

}  // namespace chronos
