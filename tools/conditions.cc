#include "tools/conditions.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "tools/address.h"
#include "tools/arguments.h"
#include "tools/event_text.h"

namespace chronos {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kForms =
    "{\"stream\":S,\"version\":N}, {\"stream\":S,\"exists\":true or false}, {\"none_match\":MATCH,\"after\":P}, "
    "{\"some_match\":MATCH} or {\"head\":P}";

// The events shown with a conflict stay under this many bytes, so that an answer stays small.
constexpr size_t kMissedBytes = size_t{24} * 1024;

bool has_one_form(const Json& condition) {
  const auto has = [&](const char* name) { return condition.contains(name); };
  const size_t size = condition.size();
  if (has("stream")) return size == 2 && (has("version") || has("exists"));
  if (has("none_match")) return size == 1 || (size == 2 && has("after"));
  return size == 1 && (has("some_match") || has("head"));
}

std::vector<std::string> names_in(const Json& item, const char* member) {
  return item.contains(member) ? item[member].get<std::vector<std::string>>() : std::vector<std::string>();
}

Result<Condition> read_condition(const Json& json, const std::string& what) {
  Condition condition;
  if (json.contains("stream")) {
    condition.stream = json["stream"];
    // Not to exist and to be at version 0 are one thing.
    const bool exists = json.contains("exists") && json["exists"].get<bool>();
    condition.kind = exists ? Condition::Kind::kStreamExists : Condition::Kind::kStreamVersion;
    if (json.contains("version")) condition.version = Version{static_cast<uint32_t>(to_integer(json["version"]))};
    return condition;
  }
  if (json.contains("head")) {
    condition.kind = Condition::Kind::kHead;
    condition.position = Position{to_integer(json["head"])};
    return condition;
  }
  const bool none = json.contains("none_match");
  const char* member = none ? "none_match" : "some_match";
  condition.kind = none ? Condition::Kind::kNoneMatch : Condition::Kind::kSomeMatch;
  if (json.contains("after")) condition.position = Position{to_integer(json["after"])};
  auto match = read_match(json[member], what + "." + member);
  if (!match) return match.error();
  condition.match = *std::move(match);
  return condition;
}

// "the stream is at version 5", and with what a retry would hold.
std::pair<std::string, std::string> found_and_next(const Conflict& conflict) {
  const std::string head = std::to_string(conflict.view.head().value);
  switch (conflict.condition.kind) {
    case Condition::Kind::kStreamVersion: {
      const std::string version = std::to_string(conflict.actual_version.value);
      return {"the stream is at version " + version, "retry with version " + version};
    }
    case Condition::Kind::kStreamExists:
      return {"the stream has no events", "retry once it exists, or without the condition"};
    case Condition::Kind::kNoneMatch:
      return {"position " + std::to_string(conflict.first_match.value) + " matches", "retry with after " + head};
    case Condition::Kind::kSomeMatch: return {"no event matches", "retry once one does"};
    case Condition::Kind::kHead:
      return {"the head is " + std::to_string(conflict.actual_head.value), "retry with head " + head};
  }
  return {};
}

void write_names(JsonWriter& json, std::string_view member, const std::vector<std::string>& names) {
  if (names.empty()) return;
  json.key(member).begin_array();
  for (const std::string& name : names) json.string(name);
  json.end_array();
}

void write_match(JsonWriter& json, const Match& match) {
  json.begin_array();
  for (const MatchItem& item : match) {
    json.begin_object();
    write_names(json, "types", item.types);
    write_names(json, "tags", item.tags);
    write_names(json, "streams", item.streams);
    if (!item.stream_prefix.empty()) json.key("stream_prefix").string(item.stream_prefix);
    json.end_object();
  }
  json.end_array();
}

void write_found(JsonWriter& json, const Conflict& conflict) {
  switch (conflict.condition.kind) {
    case Condition::Kind::kStreamVersion:
    case Condition::Kind::kStreamExists: json.key("actual_version").integer(conflict.actual_version.value); break;
    case Condition::Kind::kNoneMatch: json.key("first_match").integer(conflict.first_match.value); break;
    case Condition::Kind::kSomeMatch: break;
    case Condition::Kind::kHead: json.key("head").integer(conflict.actual_head.value); break;
  }
}

}  // namespace

Result<Match> read_match(const Json& items, std::string_view what) {
  Match match;
  for (const Json& item : items) {
    MatchItem one;
    one.types = names_in(item, "types");
    one.tags = names_in(item, "tags");
    one.streams = names_in(item, "streams");
    if (item.contains("stream_prefix")) one.stream_prefix = item["stream_prefix"];
    if (one.empty()) {
      return Error{Code::kInvalidArgument,
                   std::string(what) + "[" + std::to_string(match.size()) +
                       "] is empty, which would match everything: give types, tags, streams or stream_prefix",
                   ""};
    }
    match.push_back(std::move(one));
  }
  return match;
}

Result<void> check_condition_forms(const Json& conditions) {
  if (!conditions.is_array()) return {};
  for (size_t i = 0; i < conditions.size(); i++) {
    if (!conditions[i].is_object() || has_one_form(conditions[i])) continue;
    return Error{Code::kInvalidArgument,
                 "conditions[" + std::to_string(i) + "] must have one of five forms, " + std::string(kForms) +
                     ", got " + shown(conditions[i]),
                 ""};
  }
  return {};
}

Result<std::vector<Condition>> read_conditions(const Json& conditions) {
  std::vector<Condition> read;
  for (size_t i = 0; i < conditions.size(); i++) {
    auto condition = read_condition(conditions[i], "conditions[" + std::to_string(i) + "]");
    if (!condition) return condition.error();
    read.push_back(*std::move(condition));
  }
  return read;
}

void write_condition(JsonWriter& json, const Condition& condition) {
  json.begin_object();
  switch (condition.kind) {
    case Condition::Kind::kStreamVersion:
      json.key("stream").string(condition.stream);
      json.key("version").integer(condition.version.value);
      break;
    case Condition::Kind::kStreamExists:
      json.key("stream").string(condition.stream);
      json.key("exists").boolean(true);
      break;
    case Condition::Kind::kNoneMatch:
      json.key("none_match");
      write_match(json, condition.match);
      if (condition.position.value > 0) json.key("after").integer(condition.position.value);
      break;
    case Condition::Kind::kSomeMatch:
      json.key("some_match");
      write_match(json, condition.match);
      break;
    case Condition::Kind::kHead: json.key("head").integer(condition.position.value); break;
  }
  json.end_object();
}

Error conflict_error(const Conflict& conflict, const Json& conditions) {
  const Json& condition = conditions[conflict.condition_index];
  const auto [found, next] = found_and_next(conflict);
  Error error;
  error.code = Code::kConflict;
  error.message = "conditions[" + std::to_string(conflict.condition_index) + "] " + shown(condition) +
                  " does not hold: " + found + "; nothing was appended; read the missed events, decide again, and " +
                  next;
  JsonWriter json(error.details);
  json.begin_object();
  json.key("condition_index").integer(conflict.condition_index);
  json.key("condition").raw(condition.dump());
  write_found(json, conflict);
  json.key("missed").begin_array();
  size_t shown_events = 0;
  for (; shown_events < conflict.missed.size() && json.size() < kMissedBytes; shown_events++) {
    append_event(json.next(), conflict.view.at(conflict.missed[shown_events]), Detail::kSummary);
  }
  json.end_array();
  if (shown_events < conflict.missed.size()) {
    json.key("more_missed").integer(conflict.missed.size() - shown_events);
  }
  json.key("at");
  write_at(json, conflict.view);
  json.end_object();
  return error;
}

}  // namespace chronos
