// compare: what differs between two moments of one history, or between two forks.
//
// Two views share everything up to their common ancestor, so only what lies after it on either side is looked at: the
// streams that got events there are counted, and only those are folded, twice each, to see whether their state
// differs.  When few events lie after the ancestor they are walked; when many do, every stream is asked how many of its
// events are later (a binary search in its positions), which costs by streams and not by events.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/state.h"
#include "tools/address.h"
#include "tools/arguments.h"
#include "tools/cursor.h"
#include "tools/event_text.h"
#include "tools/json_writer.h"
#include "tools/missing_stream.h"
#include "tools/page_size.h"
#include "tools/schema_text.h"
#include "tools/table.h"

namespace chronos {
namespace {

constexpr std::string_view kDescription =
    "What differs between two moments of one history, or between two forks. With stream: the fields of its state that "
    "differ and the events in between. Without: where the two histories part, how many events each side has since then "
    "by stream and type, and the streams whose state differs. Use it to catch up since the last look ({\"left\":"
    "{\"as_of\":1042}} compares position 1042 with now), to check what a change did, or before deciding between forks. "
    "Do not use it to read one moment, get_state and query_events do that.";

constexpr std::string_view kInput = R"({
  "type": "object", "additionalProperties": false, "required": ["left"],
  "properties": {
    "left": {"description": "One moment, usually the earlier one.", @side},
    "right": {"description": "The other moment, the fork of left as it is now when absent.", @side},
    "stream": {
      "type": "string", "minLength": 1, "maxLength": 256,
      "description": "Compare only this stream, field by field."},
    "limit": {
      "type": "integer", "minimum": 1, "maximum": 1000,
      "description": "Events, or changed streams, per page, 50 when absent."},
    @detail, @cursor}})";

constexpr std::string_view kOutput = R"({
  "type": "object", "required": ["left_at", "at"],
  "properties": {
    "differences": {
      "type": "array",
      "description": "Fields of the state that differ, by path. A side without the field is absent.",
      "items": {
        "type": "object", "required": ["path"],
        "properties": {
          "path": {"type": "string", "description": "JSON Pointer into the state."},
          "left": {"description": "Its value on the left.", @any},
          "right": {"description": "Its value on the right.", @any},
          "shortened": {
            "type": "array",
            "items": {"type": "string"},
            "description": "JSON Pointers of strings cut here."}}}},
    "events": {
      "type": "array", "description": "The events of the stream that only one side has.",
      "items": {
        "type": "object", "required": [@event_required, "side"],
        "properties": {
          @event_members,
          "side": {"type": "string", "enum": ["left", "right"], "description": "Which side has it."}}}},
    "ancestor": {
      "type": "object", "required": ["fork", "position"], "description": "Up to here both sides are the same.",
      "properties": {
        "fork": {"type": "string", "description": "The fork that owns it."},
        "position": {"description": "The position.", @position}}},
    "left_only": {"description": "Events after the ancestor on the left.", @tally},
    "right_only": {"description": "Events after the ancestor on the right.", @tally},
    "changed": {
      "type": "array", "description": "Streams whose state differs, by name.",
      "items": {
        "type": "object", "required": ["stream", "left_version", "right_version"],
        "properties": {
          "stream": {"type": "string", "description": "The stream."},
          "left_version": {"description": "Its version on the left, 0 when it is not there.", @count},
          "right_version": {"description": "Its version on the right.", @count}}}},
    @next_cursor,
    "cut": {
      "type": "string", "enum": ["limit", "max_tokens", "bytes", "time"],
      "description": "Why there is a next_cursor."},
    "left_at": {"description": "Where left was read.", @address},
    "at": {"description": "Where right was read.", @address}}})";

constexpr uint64_t kDefaultLimit = 50;
constexpr size_t kTallied = 50;
constexpr uint64_t kWalkAtMost = 50'000;   // events after the ancestor; above it streams are counted instead
constexpr uint64_t kFoldAtMost = 500'000;  // events folded in one call

struct Sides {
  View left;
  View right;
  Position ancestor;  // up to which both see the same
  std::string ancestor_fork;
};

struct Request {
  Sides sides;
  uint64_t limit = kDefaultLimit;
  Detail detail = Detail::kSummary;
  PageSize size;
  uint64_t question = 0;
  uint64_t skip = 0;  // what pages before this one showed
};

Result<Sides> read_sides(const Store& store, const ArgumentsView& arguments) {
  const ArgumentsView left_side = arguments.object("left");
  auto left = read_view(store, left_side);
  if (!left) return Error{left.error().code, "left: " + left.error().message, left.error().details};
  const nlohmann::json same_fork = {{"fork", left_side.text("fork", "main")}};
  auto right = read_view(store, arguments.has("right") ? arguments.object("right") : ArgumentsView(same_fork));
  if (!right) return Error{right.error().code, "right: " + right.error().message, right.error().details};
  return Sides{*std::move(left), *std::move(right), {}, {}};
}

Result<Request> read_request(const Store& store, const ArgumentsView& arguments) {
  auto sides = read_sides(store, arguments);
  if (!sides) return sides.error();
  Request request{.sides = *std::move(sides),
                  .limit = arguments.integer("limit", kDefaultLimit),
                  .detail = read_detail(arguments),
                  .size = page_size(arguments),
                  .question = question_digest("compare", arguments)};
  if (arguments.has("cursor")) {
    const auto numbers = read_cursor(arguments.text("cursor"), 3, request.question);
    if (!numbers) return numbers.error();
    auto left = pinned(request.sides.left, (*numbers)[0]);
    if (!left) return left.error();
    auto right = pinned(request.sides.right, (*numbers)[1]);
    if (!right) return right.error();
    request.sides.left = *std::move(left);
    request.sides.right = *std::move(right);
    request.skip = (*numbers)[2];
  }
  const auto ancestor = request.sides.left.common_ancestor(request.sides.right);
  request.sides.ancestor = ancestor.position;
  request.sides.ancestor_fork = ancestor.fork;
  return request;
}

void write_cut(JsonWriter& json, const Request& request, uint64_t next, std::string_view why) {
  json.key("next_cursor")
      .string(make_cursor({request.sides.left.head().value, request.sides.right.head().value, next}, request.question));
  json.key("cut").string(why);
}

// --- one stream ---

void write_side(JsonWriter& json, std::string_view side, const std::string& value, Detail detail,
                std::vector<std::string>& shortened) {
  if (value.empty()) return;
  json.key(side);
  if (detail == Detail::kFull) {
    json.raw(value);
    return;
  }
  std::vector<std::string> inside;
  write_shortened(json, value, inside);
  for (const std::string& pointer : inside) shortened.push_back("/" + std::string(side) + pointer);
}

void write_differences(JsonWriter& json, const State& left, const State& right, Detail detail) {
  json.key("differences").begin_array();
  for (const State::Difference& difference : State::compare(left, right)) {
    std::vector<std::string> shortened;
    json.begin_object().key("path").string(difference.path);
    write_side(json, "left", difference.left, detail, shortened);
    write_side(json, "right", difference.right, detail, shortened);
    if (!shortened.empty()) {
      json.key("shortened").begin_array();
      for (const std::string& pointer : shortened) json.string(pointer);
      json.end_array();
    }
    json.end_object();
  }
  json.end_array();
}

State whole_state(StateCache& states, const PositionList& stream) {
  return states.fold(stream, Version{static_cast<uint32_t>(stream.size())});
}

// The events of either side after the ancestor, left's first, from the one numbered request.skip on.
void write_events_between(JsonWriter& json, const Request& request, const PositionList& left,
                          const PositionList& right) {
  const size_t left_shared = left.rank(request.sides.ancestor);
  const size_t right_shared = right.rank(request.sides.ancestor);
  const size_t left_count = left.size() - left_shared;
  const size_t total = left_count + right.size() - right_shared;
  json.key("events").begin_array();
  std::string_view cut;
  uint64_t next = request.skip;
  for (; next < total; next++) {
    const bool on_left = next < left_count;
    const Event event = on_left ? left.event(left_shared + next) : right.event(right_shared + next - left_count);
    std::string text;
    JsonWriter one(text);
    one.begin_object();
    write_event_members(one, event, request.detail);
    one.key("side").string(on_left ? "left" : "right");
    one.end_object();
    if (next == request.skip + request.limit) cut = "limit";
    if (next > request.skip && json.size() + text.size() > request.size.most_bytes) cut = request.size.cut;
    if (!cut.empty()) break;
    json.next() += text;
  }
  json.end_array();
  if (!cut.empty()) write_cut(json, request, next, cut);
}

Result<void> compare_stream(StateCache& states, const Request& request, const std::string& stream, JsonWriter& json) {
  const PositionList left = request.sides.left.stream(stream);
  const PositionList right = request.sides.right.stream(stream);
  if (left.empty() && right.empty()) return no_such_stream(request.sides.right, stream);
  write_differences(json, whole_state(states, left), whole_state(states, right), request.detail);
  write_events_between(json, request, left, right);
  return {};
}

// --- everything ---

using Counts = std::map<std::string, uint64_t, std::less<>>;

struct Tally {
  uint64_t events = 0;
  Counts streams;
  Counts types;
};

void count(Counts& counts, std::string_view name, uint64_t more) {
  const auto found = counts.find(name);
  if (found != counts.end()) {
    found->second += more;
  } else {
    counts.emplace(name, more);
  }
}

Tally tally_after(const View& view, Position ancestor) {
  Tally tally;
  tally.events = view.head().value - ancestor.value;
  if (tally.events <= kWalkAtMost) {
    for (uint64_t p = ancestor.value + 1; p <= view.head().value; p++) {
      const Event event = view.at(Position{p});
      count(tally.streams, event.stream(), 1);
      count(tally.types, event.type(), 1);
    }
    return tally;
  }
  const auto later = [&](Counts& counts) {
    return [&counts, ancestor](std::string_view name, const PositionList& events) {
      const size_t after = events.size() - events.rank(ancestor);
      if (after > 0) count(counts, name, after);
    };
  };
  view.for_each_stream(later(tally.streams));
  view.for_each_type(later(tally.types));
  return tally;
}

void write_counts(JsonWriter& json, const Counts& counts, std::string_view name, std::string_view more) {
  std::vector<std::pair<std::string_view, uint64_t>> most(counts.begin(), counts.end());
  std::stable_sort(most.begin(), most.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  json.key(name).begin_object();
  for (size_t i = 0; i < most.size() && i < kTallied; i++) {
    std::string quoted;
    append_json_string(quoted, most[i].first);
    json.key(std::string_view(quoted).substr(1, quoted.size() - 2)).integer(most[i].second);
  }
  json.end_object();
  if (most.size() > kTallied) json.key(more).integer(most.size() - kTallied);
}

void write_tally(JsonWriter& json, std::string_view name, const Tally& tally) {
  json.key(name).begin_object();
  json.key("events").integer(tally.events);
  write_counts(json, tally.streams, "streams", "more_streams");
  write_counts(json, tally.types, "types", "more_types");
  json.end_object();
}

// The streams whose state differs, from the one numbered request.skip of `touched` on.
Result<void> write_changed(CallContext& context, const Request& request, const std::vector<std::string_view>& touched,
                           JsonWriter& json) {
  json.key("changed").begin_array();
  uint64_t shown_streams = 0;
  StateCache& states = context.store->states();
  uint64_t folded = 0;
  std::string_view cut;
  uint64_t next = request.skip;
  for (; next < touched.size(); next++) {
    if (context.cancelled.stop_requested()) return Error{Code::kUnavailable, "cancelled", ""};
    const PositionList left = request.sides.left.stream(touched[next]);
    const PositionList right = request.sides.right.stream(touched[next]);
    if (shown_streams == request.limit) cut = "limit";
    if (json.size() > request.size.most_bytes) cut = request.size.cut;
    if (folded > 0 && folded + left.size() + right.size() > kFoldAtMost) cut = "time";
    if (!cut.empty()) break;
    folded += left.size() + right.size();
    const bool on_one_side = left.empty() != right.empty();
    if (!on_one_side && whole_state(states, left) == whole_state(states, right)) continue;
    json.begin_object();
    json.key("stream").string(touched[next]);
    json.key("left_version").integer(left.size());
    json.key("right_version").integer(right.size());
    json.end_object();
    shown_streams++;
  }
  json.end_array();
  if (!cut.empty()) write_cut(json, request, next, cut);
  return {};
}

Result<void> compare_everything(CallContext& context, const Request& request, JsonWriter& json) {
  const Tally left = tally_after(request.sides.left, request.sides.ancestor);
  const Tally right = tally_after(request.sides.right, request.sides.ancestor);
  json.key("ancestor").begin_object();
  json.key("fork").string(request.sides.ancestor_fork);
  json.key("position").integer(request.sides.ancestor.value);
  json.end_object();
  write_tally(json, "left_only", left);
  write_tally(json, "right_only", right);
  std::set<std::string_view> names;
  for (const auto& [name, events] : left.streams) names.insert(name);
  for (const auto& [name, events] : right.streams) names.insert(name);
  return write_changed(context, request, {names.begin(), names.end()}, json);
}

Result<std::string> call(CallContext& context, ValidJson text) {
  static const Schema kSchema(schema_text(kInput));
  const auto arguments = Arguments::read(kSchema, text);
  if (!arguments) return arguments.error();
  const auto request = read_request(*context.store, arguments->view());
  if (!request) return request.error();
  std::string answer;
  JsonWriter json(answer);
  json.begin_object();
  const auto written = arguments->view().has("stream")
                           ? compare_stream(context.store->states(), *request, arguments->view().text("stream"), json)
                           : compare_everything(context, *request, json);
  if (!written) return written.error();
  json.key("left_at");
  write_at(json, request->sides.left);
  json.key("at");
  write_at(json, request->sides.right);
  json.end_object();
  return answer;
}

}  // namespace

Tool compare_tool() {
  static const std::string kInputSchema = schema_text(kInput);
  static const std::string kOutputSchema = schema_text(kOutput);
  return Tool{.name = "compare",
              .title = "Compare two moments",
              .description = kDescription,
              .input_schema = kInputSchema,
              .output_schema = kOutputSchema,
              .call = call};
}

}  // namespace chronos
