// create_fork: a line of history of one's own, from any moment of any fork.
#include <string>
#include <utility>

#include "tools/address.h"
#include "tools/arguments.h"
#include "tools/fork_text.h"
#include "tools/json_writer.h"
#include "tools/schema_text.h"
#include "tools/table.h"

namespace chronos {
namespace {

constexpr std::string_view kDescription =
    "Makes a fork: a line of history of your own that shares the past of its parent up to one position and then goes "
    "its own way. Use it before anything risky or reversible only by hand: append in the fork (every tool takes fork), "
    "look at the difference with compare, then bring it back with merge_fork or drop it with discard_fork. It can "
    "begin at a past moment, to try what would have happened. It costs next to nothing and copies no event. Give "
    "ttl_seconds for an experiment nobody may clean up: the store discards it when its time is over. Do not use it "
    "only to read the past, as_of in every reading tool does that. Topic forks of guide shows the whole way.";

constexpr std::string_view kInput = R"({
  "type": "object", "additionalProperties": false, "required": ["name"],
  "properties": {
    "name": {
      "type": "string", "minLength": 1, "maxLength": 64,
      "description": "Letters, digits, - _ and . e.g. try-cheaper-plan. Never used before, not even by a discarded
        fork."},
    "from": {
      "type": "string", "minLength": 1, "maxLength": 256, "description": "The fork it leaves, main when absent."},
    @as_of,
    "purpose": {
      "type": "string", "minLength": 1, "maxLength": 1000,
      "description": "What it is for, shown by list_forks to whoever finds it."},
    "ttl_seconds": {
      "type": "integer", "minimum": 1, "maximum": 3153600000,
      "description": "After so many seconds it is discarded, with the forks made of it. Never when absent."},
    @request_id}})";

constexpr std::string_view kOutput = R"({
  "type": "object", "required": ["fork", "parent", "position", "created_at", "at"],
  "properties": {
    "fork": {"type": "string", "description": "Its name, for the argument fork of every tool."},
    "parent": {"type": "string", "description": "The fork it left."},
    "position": {"description": "Up to here it shares the parent's history.", @position},
    "created_at": {"type": "string", "description": "When it was made."},
    "expires_at": {"type": "string", "description": "When it will be discarded."},
    @at}})";

Result<std::string> call(CallContext& context, ValidJson text) {
  static const Schema kSchema(schema_text(kInput));
  const auto arguments = Arguments::read(kSchema, text);
  if (!arguments) return arguments.error();
  const ArgumentsView view = arguments->view();
  auto from = read_address(view, "from");
  if (!from) return from.error();
  NewFork wanted;
  wanted.name = view.text("name");
  wanted.from = *std::move(from);
  wanted.purpose = view.text("purpose");
  if (view.has("ttl_seconds")) wanted.ttl_seconds = view.integer("ttl_seconds", 0);
  wanted.principal = context.principal;
  wanted.request_id = view.text("request_id");
  const auto made = context.store->create_fork(wanted);
  if (!made) return made.error();
  std::string answer;
  JsonWriter json(answer);
  json.begin_object();
  write_fork_members(json, *made);
  json.key("at");
  write_address(json, *context.store, made->name, made->position);
  json.end_object();
  return answer;
}

}  // namespace

Tool create_fork_tool() {
  static const std::string kInputSchema = schema_text(kInput);
  static const std::string kOutputSchema = schema_text(kOutput);
  return Tool{.name = "create_fork",
              .title = "Create a fork",
              .description = kDescription,
              .input_schema = kInputSchema,
              .output_schema = kOutputSchema,
              .read_only = false,
              .call = call};
}

}  // namespace chronos
