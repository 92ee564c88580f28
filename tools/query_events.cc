// query_events: the events that match, page by page.  The first page fixes the view, later ones read the same.
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "core/scan.h"
#include "tools/address.h"
#include "tools/arguments.h"
#include "tools/conditions.h"
#include "tools/cursor.h"
#include "tools/event_page.h"
#include "tools/json_writer.h"
#include "tools/page_size.h"
#include "tools/schema_text.h"
#include "tools/table.h"

namespace chronos {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kDescription =
    "Finds events, oldest first, by stream, type, tag, time or the fields of their data, now or as of any past moment. "
    "Use it to see what happened and in which order. Use get_state instead for what a stream amounts to now, compare "
    "for what changed between two moments, and trace_events for causes and effects. An answer that was cut has "
    "next_cursor and says why in cut: repeat the call with cursor for the next page. Pages stay consistent while "
    "others "
    "append. Topic querying of guide has examples.";

constexpr std::string_view kInput = R"({
  "type": "object", "additionalProperties": false,
  "properties": {
    "stream": {"type": "string", "minLength": 1, "maxLength": 256, "description": "Only events of this stream."},
    "match": {
      "description": "Only events that match any of these items. An item matches what fits all its members.",
      @match},
    "where": {
      "type": "array", "minItems": 1, "maxItems": 20,
      "description": "Only events whose data passes all of these.",
      "items": {
        "type": "object", "additionalProperties": false, "required": ["path", "op"],
        "properties": {
          "path": {
            "type": "string", "maxLength": 1024, "description": "JSON Pointer into data, e.g. /items/0/price."},
          "op": {
            "type": "string", "enum": ["=", "!=", "<", "<=", ">", ">=", "contains", "exists"],
            "description": "How to compare. A path that is not there passes only exists with value false."},
          "value": {
            "type": ["string", "number", "boolean", "object", "array", "null"],
            "description": "What to compare with. Not needed for exists."}}}},
    "since": {
      "type": "string", "minLength": 1, "maxLength": 64,
      "description": "Recorded at this RFC 3339 time or later."},
    "until": {
      "type": "string", "minLength": 1, "maxLength": 64,
      "description": "Recorded at this RFC 3339 time or earlier."},
    "valid_since": {
      "type": "string", "minLength": 1, "maxLength": 64, "description": "Valid at this RFC 3339 time or later."},
    "valid_until": {
      "type": "string", "minLength": 1, "maxLength": 64,
      "description": "Valid at this RFC 3339 time or earlier."},
    "order": {
      "type": "string", "enum": ["asc", "desc"],
      "description": "asc (default) is oldest first, desc newest first."},
    "limit": {
      "type": "integer", "minimum": 1, "maximum": 1000, "description": "Events per page, 50 when absent."},
    "max_tokens": {
      "type": "integer", "minimum": 100, "maximum": 2000000,
      "description": "About how long a page may be, 8000 when absent and detail is summary."},
    @detail, @fork, @as_of, @cursor}})";

constexpr std::string_view kOutput = R"({
  "type": "object", "required": ["events", "at"],
  "properties": {
    "events": {"type": "array", "description": "The events.", "items": {@event}},
    @next_cursor,
    "cut": {
      "type": "string", "enum": ["limit", "max_tokens", "bytes", "time"],
      "description": "Why there is a next_cursor. time means the search itself was long: go on even when there
        are no events yet."},
    @at}})";

Result<EventFilter> read_filter(const ArgumentsView& arguments) {
  EventFilter filter;
  filter.stream = arguments.text("stream");
  if (const Json* match = arguments.find("match")) {
    auto read = read_match(*match, "match");
    if (!read) return read.error();
    filter.match = *std::move(read);
  }
  const std::pair<const char*, std::optional<Timestamp>*> times[] = {{"since", &filter.since},
                                                                     {"until", &filter.until},
                                                                     {"valid_since", &filter.valid_since},
                                                                     {"valid_until", &filter.valid_until}};
  for (const auto& [name, to] : times) {
    auto time = arguments.time(name);
    if (!time) return time.error();
    *to = *time;
  }
  const Json* where = arguments.find("where");
  for (size_t i = 0; where != nullptr && i < where->size(); i++) {
    const Json& clause = (*where)[i];
    const std::string value = clause.contains("value") ? clause["value"].dump() : "";
    auto field = FieldFilter::make(clause["path"].get_ref<const std::string&>(),
                                   clause["op"].get_ref<const std::string&>(), value);
    if (!field) return Error{field.error().code, "where[" + std::to_string(i) + "]: " + field.error().message, ""};
    filter.where.push_back(*std::move(field));
  }
  return filter;
}

// What to read and from where: as the arguments say, or as the cursor remembers.
struct Place {
  View view;
  Position from;
};
Result<Place> read_place(const Store& store, const ArgumentsView& arguments, uint64_t question) {
  auto view = read_view(store, arguments);
  if (!view) return view.error();
  if (!arguments.has("cursor")) return Place{*std::move(view), Position{0}};
  const auto numbers = read_cursor(arguments.text("cursor"), 2, question);
  if (!numbers) return numbers.error();
  auto then = pinned(*view, (*numbers)[0]);
  if (!then) return then.error();
  return Place{*std::move(then), Position{(*numbers)[1]}};
}

Result<std::string> call(CallContext& context, ValidJson text) {
  static const Schema kSchema(schema_text(kInput));
  const auto arguments = Arguments::read(kSchema, text);
  if (!arguments) return arguments.error();
  const auto filter = read_filter(arguments->view());
  if (!filter) return filter.error();
  const uint64_t question = question_digest("query_events", arguments->view());
  const auto place = read_place(*context.store, arguments->view(), question);
  if (!place) return place.error();

  PageRequest request;
  request.order = arguments->view().text("order") == "desc" ? Order::kDescending : Order::kAscending;
  request.from = place->from;
  request.detail = read_detail(arguments->view());
  request.limit = arguments->view().integer("limit", request.limit);
  request.size = page_size(arguments->view());

  std::string answer;
  JsonWriter json(answer);
  json.begin_object().key("events");
  const auto end = write_page(json, place->view, *filter, request, context.cancelled);
  if (!end) return end.error();
  if (!end->cut.empty()) {
    json.key("next_cursor").string(make_cursor({place->view.head().value, end->next.value}, question));
    json.key("cut").string(end->cut);
  }
  json.key("at");
  write_at(json, place->view);
  json.end_object();
  return answer;
}

}  // namespace

Tool query_events_tool() {
  static const std::string kInputSchema = schema_text(kInput);
  static const std::string kOutputSchema = schema_text(kOutput);
  return Tool{.name = "query_events",
              .title = "Query events",
              .description = kDescription,
              .input_schema = kInputSchema,
              .output_schema = kOutputSchema,
              .call = call};
}

}  // namespace chronos
