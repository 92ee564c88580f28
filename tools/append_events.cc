// append_events, the tool that writes.
//
// The arguments are walked once with the on-demand parser, without building a tree: events become slices of the
// text, which the event decoder reads one by one straight into the batch; the few other members are small and go
// through the schema like those of every other tool.  So what an append costs here grows with the bytes of its events
// and with nothing else.
#include <simdjson.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "core/batch.h"
#include "core/event_json.h"
#include "core/log.h"
#include "core/time_text.h"
#include "tools/arguments.h"
#include "tools/conditions.h"
#include "tools/json_writer.h"
#include "tools/schema_text.h"
#include "tools/table.h"

namespace chronos {
namespace {

namespace ondemand = simdjson::ondemand;
using Json = nlohmann::json;

constexpr std::string_view kDescription =
    "Appends events to the history, all or none, to any number of streams. Use it to record every fact worth keeping: "
    "decisions, observations, changes of state. Events are never changed or removed: to correct one, append another. "
    "Give conditions when the decision depends on what was read, for example {\"stream\":\"order-7\",\"version\":3} "
    "(0 means it must not exist yet): if somebody else was faster the answer is the error conflict with the events "
    "that were missed, and nothing is written. Give a request_id, new for each intent and the same on every retry: a "
    "repeated call then returns the first result with replayed true. Do not use it to store large files, keep a "
    "reference to them. Topics events and conditions of guide say more.";

constexpr std::string_view kInput = R"({
  "type": "object", "additionalProperties": false, "required": ["events"],
  "properties": {
    "events": {
      "type": "array", "minItems": 1, "maxItems": 10000, "description": "The events, in order.",
      "items": {
        "type": "object", "additionalProperties": false, "required": ["stream", "type", "data"],
        "properties": {
          "stream": {
            "type": "string", "minLength": 1, "maxLength": 256,
            "description": "What it is about, e.g. order-7. At most 256 bytes, not beginning with $."},
          "type": {
            "type": "string", "minLength": 1, "maxLength": 128,
            "description": "What happened, in past tense, e.g. OrderPaid."},
          "data": {
            "type": "object",
            "description": "The facts. get_state merges it into the state of the stream, where null removes a
              field."},
          "tags": {
            "type": "array", "maxItems": 64,
            "items": {"type": "string", "minLength": 1, "maxLength": 256},
            "description": "What else to find it by, e.g. customer:3."},
          "metadata": {"type": "object", "description": "About the event itself, not part of the state."},
          "id": {
            "type": "string", "minLength": 1, "maxLength": 128,
            "description": "A unique id, made by the store when absent."},
          "correlation_id": {
            "type": "string", "minLength": 1, "maxLength": 128,
            "description": "The task or conversation it belongs to."},
          "causation_id": {
            "type": "string", "minLength": 1, "maxLength": 128,
            "description": "The id of the event that caused it."},
          "valid_at": {
            "type": "string", "minLength": 1, "maxLength": 64,
            "description": "When it became true in the world, RFC 3339, if not now."},
          "embedding": {
            "type": "array", "minItems": 1, "maxItems": 8192,
            "items": {"type": "number"},
            "description": "A vector for search by meaning."}}}},
    "conditions": {
      "type": "array", "maxItems": 100,
      "description": "All must hold or nothing is written. Each has one of five forms: {stream, version},
        {stream, exists}, {none_match, after}, {some_match}, {head}.",
      "items": {
        "type": "object", "additionalProperties": false,
        "properties": {
          "stream": {
            "type": "string", "minLength": 1, "maxLength": 256, "description": "A stream, written to or not."},
          "version": {
            "type": "integer", "minimum": 0, "maximum": 4294967295,
            "description": "Its exact version, 0 when it must not exist."},
          "exists": {"type": "boolean", "description": "Whether it must have events."},
          "none_match": {"description": "No event after the position in after may match any of these.", @match},
          "after": {"description": "Where none_match begins, 0 when absent.", @position},
          "some_match": {"description": "At least one event must match any of these.", @match},
          "head": {"description": "Nothing at all may have been appended after this position.", @position}}}},
    @fork, @request_id,
    "durability": {
      "type": "string", "enum": ["fsync", "os"],
      "description": "fsync (default) answers after the disk has it, os is faster and may lose it in a power
        cut."}}})";

constexpr std::string_view kOutput = R"({
  "type": "object",
  "required": ["first_position", "last_position", "versions", "recorded_at", "durability", "at"],
  "properties": {
    "first_position": {"description": "Position of the first event.", @position},
    "last_position": {"description": "Position of the last event.", @position},
    "versions": {
      "type": "object",
      "additionalProperties": {"type": "integer", "minimum": 1, "maximum": 4294967295},
      "description": "The new version of each stream: what to expect in the next condition."},
    "recorded_at": {"type": "string", "description": "When the store took them."},
    "durability": {"type": "string", "enum": ["fsync", "os"], "description": "What was acknowledged."},
    "replayed": {
      "type": "boolean", "description": "True when this had been appended before and nothing was added."},
    @at}})";

// The schema without what is inside events: the decoder looks after that.
Schema other_members_schema() {
  Json schema = Json::parse(schema_text(kInput));
  schema["properties"]["events"] = Json{{"type", "array"}};
  return Schema(schema.dump());
}

struct Parts {
  std::vector<std::string_view> events;  // each a JSON value
  std::string others = "{";              // the other members as an object; events as an empty array
};

Error unreadable(simdjson::error_code error) {
  return Error{Code::kInvalidArgument,
               std::string("the arguments cannot be read: ") + simdjson::error_message(error) + "; send a JSON object",
               ""};
}

Result<std::string_view> raw_text(ondemand::value value) {
  std::string_view raw;
  ondemand::json_type type;
  if (auto error = value.type().get(type)) return unreadable(error);
  if (type == ondemand::json_type::object) {
    ondemand::object object;
    if (auto error = value.get_object().get(object)) return unreadable(error);
    if (auto error = object.raw_json().get(raw)) return unreadable(error);
  } else if (type == ondemand::json_type::array) {
    ondemand::array array;
    if (auto error = value.get_array().get(array)) return unreadable(error);
    if (auto error = array.raw_json().get(raw)) return unreadable(error);
  } else {
    raw = value.raw_json_token();
  }
  return raw;
}

// Slices a list of events; false when it is no list.
Result<bool> slice_events(ondemand::value value, std::vector<std::string_view>& events) {
  ondemand::json_type type;
  if (auto error = value.type().get(type)) return unreadable(error);
  if (type != ondemand::json_type::array) return false;
  ondemand::array array;
  if (auto error = value.get_array().get(array)) return unreadable(error);
  for (auto item : array) {
    ondemand::value event;
    if (auto error = item.get(event)) return unreadable(error);
    auto raw = raw_text(event);
    if (!raw) return raw.error();
    events.push_back(*raw);
  }
  return true;
}

Result<Parts> slice_arguments(ValidJson arguments) {
  Parts parts;
  ondemand::parser parser;
  ondemand::document document;
  const std::string_view text = arguments.text();
  const simdjson::padded_string_view padded(text.data(), text.size(), text.size() + kSimdPadding);
  if (auto error = parser.iterate(padded).get(document)) return unreadable(error);
  ondemand::object object;
  if (auto error = document.get_object().get(object)) return unreadable(error);
  bool seen_events = false;
  JsonWriter others(parts.others);
  for (auto field : object) {
    std::string_view key;
    if (auto error = field.unescaped_key().get(key)) return unreadable(error);
    const bool is_events = key == "events";
    if (is_events && seen_events) {
      return Error{Code::kInvalidArgument, "the argument events was given twice: put all events into one list", ""};
    }
    seen_events = seen_events || is_events;
    append_json_string(others.next(), key);
    parts.others += ':';
    ondemand::value value;
    if (auto error = field.value().get(value)) return unreadable(error);
    if (is_events) {
      auto sliced = slice_events(value, parts.events);
      if (!sliced) return sliced.error();
      if (*sliced) {
        parts.others += "[]";
        continue;
      }
    }
    auto raw = raw_text(value);
    if (!raw) return raw.error();
    others.raw(*raw);
  }
  parts.others += '}';
  return parts;
}

// The members beside the events, checked.
Result<Json> read_others(const std::string& text) {
  static const Schema kSchema = other_members_schema();
  auto others = parse_arguments(text);
  if (!others) return others;
  if (others->contains("conditions")) {
    auto forms = check_condition_forms((*others)["conditions"]);
    if (!forms) return forms.error();
  }
  auto checked = kSchema.check(*others);
  if (!checked) return checked.error();
  return others;
}

Result<BatchHead> read_head(const ArgumentsView& arguments, const Principal& principal) {
  BatchHead head;
  head.fork = arguments.text("fork", "main");
  head.principal = principal;
  head.request_id = arguments.text("request_id");
  head.durability = arguments.text("durability") == "os" ? Durability::kOs : Durability::kFsync;
  if (const Json* conditions = arguments.find("conditions")) {
    auto read = read_conditions(*conditions);
    if (!read) return read.error();
    head.conditions = *std::move(read);
  }
  return head;
}

Error about_event(size_t index, const Error& error) {
  return Error{error.code, "events[" + std::to_string(index) + "]: " + error.message + "; nothing was appended",
               "{\"event_index\":" + std::to_string(index) + "}"};
}

Result<Batch> build_batch(const Limits& limits, BatchHead head, const std::vector<std::string_view>& events) {
  BatchBuilder builder(limits);
  builder.begin(std::move(head));
  EventDecoder decoder(limits, EventSource::kClient);
  for (size_t i = 0; i < events.size(); i++) {
    if (events[i].front() != '{') {
      return about_event(i, Error{Code::kInvalidArgument,
                                  "an event must be an object with stream, type and data, got " +
                                      shown(Json::parse(events[i], nullptr, false)),
                                  ""});
    }
    auto event = decoder.decode(ValidJson::trusted(events[i]));
    if (!event) return about_event(i, event.error());
    auto added = builder.add(*event);
    if (!added) return about_event(i, added.error());
  }
  return builder.finish();
}

std::string answer(const Appended& appended) {
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  json.key("first_position").integer(appended.first_position.value);
  json.key("last_position").integer(appended.last_position.value);
  json.key("versions").begin_object();
  for (const auto& [stream, version] : appended.versions) {
    append_json_string(json.next(), stream);
    text += ':';
    json.integer(version.value);
  }
  json.end_object();
  const std::string recorded_at = format_time(appended.recorded_at);
  json.key("recorded_at").string(recorded_at);
  json.key("durability").string(appended.durability == Durability::kFsync ? "fsync" : "os");
  if (appended.replayed) json.key("replayed").boolean(true);
  json.key("at").begin_object();
  json.key("fork").string(appended.fork);
  json.key("position").integer(appended.last_position.value);
  json.key("recorded_at").string(recorded_at);
  json.end_object().end_object();
  return text;
}

Result<std::string> call(CallContext& context, ValidJson arguments) {
  auto parts = slice_arguments(arguments);
  if (!parts) return parts.error();
  const auto others = read_others(parts->others);
  if (!others) return others.error();
  if (parts->events.empty()) {
    return Error{Code::kInvalidArgument, "events must be an array of 1 to 10000 items, got 0 items: give at least one",
                 ""};
  }
  auto head = read_head(ArgumentsView(*others), context.principal);
  if (!head) return head.error();
  auto batch = build_batch(context.store->limits(), *std::move(head), parts->events);
  if (!batch) return batch.error();
  const auto outcome = context.store->append(*std::move(batch));
  if (!outcome) return outcome.error();
  if (outcome->conflict) return conflict_error(*outcome->conflict, (*others)["conditions"]);
  return answer(*outcome->appended);
}

}  // namespace

Tool append_events_tool() {
  static const std::string kInputSchema = schema_text(kInput);
  static const std::string kOutputSchema = schema_text(kOutput);
  return Tool{.name = "append_events",
              .title = "Append events",
              .description = kDescription,
              .input_schema = kInputSchema,
              .output_schema = kOutputSchema,
              .read_only = false,
              .destructive = false,
              .idempotent = false,
              .call = call};
}

}  // namespace chronos
