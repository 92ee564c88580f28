// trace_events: the causes and effects of an event, and what shares its correlation.
//
// A cause is one step along causation_id, so causes form a chain; effects form a tree, walked breadth first so that
// the nearest come first.  Each event is listed once, under the first relation that reaches it, which also ends a walk
// around a circle of ids.  The walk stops as soon as the page is full, and a later page walks the same way again: the
// view is pinned, so it meets the same events.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "tools/address.h"
#include "tools/arguments.h"
#include "tools/cursor.h"
#include "tools/event_text.h"
#include "tools/json_writer.h"
#include "tools/page_size.h"
#include "tools/schema_text.h"
#include "tools/table.h"

namespace chronos {
namespace {

constexpr std::string_view kDescription =
    "Walks from one event to what caused it and what it caused, by causation_id, and to the events that share its "
    "correlation_id. Use it to explain why something happened or what followed from it. Nearest causes come first, "
    "then "
    "effects by depth, then the rest of the correlation. It finds only links that were given when the events were "
    "appended. Use query_events to find an event to begin with.";

constexpr std::string_view kInput = R"({
  "type": "object", "additionalProperties": false,
  "properties": {
    "id": {
      "type": "string", "minLength": 1, "maxLength": 128,
      "description": "The id of the event to begin with, or give position."},
    "position": {
      "type": "integer", "minimum": 1, "maximum": 9007199254740991, "description": "Its position, or give id."},
    "direction": {
      "type": "string", "enum": ["causes", "effects", "both"],
      "description": "both (default) also lists what shares the correlation."},
    "depth": {
      "type": "integer", "minimum": 1, "maximum": 50, "description": "How many steps to walk, 5 when absent."},
    "limit": {
      "type": "integer", "minimum": 1, "maximum": 1000, "description": "Events per page, 100 when absent."},
    @detail, @fork, @as_of, @cursor}})";

constexpr std::string_view kOutput = R"({
  "type": "object", "required": ["events", "at"],
  "properties": {
    "start": {"description": "The event begun with, on the first page.", @event},
    "events": {
      "type": "array", "description": "The events found.",
      "items": {
        "type": "object", "required": [@event_required, "relation", "depth"],
        "properties": {
          @event_members,
          "relation": {
            "type": "string", "enum": ["cause", "effect", "same_correlation"],
            "description": "How it is related."},
          "depth": {
            "type": "integer", "minimum": 0, "maximum": 50,
            "description": "How many steps away, 0 for same_correlation."}}}},
    @next_cursor,
    "cut": {
      "type": "string", "enum": ["limit", "max_tokens", "bytes"], "description": "Why there is a next_cursor."},
    @at}})";

constexpr uint64_t kDefaultDepth = 5;
constexpr uint64_t kDefaultLimit = 100;

struct Related {
  Event event;
  std::string_view relation;
  uint64_t depth = 0;
};

class Walk {
 public:
  // Stops after `most` events.
  Walk(const View& view, Event start, size_t most) : view_(view), start_(std::move(start)), most_(most) {
    seen_.insert(start_.position().value);
  }

  void causes(uint64_t depth) {
    Event event = start_;
    for (uint64_t d = 1; d <= depth && !event.causation_id().empty(); d++) {
      const auto position = view_.find_id(event.causation_id());
      if (!position) return;
      event = view_.at(*position);
      if (!add({event, "cause", d})) return;
    }
  }

  void effects(uint64_t depth) {
    std::vector<Event> level = {start_};
    for (uint64_t d = 1; d <= depth && !level.empty(); d++) {
      std::vector<Event> next;
      for (const Event& cause : level) {
        if (full()) return;
        const std::string id = cause.id();
        const PositionList maybe = view_.maybe_caused_by(id);
        for (size_t i = 0; i < maybe.size() && !full(); i++) {
          const Event effect = maybe.event(i);
          if (effect.causation_id() == id && add({effect, "effect", d})) next.push_back(effect);
        }
      }
      level = std::move(next);
    }
  }

  void same_correlation() {
    if (start_.correlation_id().empty()) return;
    const PositionList maybe = view_.maybe_correlated(start_.correlation_id());
    for (size_t i = 0; i < maybe.size() && !full(); i++) {
      const Event event = maybe.event(i);
      if (event.correlation_id() == start_.correlation_id()) add({event, "same_correlation", 0});
    }
  }

  const std::vector<Related>& found() const { return found_; }

 private:
  bool full() const { return found_.size() >= most_; }
  // False when the event was met before or there is no more room.
  bool add(const Related& related) {
    if (full() || !seen_.insert(related.event.position().value).second) return false;
    found_.push_back(related);
    return true;
  }

  const View& view_;
  Event start_;
  size_t most_;
  std::unordered_set<uint64_t> seen_;
  std::vector<Related> found_;
};

Result<Event> read_start(const View& view, const ArgumentsView& arguments) {
  if (arguments.has("id") == arguments.has("position")) {
    return Error{Code::kInvalidArgument,
                 std::string("give either id or position of the event to begin with, got ") +
                     (arguments.has("id") ? "both" : "neither"),
                 ""};
  }
  const std::string place = "fork \"" + view.fork_name() + "\" as of position " + std::to_string(view.head().value);
  if (arguments.has("position")) {
    const Position position{arguments.integer("position", 0)};
    if (position <= view.head()) return view.at(position);
    return Error{Code::kNotFound,
                 "position " + std::to_string(position.value) + " is past the end of " + place +
                     ": query_events finds an event to begin with",
                 ""};
  }
  const auto position = view.find_id(arguments.text("id"));
  if (position) return view.at(*position);
  return Error{
      Code::kNotFound,
      "no event in " + place + " has the id " + shown(*arguments.find("id")) + ": query_events shows the ids of events",
      ""};
}

Walk walk_from(const View& view, const Event& start, const ArgumentsView& arguments, size_t most) {
  const std::string direction = arguments.text("direction", "both");
  const uint64_t depth = arguments.integer("depth", kDefaultDepth);
  Walk walk(view, start, most);
  if (direction != "effects") walk.causes(depth);
  if (direction != "causes") walk.effects(depth);
  if (direction == "both") walk.same_correlation();
  return walk;
}

struct Cut {
  uint64_t next = 0;
  std::string_view why;  // empty: nothing was cut
};
Cut write_found(JsonWriter& json, const std::vector<Related>& found, uint64_t skip, const ArgumentsView& arguments) {
  const uint64_t limit = arguments.integer("limit", kDefaultLimit);
  const Detail detail = read_detail(arguments);
  const PageSize size = page_size(arguments);
  json.key("events").begin_array();
  Cut cut;
  cut.next = skip;
  for (; cut.next < found.size() && cut.why.empty(); cut.next++) {
    const Related& related = found[cut.next];
    std::string text;
    JsonWriter one(text);
    one.begin_object();
    write_event_members(one, related.event, detail);
    one.key("relation").string(related.relation);
    one.key("depth").integer(related.depth);
    one.end_object();
    if (cut.next == skip + limit) cut.why = "limit";
    if (cut.next > skip && json.size() + text.size() > size.most_bytes) cut.why = size.cut;
    if (!cut.why.empty()) break;
    json.next() += text;
  }
  json.end_array();
  return cut;
}

Result<std::string> call(CallContext& context, ValidJson text) {
  static const Schema kSchema(schema_text(kInput));
  const auto arguments = Arguments::read(kSchema, text);
  if (!arguments) return arguments.error();
  auto view = read_view(*context.store, arguments->view());
  if (!view) return view.error();
  const uint64_t question = question_digest("trace_events", arguments->view());
  uint64_t skip = 0;
  if (arguments->view().has("cursor")) {
    const auto numbers = read_cursor(arguments->view().text("cursor"), 2, question);
    if (!numbers) return numbers.error();
    view = pinned(*view, (*numbers)[0]);
    if (!view) return view.error();
    skip = (*numbers)[1];
  }
  const auto start = read_start(*view, arguments->view());
  if (!start) return start.error();
  const uint64_t limit = arguments->view().integer("limit", kDefaultLimit);
  const Walk walk = walk_from(*view, *start, arguments->view(), skip + limit + 1);

  std::string answer;
  JsonWriter json(answer);
  json.begin_object();
  if (skip == 0) append_event(json.key("start").next(), *start, read_detail(arguments->view()));
  const Cut cut = write_found(json, walk.found(), skip, arguments->view());
  if (!cut.why.empty()) {
    json.key("next_cursor").string(make_cursor({view->head().value, cut.next}, question));
    json.key("cut").string(cut.why);
  }
  json.key("at");
  write_at(json, *view);
  json.end_object();
  return answer;
}

}  // namespace

Tool trace_events_tool() {
  static const std::string kInputSchema = schema_text(kInput);
  static const std::string kOutputSchema = schema_text(kOutput);
  return Tool{.name = "trace_events",
              .title = "Trace causes and effects",
              .description = kDescription,
              .input_schema = kInputSchema,
              .output_schema = kOutputSchema,
              .call = call};
}

}  // namespace chronos
