// backup_store: a copy of the store, which is a store.  An operator's call (admin_tools in tools/tool.h).
#include <string>

#include "tools/arguments.h"
#include "tools/json_writer.h"
#include "tools/schema_text.h"
#include "tools/table.h"

namespace chronos {
namespace {

constexpr std::string_view kDescription =
    "Makes a copy of the store in a directory that is not there yet or empty, while appends go on. The copy is a store "
    "as "
    "of now.";

// request_id as in every call that writes; a second backup in the same place is refused.
constexpr std::string_view kInput = R"({
  "type": "object", "additionalProperties": false, "required": ["to"],
  "properties": {
    "to": {"type": "string", "minLength": 1, "description": "The directory, from the root."},
    @request_id}})";

constexpr std::string_view kOutput = R"({
  "type": "object", "required": ["to", "position", "events", "segments", "bytes"],
  "properties": {
    "to": {"type": "string", "description": "The directory."},
    "position": {"description": "The last position of main that is in it.", @position},
    "events": {"description": "How many events of all forks.", @count},
    "segments": {"description": "How many sealed files.", @count},
    "bytes": {"description": "Their size.", @count}}})";

Result<std::string> call(CallContext& context, ValidJson text) {
  static const Schema kSchema(schema_text(kInput));
  const auto arguments = Arguments::read(kSchema, text);
  if (!arguments) return arguments.error();
  const std::string to(arguments->view().text("to"));
  const auto report = context.store->backup(to);
  if (!report) return report.error();
  std::string answer;
  JsonWriter json(answer);
  json.begin_object().key("to").string(to);
  json.key("position").integer(report->position.value);
  json.key("events").integer(report->events);
  json.key("segments").integer(report->segments);
  json.key("bytes").integer(report->bytes);
  json.end_object();
  return answer;
}

}  // namespace

Tool backup_store_tool() {
  static const std::string kInputSchema = schema_text(kInput);
  static const std::string kOutputSchema = schema_text(kOutput);
  return Tool{.name = "backup_store",
              .title = "Back up the store",
              .description = kDescription,
              .input_schema = kInputSchema,
              .output_schema = kOutputSchema,
              .read_only = false,
              .call = call};
}

}  // namespace chronos
