// guide: the pages of prompts/, for clients that show no resources.
#include <nlohmann/json.hpp>

#include "prompts/pages.h"
#include "tools/arguments.h"
#include "tools/json_writer.h"
#include "tools/schema_text.h"
#include "tools/table.h"

namespace chronos {
namespace {

constexpr std::string_view kDescription =
    "Explains how to use this event store well, in short pages: how to model events, how to append safely when others "
    "write too, how to read the past, how to try something in a fork first. Call it without topic for the list, with "
    "topic for a page. Read start once when the store is new to you, and errors when a call was refused and its "
    "message is not enough.";

constexpr std::string_view kInput = R"({
  "type": "object", "additionalProperties": false,
  "properties": {
    "topic": {
      "type": "string",
      "enum": ["conditions", "errors", "events", "forks", "http", "querying", "searching", "start", "time-travel"],
      "description": "The page to read, a list of the pages when absent."}}})";

constexpr std::string_view kOutput = R"({
  "type": "object",
  "properties": {
    "topics": {
      "type": "array", "description": "The pages there are.",
      "items": {
        "type": "object", "required": ["topic", "summary"],
        "properties": {
          "topic": {"type": "string", "description": "Its name."},
          "summary": {"type": "string", "description": "What it says."}}}},
    "topic": {"type": "string", "description": "The page."},
    "text": {"type": "string", "description": "The page in Markdown."}}})";

// The second paragraph, on one line.
std::string summary(std::string_view text) {
  const size_t begin = text.find("\n\n") + 2;
  std::string paragraph(text.substr(begin, text.find("\n\n", begin) - begin));
  for (char& c : paragraph) c = c == '\n' ? ' ' : c;
  return paragraph;
}

Result<std::string> call(CallContext&, ValidJson text) {
  static const Schema kSchema(schema_text(kInput));
  const auto arguments = Arguments::read(kSchema, text);
  if (!arguments) return arguments.error();
  const std::string topic = arguments->view().text("topic");
  std::string answer;
  JsonWriter json(answer);
  json.begin_object();
  if (topic.empty()) json.key("topics").begin_array();
  for (const Page& page : all_pages()) {
    if (topic.empty()) {
      json.begin_object();
      json.key("topic").string(page.topic);
      json.key("summary").string(summary(page.text));
      json.end_object();
    } else if (page.topic == topic) {
      json.key("topic").string(page.topic);
      json.key("text").string(page.text);
    }
  }
  if (topic.empty()) json.end_array();
  json.end_object();
  return answer;
}

}  // namespace

Tool guide_tool() {
  static const std::string kInputSchema = schema_text(kInput);
  static const std::string kOutputSchema = schema_text(kOutput);
  return Tool{.name = "guide",
              .title = "Guide",
              .description = kDescription,
              .input_schema = kInputSchema,
              .output_schema = kOutputSchema,
              .call = call,
              .needs_store = false};
}

}  // namespace chronos
