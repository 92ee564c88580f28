// verify_history: reads everything again and checks it.
#include <nlohmann/json.hpp>

#include "tools/address.h"
#include "tools/arguments.h"
#include "tools/json_writer.h"
#include "tools/schema_text.h"
#include "tools/table.h"

namespace chronos {
namespace {

constexpr std::string_view kDescription =
    "Checks the whole store: that every record is intact, that positions and versions are dense and in order, and that "
    "the indexes agree with the history. Use it after a crash, before relying on a copy, or when asked to prove that "
    "nothing was lost. It reads everything, so it takes about a second per ten million events. Not needed before "
    "ordinary reads: the store checks itself when it is opened.";

constexpr std::string_view kInput = R"({"type": "object", "additionalProperties": false, "properties": {}})";

constexpr std::string_view kOutput = R"({
  "type": "object", "required": ["ok", "events", "records", "problems", "at"],
  "properties": {
    "ok": {"type": "boolean", "description": "Whether no problem was found."},
    "events": {
      "type": "integer", "minimum": 0, "maximum": 9007199254740991,
      "description": "Events checked, of all forks."},
    "records": {
      "type": "integer", "minimum": 0, "maximum": 9007199254740991, "description": "Records of the log checked."},
    "problems": {
      "type": "array", "description": "What is wrong, the first 100.",
      "items": {
        "type": "object", "required": ["fork", "position", "what"],
        "properties": {
          "fork": {"type": "string", "description": "Where."},
          "position": {"description": "At which position.", @position},
          "what": {"type": "string", "description": "What is wrong."}}}},
    @at}})";

Error cancelled() { return Error{Code::kUnavailable, "cancelled: nothing was found out, call again", ""}; }

Result<std::string> call(CallContext& context, ValidJson text) {
  static const Schema kSchema(schema_text(kInput));
  const auto arguments = Arguments::read(kSchema, text);
  if (!arguments) return arguments.error();
  const auto view = read_view(*context.store, arguments->view());
  if (!view) return view.error();
  if (context.cancelled.stop_requested()) return cancelled();
  const HistoryReport report = context.store->verify([&](double done) {
    if (context.progress) context.progress(done * 100, 100, "checking the history, in percent");
    return !context.cancelled.stop_requested();
  });
  if (!report.complete) return cancelled();

  std::string answer;
  JsonWriter json(answer);
  json.begin_object();
  json.key("ok").boolean(report.problems.empty());
  json.key("events").integer(report.events);
  json.key("records").integer(report.records);
  json.key("problems").begin_array();
  for (const HistoryProblem& problem : report.problems) {
    json.begin_object();
    json.key("fork").string(problem.fork);
    json.key("position").integer(problem.position.value);
    json.key("what").string(problem.what);
    json.end_object();
  }
  json.end_array();
  json.key("at");
  write_at(json, *view);
  json.end_object();
  return answer;
}

}  // namespace

Tool verify_history_tool() {
  static const std::string kInputSchema = schema_text(kInput);
  static const std::string kOutputSchema = schema_text(kOutput);
  return Tool{.name = "verify_history",
              .title = "Verify the history",
              .description = kDescription,
              .input_schema = kInputSchema,
              .output_schema = kOutputSchema,
              .call = call};
}

}  // namespace chronos
