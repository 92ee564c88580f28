// list_forks: the lines of history there are.
#include <algorithm>
#include <string>
#include <vector>

#include "tools/address.h"
#include "tools/arguments.h"
#include "tools/fork_text.h"
#include "tools/json_writer.h"
#include "tools/schema_text.h"
#include "tools/table.h"

namespace chronos {
namespace {

constexpr std::string_view kDescription =
    "Lists the forks there are, main first and then in the order they were made: where each left its parent, its head, "
    "how many events it has of its own, what it is for and when it expires. Use it to find experiments that were left "
    "behind, or the name of one to read, merge or discard. Discarded and expired forks are not listed. Do not use it "
    "to see what a fork changed, compare does that, nor whether it can be merged, merge_fork tells.";

constexpr std::string_view kInput = R"({
  "type": "object", "additionalProperties": false,
  "properties": {
    "limit": {
      "type": "integer", "minimum": 1, "maximum": 10000,
      "description": "How many to list at most, main and those made last. 100 when absent."}}})";

constexpr std::string_view kOutput = R"({
  "type": "object", "required": ["forks", "at"],
  "properties": {
    "forks": {
      "type": "array", "description": "In the order they were made.",
      "items": {
        "type": "object", "required": ["fork", "head", "own_events"],
        "properties": {
          "fork": {"type": "string", "description": "Its name."},
          "parent": {"type": "string", "description": "The fork it left, absent for main."},
          "position": {"description": "Up to here it shares the parent's history.", @position},
          "created_at": {"type": "string", "description": "When it was made."},
          "expires_at": {"type": "string", "description": "When it will be discarded."},
          "head": {"description": "Its last position.", @position},
          "own_events": {"description": "Events appended in it.", @count},
          "purpose": {"type": "string", "description": "What it is for."}}}},
    "more_forks": {"description": "How many forks are not listed, older than those that are.", @count},
    @at}})";

constexpr uint64_t kDefaultLimit = 100;

void write_fork(JsonWriter& json, const ForkInfo& fork) {
  json.begin_object();
  write_fork_members(json, fork);
  json.key("head").integer(fork.head.value);
  json.key("own_events").integer(fork.own_events);
  if (!fork.purpose.empty()) json.key("purpose").string(fork.purpose);
  json.end_object();
}

Result<std::string> call(CallContext& context, ValidJson text) {
  static const Schema kSchema(schema_text(kInput));
  const auto arguments = Arguments::read(kSchema, text);
  if (!arguments) return arguments.error();
  const std::vector<ForkInfo> forks = context.store->forks();
  const auto main = context.store->view({});
  if (!main) return main.error();
  const size_t listed = std::min<size_t>(forks.size(), arguments->view().integer("limit", kDefaultLimit));
  const size_t left_out = forks.size() - listed;
  std::string answer;
  JsonWriter json(answer);
  json.begin_object();
  json.key("forks").begin_array();
  for (size_t i = 0; i < forks.size(); i++) {
    if (i == 0 || i > left_out) write_fork(json, forks[i]);
  }
  json.end_array();
  if (left_out > 0) json.key("more_forks").integer(left_out);
  json.key("at");
  write_at(json, *main);
  json.end_object();
  return answer;
}

}  // namespace

Tool list_forks_tool() {
  static const std::string kInputSchema = schema_text(kInput);
  static const std::string kOutputSchema = schema_text(kOutput);
  return Tool{.name = "list_forks",
              .title = "List the forks",
              .description = kDescription,
              .input_schema = kInputSchema,
              .output_schema = kOutputSchema,
              .call = call};
}

}  // namespace chronos
