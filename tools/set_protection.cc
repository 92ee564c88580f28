// set_protection: whether main takes appends.  An operator's call (admin_tools in tools/tool.h).
#include <string>

#include "tools/arguments.h"
#include "tools/json_writer.h"
#include "tools/schema_text.h"
#include "tools/table.h"

namespace chronos {
namespace {

constexpr std::string_view kDescription =
    "Protects main, or frees it again. While main is protected append_events to it is refused, and events reach it by "
    "merge_fork only. Kept with the store.";

// request_id as in every call that writes; setting the same twice is the same.
constexpr std::string_view kInput = R"({
  "type": "object", "additionalProperties": false, "required": ["main"],
  "properties": {
    "main": {"type": "boolean", "description": "Whether main is protected."},
    @request_id}})";

constexpr std::string_view kOutput = R"({
  "type": "object", "required": ["main_protected"],
  "properties": {"main_protected": {"type": "boolean", "description": "Whether main is protected now."}}})";

Result<std::string> call(CallContext& context, ValidJson text) {
  static const Schema kSchema(schema_text(kInput));
  const auto arguments = Arguments::read(kSchema, text);
  if (!arguments) return arguments.error();
  const bool is_protected = arguments->view().flag("main", false);
  const auto done = context.store->protect_main(is_protected, context.principal);
  if (!done) return done.error();
  std::string answer;
  JsonWriter json(answer);
  json.begin_object().key("main_protected").boolean(is_protected).end_object();
  return answer;
}

}  // namespace

Tool set_protection_tool() {
  static const std::string kInputSchema = schema_text(kInput);
  static const std::string kOutputSchema = schema_text(kOutput);
  return Tool{.name = "set_protection",
              .title = "Protect main",
              .description = kDescription,
              .input_schema = kInputSchema,
              .output_schema = kOutputSchema,
              .read_only = false,
              .call = call};
}

}  // namespace chronos
