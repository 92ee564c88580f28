// get_state: what the events of a stream amount to, at any moment.
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "core/state.h"
#include "core/time_text.h"
#include "tools/address.h"
#include "tools/arguments.h"
#include "tools/json_writer.h"
#include "tools/missing_stream.h"
#include "tools/schema_text.h"
#include "tools/table.h"

namespace chronos {
namespace {

constexpr std::string_view kDescription =
    "The state of one stream: the data of its events merged in order (JSON Merge Patch, where null removes a field), "
    "now "
    "or at any past moment. Use it to know what is true about one thing before deciding, and take its version for the "
    "condition of the append that follows. Give as_of for what was known at a moment, version for the state at that "
    "version, valid_at for what was true in the world at a time. Do not use it to see the single events, use "
    "query_events for that, or to see what changed, use compare.";

constexpr std::string_view kInput = R"({
  "type": "object", "additionalProperties": false, "required": ["stream"],
  "properties": {
    "stream": {"type": "string", "minLength": 1, "maxLength": 256, "description": "The stream, e.g. order-7."},
    "version": {
      "type": "integer", "minimum": 1, "maximum": 4294967295,
      "description": "The state after this many events, all of them when absent."},
    "valid_at": {
      "type": "string", "minLength": 1, "maxLength": 64,
      "description": "Only what was true in the world by this RFC 3339 time, in the order in which it became
        true."},
    @fork, @as_of}})";

constexpr std::string_view kOutput = R"({
  "type": "object", "required": ["stream", "state", "version", "event_count", "at"],
  "properties": {
    "stream": {"type": "string", "description": "The stream."},
    "state": {"type": "object", "description": "The merged data."},
    "version": {
      "type": "integer", "minimum": 1, "maximum": 4294967295,
      "description": "How many events the stream had: what to give as version in a condition."},
    "event_count": {
      "type": "integer", "minimum": 0, "maximum": 4294967295, "description": "How many events were merged."},
    "first": {"description": "The first event merged.", @edge},
    "last": {"description": "The last event merged.", @edge},
    @at}})";

struct Folded {
  State state;
  size_t count = 0;
  std::optional<Event> first;
  std::optional<Event> last;
};

Folded fold_stream(StateCache& states, const View& view, const PositionList& events,
                   std::optional<Timestamp> valid_at) {
  Folded folded;
  if (!valid_at) {
    folded.count = events.size();
    folded.state = states.fold(events, Version{static_cast<uint32_t>(events.size())});
    folded.first = events.event(0);
    folded.last = events.event(events.size() - 1);
    return folded;
  }
  std::vector<Position> used;
  folded.state = fold_valid(events, *valid_at, used);
  folded.count = used.size();
  if (!used.empty()) {
    folded.first = view.at(used.front());
    folded.last = view.at(used.back());
  }
  return folded;
}

void write_edge(JsonWriter& json, std::string_view name, const std::optional<Event>& event) {
  if (!event) return;
  json.key(name).begin_object();
  json.key("position").integer(event->position().value);
  json.key("recorded_at").string(format_time(event->recorded_at()));
  json.end_object();
}

Result<std::string> call(CallContext& context, ValidJson text) {
  static const Schema kSchema(schema_text(kInput));
  const auto arguments = Arguments::read(kSchema, text);
  if (!arguments) return arguments.error();
  const auto valid_at = arguments->view().time("valid_at");
  if (!valid_at) return valid_at.error();
  const auto view = read_view(*context.store, arguments->view());
  if (!view) return view.error();
  const std::string stream = arguments->view().text("stream");
  const size_t size = view->stream(stream).size();
  if (size == 0) return no_such_stream(*view, stream);
  const uint64_t version = arguments->view().integer("version", size);
  if (version > size) {
    return Error{Code::kNotFound,
                 "stream " + shown(stream) + " has no version " + std::to_string(version) + ": its version is " +
                     std::to_string(size) + " as of position " + std::to_string(view->head().value) +
                     ", give at most that",
                 "{\"version\":" + std::to_string(size) + "}"};
  }
  // A version of a stream is the stream as of the event that made it.
  const View then = view->cut(view->stream(stream)[version - 1]);
  const PositionList events = then.stream(stream);
  const Folded folded = fold_stream(context.store->states(), then, events, *valid_at);

  std::string answer;
  JsonWriter json(answer);
  json.begin_object();
  json.key("stream").string(stream);
  json.key("state").raw(folded.state.to_json());
  json.key("version").integer(version);
  json.key("event_count").integer(folded.count);
  write_edge(json, "first", folded.first);
  write_edge(json, "last", folded.last);
  json.key("at");
  write_at(json, *view);
  json.end_object();
  return answer;
}

}  // namespace

Tool get_state_tool() {
  static const std::string kInputSchema = schema_text(kInput);
  static const std::string kOutputSchema = schema_text(kOutput);
  return Tool{.name = "get_state",
              .title = "Get state",
              .description = kDescription,
              .input_schema = kInputSchema,
              .output_schema = kOutputSchema,
              .call = call};
}

}  // namespace chronos
