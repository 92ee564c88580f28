#include "tools/schema_text.h"

#include "core/check.h"

namespace chronos {
namespace {

struct Piece {
  std::string_view name;
  std::string_view text;
};

// Members of an object each, but for event_required, which is items of an array.
constexpr Piece kPieces[] = {
    {"fork", R"("fork": {
      "type": "string", "minLength": 1, "maxLength": 256,
      "description": "The line of history to use, main when absent."})"},
    {"as_of", R"("as_of": {
      "type": ["integer", "string"], "minimum": 0, "maximum": 9007199254740991, "minLength": 1, "maxLength": 64,
      "description": "The past moment to read at, now when absent: a position (exact and repeatable) or an RFC
        3339 time like 2026-01-31T09:00:00Z."})"},
    {"request_id", R"("request_id": {
      "type": "string", "minLength": 1, "maxLength": 128,
      "description": "Makes retrying safe: the same id with the same content is written once."})"},
    {"detail", R"("detail": {
      "type": "string", "enum": ["summary", "full"],
      "description": "summary (default) shortens strings of more than 300 characters in data and lists them in
        shortened, full never does."})"},
    {"cursor", R"("cursor": {
      "type": "string", "minLength": 1, "maxLength": 256,
      "description": "next_cursor of the page before, with otherwise the same arguments."})"},
    {"names", R"("type": "array", "minItems": 1, "maxItems": 1000,
    "items": {"type": "string", "minLength": 1, "maxLength": 256})"},
    {"match", R"("type": "array", "minItems": 1, "maxItems": 100,
    "items": {
      "type": "object", "additionalProperties": false,
      "properties": {
        "types": {"description": "Any of these event types.", @names},
        "tags": {"description": "All of these tags.", @names},
        "streams": {"description": "Any of these streams.", @names},
        "stream_prefix": {
          "type": "string", "minLength": 1, "maxLength": 256, "description": "Streams whose name begins so."}}})"},
    {"position", R"("type": "integer", "minimum": 0, "maximum": 9007199254740991)"},
    {"count", R"("type": "integer", "minimum": 0)"},
    {"any", R"("type": ["object", "array", "string", "number", "boolean", "null"])"},
    {"address", R"("type": "object", "required": ["fork", "position"],
    "properties": {
      "fork": {"type": "string", "description": "The fork."},
      "position": {"description": "The last position seen.", @position},
      "recorded_at": {"type": "string", "description": "When that event was recorded."}})"},
    {"at", R"("at": {
      "description": "Where this was read: with this fork and position the answer is the same for ever.",
      @address})"},
    {"next_cursor",
     R"("next_cursor": {"type": "string", "description": "There is more: the cursor of the next page."})"},
    {"event_required", R"("position", "version", "stream", "type", "id", "recorded_at", "actor", "data")"},
    {"event_members", R"("position": {"description": "Its place in the history.", @position},
    "version": {
      "type": "integer", "minimum": 1, "maximum": 4294967295, "description": "Its number in the stream, from 1."},
    "stream": {"type": "string", "description": "The stream."},
    "type": {"type": "string", "description": "The type."},
    "id": {"type": "string", "description": "The id."},
    "recorded_at": {"type": "string", "description": "When the store took it."},
    "actor": {"type": "string", "description": "Who appended it."},
    "data": {"type": "object", "description": "What happened."},
    "tags": {"type": "array", "items": {"type": "string"}, "description": "Its tags."},
    "metadata": {"type": "object", "description": "Its metadata."},
    "correlation_id": {"type": "string", "description": "What it belongs to."},
    "causation_id": {"type": "string", "description": "The id of the event that caused it."},
    "valid_at": {"type": "string", "description": "When it became true, if not recorded_at."},
    "embedding": {"type": "array", "items": {"type": "number"}, "description": "Its vector, with detail full."},
    "shortened": {
      "type": "array",
      "items": {"type": "string"},
      "description": "JSON Pointers of strings cut in data."})"},
    {"event", R"("type": "object", "required": [@event_required],
    "properties": {@event_members})"},
    {"side", R"("type": "object", "additionalProperties": false,
    "properties": {@fork, @as_of})"},
    {"tally", R"("type": "object", "required": ["events", "streams", "types"],
    "properties": {
      "events": {"description": "How many.", @count},
      "streams": {
        "type": "object",
        "additionalProperties": {@count},
        "description": "How many by stream, the 50 with most."},
      "more_streams": {"description": "How many streams are not listed.", @count},
      "types": {
        "type": "object",
        "additionalProperties": {@count},
        "description": "How many by type, the 50 with most."},
      "more_types": {"description": "How many types are not listed.", @count}})"},
    {"edge", R"("type": "object", "required": ["position", "recorded_at"],
    "properties": {
      "position": {"description": "Its position.", @position},
      "recorded_at": {"type": "string", "description": "When it was recorded."}})"},
};

std::string_view piece(std::string_view name) {
  for (const Piece& one : kPieces) {
    if (one.name == name) return one.text;
  }
  CHECK(name == "a piece of a schema");
  return {};
}

bool in_name(char c) { return (c >= 'a' && c <= 'z') || c == '_'; }

void expand(std::string_view written, std::string& to) {
  bool in_string = false;
  for (size_t i = 0; i < written.size(); i++) {
    const char c = written[i];
    if (c == '\n') {
      while (i + 1 < written.size() && written[i + 1] == ' ') i++;
      if (in_string) to += ' ';
    } else if (c == '@' && !in_string) {
      size_t end = i + 1;
      while (end < written.size() && in_name(written[end])) end++;
      expand(piece(written.substr(i + 1, end - i - 1)), to);
      i = end - 1;
    } else if (c != ' ' || in_string) {
      to += c;
      if (c == '"' && (i == 0 || written[i - 1] != '\\')) in_string = !in_string;
    }
  }
}

}  // namespace

std::string schema_text(std::string_view written) {
  std::string text;
  expand(written, text);
  return text;
}

}  // namespace chronos
