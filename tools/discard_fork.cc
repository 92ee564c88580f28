// discard_fork: ends a fork for good.
#include <string>

#include "core/time_text.h"
#include "tools/address.h"
#include "tools/arguments.h"
#include "tools/json_writer.h"
#include "tools/schema_text.h"
#include "tools/table.h"

namespace chronos {
namespace {

constexpr std::string_view kDescription =
    "Discards a fork for good: its own events can be read no more, and its name stays taken. What was merged from it "
    "stays where it was merged. That it existed, who discarded it and why is kept in the log. Use it when an "
    "experiment failed, or after merge_fork when nobody needs the fork any more, and say why in reason. A fork that "
    "others were made of cannot be discarded before them, main never. Do not use it to undo a merge: append events "
    "that correct what was merged.";

constexpr std::string_view kInput = R"({
  "type": "object", "additionalProperties": false, "required": ["fork"],
  "properties": {
    "fork": {"type": "string", "minLength": 1, "maxLength": 256, "description": "The fork to discard."},
    "reason": {
      "type": "string", "minLength": 1, "maxLength": 1000, "description": "Why, for whoever asks later."},
    @request_id}})";

constexpr std::string_view kOutput = R"({
  "type": "object", "required": ["fork", "discarded_at", "at"],
  "properties": {
    "fork": {"type": "string", "description": "The fork that is gone."},
    "discarded_at": {"type": "string", "description": "When it was discarded."},
    "replayed": {"type": "boolean", "description": "True when the same request had discarded it before."},
    "at": {"description": "Where main was then or later.", @address}}})";

Result<std::string> call(CallContext& context, ValidJson text) {
  static const Schema kSchema(schema_text(kInput));
  const auto arguments = Arguments::read(kSchema, text);
  if (!arguments) return arguments.error();
  const ArgumentsView view = arguments->view();
  const auto done =
      context.store->discard_fork(view.text("fork"), view.text("reason"), context.principal, view.text("request_id"));
  if (!done) return done.error();
  const auto main = context.store->view({});
  if (!main) return main.error();
  std::string answer;
  JsonWriter json(answer);
  json.begin_object();
  json.key("fork").string(done->fork);
  json.key("discarded_at").string(format_time(done->discarded_at));
  if (done->replayed) json.key("replayed").boolean(true);
  json.key("at");
  write_at(json, *main);
  json.end_object();
  return answer;
}

}  // namespace

Tool discard_fork_tool() {
  static const std::string kInputSchema = schema_text(kInput);
  static const std::string kOutputSchema = schema_text(kOutput);
  return Tool{.name = "discard_fork",
              .title = "Discard a fork",
              .description = kDescription,
              .input_schema = kInputSchema,
              .output_schema = kOutputSchema,
              .read_only = false,
              .destructive = true,
              .call = call};
}

}  // namespace chronos
