// search_index: how far the index is, and making it anew.  An operator's call (admin_tools in tools/tool.h).
#include <algorithm>
#include <string>

#include "search/search_index.h"
#include "tools/arguments.h"
#include "tools/json_writer.h"
#include "tools/schema_text.h"
#include "tools/table.h"
#include "tools/vector_status.h"

namespace chronos {
namespace {

constexpr std::string_view kDescription =
    "Tells how far the search index is. With rebuild it is deleted first, and made again from the events: in the "
    "background, and as far as a search needs it before that.";

constexpr std::string_view kInput = R"({
  "type": "object", "additionalProperties": false,
  "properties": {
    "rebuild": {"type": "boolean", "description": "Delete it and make it anew."},
    @request_id}})";

constexpr std::string_view kOutput = R"({
  "type": "object", "required": ["events", "behind", "segments", "memory_bytes", "file_bytes"],
  "properties": {
    "events": {"description": "Indexed events of all forks.", @count},
    "behind": {"description": "Events that are not indexed yet.", @count},
    "segments": {"description": "How many pieces it is in.", @count},
    "memory_bytes": {"description": "Of pieces in memory.", @count},
    "file_bytes": {"description": "Of pieces in files.", @count},
    "failure": {"type": "string", "description": "Why the last attempt to write a file failed, if so."},
    "vectors": {
      "type": "object", "required": ["embedder"], "description": "How far events have vectors.",
      "properties": {
        "embedder": {"type": "string", "description": "The setting search.embedder."},
        "model": {"type": "string", "description": "Which vectors can be compared with one another."},
        "events": {"description": "Events looked at, of all forks, with or without a vector.", @count},
        "behind": {"description": "Events that are still to be embedded.", @count},
        "main_to": {"description": "Up to which position main is embedded.", @position},
        "vectors": {"description": "How many have one.", @count},
        "segments": {"description": "How many pieces they are in.", @count},
        "graphs": {"description": "How many pieces have a graph.", @count},
        "memory_bytes": {"description": "Of pieces in memory.", @count},
        "file_bytes": {"description": "Of pieces in files.", @count},
        "failure": {"type": "string", "description": "Why embedding, or writing a file, failed last, if so."}}}}})";

Result<std::string> call(CallContext& context, ValidJson text) {
  static const Schema kSchema(schema_text(kInput));
  const auto arguments = Arguments::read(kSchema, text);
  if (!arguments) return arguments.error();
  const auto index = context.search->text();
  if (arguments->view().flag("rebuild", false)) {
    if (context.principal.role != Role::kAdmin) {
      return Error{Code::kPermissionDenied,
                   "'" + context.principal.name + "' may not rebuild the index: ask the operator",
                   {}};
    }
    if (auto done = index->rebuild(); !done) return done.error();
    if (const auto vectors = context.search->vectors()->index_if_made()) vectors->rebuild();
  }
  const TextIndexStatus status = index->status();
  uint64_t events = 0;
  for (const ForkInfo& fork : context.store->forks()) events += fork.own_events;
  std::string answer;
  JsonWriter json(answer);
  json.begin_object().key("events").integer(status.events);
  json.key("behind").integer(events - std::min(events, status.events));
  json.key("segments").integer(status.segments);
  json.key("memory_bytes").integer(status.memory_bytes);
  json.key("file_bytes").integer(status.file_bytes);
  if (!status.failure.empty()) json.key("failure").string(status.failure);
  json.key("vectors");
  write_vector_status(json, *context.store, *context.search->vectors(), VectorDetail::kAll);
  json.end_object();
  return answer;
}

}  // namespace

Tool search_index_tool() {
  static const std::string kInputSchema = schema_text(kInput);
  static const std::string kOutputSchema = schema_text(kOutput);
  return Tool{.name = "search_index",
              .title = "The search index",
              .description = kDescription,
              .input_schema = kInputSchema,
              .output_schema = kOutputSchema,
              .read_only = false,
              .call = call};
}

}  // namespace chronos
