#include "search/neighbours.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

namespace chronos {
namespace {

constexpr size_t kReach = 2;  // events on either side

class Smoother {
 public:
  Smoother(const View& view, const KeywordSearch& search, float weight)
      : view_(view), search_(search), weight_(weight) {}

  void know(const ScoredEvent& event) { scores_.emplace(event.position.value, event.score); }

  // Adds the event and those near it, each once over all calls.
  void add_around(Position position, std::vector<ScoredEvent>& to) {
    const Event event = view_.at(position);
    const auto [entry, is_new] = streams_.try_emplace(std::string(event.stream()));
    if (is_new) entry->second = view_.stream(event.stream());
    const PositionList& stream = entry->second;
    const size_t middle = event.version().value - 1;
    const size_t last = std::min(stream.size() - 1, middle + kReach);
    for (size_t i = middle - std::min(middle, kReach); i <= last; i++) {
      const Position each = stream[i];
      if (smoothed_.emplace(each.value, true).second) to.push_back({each, smoothed(stream, i)});
    }
  }

 private:
  float at(const PositionList& stream, size_t i) {
    if (i >= stream.size()) return 0;
    const Position position = stream[i];
    const auto [entry, is_new] = scores_.try_emplace(position.value, 0.0F);
    if (is_new) entry->second = search_.score(position);
    return entry->second;
  }
  // Before the first event there are none: i - 1 is then a number beyond every stream.
  float smoothed(const PositionList& stream, size_t i) {
    const float near = at(stream, i - 1) + at(stream, i + 1);
    const float far = at(stream, i - 2) + at(stream, i + 2);
    return at(stream, i) + weight_ * (near + far / 2.0F);
  }

  const View& view_;
  const KeywordSearch& search_;
  const float weight_;
  std::unordered_map<uint64_t, float> scores_;  // by position
  std::unordered_map<uint64_t, bool> smoothed_;
  std::unordered_map<std::string, PositionList> streams_;
};

}  // namespace

std::vector<ScoredEvent> smooth(const View& view, const KeywordSearch& search, const std::vector<ScoredEvent>& found,
                                float weight, size_t most, const KeywordSearch::Filter& filter) {
  Smoother smoother(view, search, weight);
  for (const ScoredEvent& event : found) smoother.know(event);
  std::vector<ScoredEvent> around;
  for (const ScoredEvent& event : found) smoother.add_around(event.position, around);
  std::sort(around.begin(), around.end(), comes_before);
  std::vector<ScoredEvent> kept;
  for (const ScoredEvent& event : around) {
    if (kept.size() == most) break;
    if (filter == nullptr || filter(event.position)) kept.push_back(event);
  }
  return kept;
}

}  // namespace chronos
