// A rule that few events fulfil is made a bitmap, from the lists of positions that the view has of its streams, types
// and tags: a search would else read very many events to find ten that do.  One that many fulfil is looked at event by
// event, since a search asks of few: only of those that would be among its results.
#include "search/event_selection.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace chronos {
namespace {

constexpr uint64_t kFew = 8;  // a bitmap is made of rules that at most this part of the events fulfil

// Lists that together hold every event an item can match.
struct Lists {
  std::vector<PositionList> lists;
  uint64_t size = std::numeric_limits<uint64_t>::max();

  void offer(std::vector<PositionList> others) {
    uint64_t others_size = 0;
    for (const PositionList& list : others) others_size += list.size();
    if (others_size >= size) return;
    size = others_size;
    lists = std::move(others);
  }
};

// The shortest choice; none when the item has no names to look up.
Lists lists_of(const View& view, const MatchItem& item) {
  Lists choice;
  for (const std::string& tag : item.tags) choice.offer({view.tag(tag)});
  std::vector<PositionList> lists;
  lists.reserve(item.streams.size() + item.types.size());
  for (const std::string& stream : item.streams) lists.push_back(view.stream(stream));
  if (!item.streams.empty()) choice.offer(std::exchange(lists, {}));
  for (const std::string& type : item.types) lists.push_back(view.type(type));
  if (!item.types.empty()) choice.offer(std::move(lists));
  return choice;
}

uint64_t most_matches(const View& view, const Match& match) {
  uint64_t most = 0;
  for (const MatchItem& item : match) {
    const uint64_t size = lists_of(view, item).size;
    if (size > view.head().value) return std::numeric_limits<uint64_t>::max();
    most += size;
  }
  return most;
}

// Whether its lists hold nothing but what it matches.
bool is_list(const MatchItem& item) {
  return item.stream_prefix.empty() && item.tags.size() <= 1 &&
         (item.tags.empty() ? 0 : 1) + (item.streams.empty() ? 0 : 1) + (item.types.empty() ? 0 : 1) == 1;
}

Match one_item(std::vector<std::string> types, std::vector<std::string> streams, std::vector<std::string> tags) {
  MatchItem item;
  item.types = std::move(types);
  item.streams = std::move(streams);
  item.tags = std::move(tags);
  return {item};
}

}  // namespace

EventSelection::EventSelection(const View& view, const SelectionRules& rules) : view_(view), last_(view.head()) {
  if (rules.since && rules.since->value > std::numeric_limits<int64_t>::min()) {
    first_ = Position{view.position_at(Timestamp{rules.since->value - 1}).value + 1};
  }
  if (rules.until) last_ = std::min(last_, view.position_at(*rules.until));
  if (!rules.match.empty()) all_of_.push_back(rules.match);
  if (!rules.only.empty()) all_of_.push_back(one_item(rules.only.types, rules.only.streams, rules.only.tags));
  if (!rules.never.types.empty()) none_of_.push_back(one_item(rules.never.types, {}, {}));
  if (!rules.never.streams.empty()) none_of_.push_back(one_item({}, rules.never.streams, {}));
  for (const std::string& tag : rules.never.tags) none_of_.push_back(one_item({}, {}, {tag}));
  if (first_ <= last_) choose();
}

void EventSelection::choose() {
  const Match* fewest = nullptr;
  uint64_t least = (last_.value - first_.value + 1) / kFew;
  for (const Match& match : all_of_) {
    const uint64_t most = most_matches(view_, match);
    if (most > least) continue;
    least = most;
    fewest = &match;
  }
  if (fewest != nullptr) fill(*fewest);
}

void EventSelection::fill(const Match& match) {
  bits_.resize((last_.value - first_.value) / 64 + 1);
  for (const MatchItem& item : match) {
    for (const PositionList& list : lists_of(view_, item).lists) {
      const size_t end = list.rank(last_);
      for (size_t i = list.rank(Position{first_.value - 1}); i < end; i++) {
        const uint64_t bit = list[i].value - first_.value;
        bits_[bit / 64] |= uint64_t{1} << bit % 64;
      }
    }
  }
  are_bits_enough_ = all_of_.size() == 1 && none_of_.empty() && std::all_of(match.begin(), match.end(), is_list);
}

bool EventSelection::has(Position position) const {
  if (!bits_.empty()) {
    const uint64_t bit = position.value - first_.value;
    if ((bits_[bit / 64] >> bit % 64 & 1) == 0) return false;
    if (are_bits_enough_) return true;
  }
  if (is_span()) return true;
  const Event event = view_.at(position);
  const auto does_match = [&event](const Match& match) { return matches(match, event); };
  return std::all_of(all_of_.begin(), all_of_.end(), does_match) &&
         std::none_of(none_of_.begin(), none_of_.end(), does_match);
}

}  // namespace chronos
