#include "core/valid_json.h"
#include "mcp/method.h"

namespace chronos {
namespace {

void append_member(std::string& to, std::string_view key, std::string_view text) {
  to.append("\"").append(key).append("\":");
  append_json_string(to, text);
  to.append(",");
}

void append_hint(std::string& to, std::string_view key, bool value) {
  to.append(",\"").append(key).append("\":").append(value ? "true" : "false");
}

void append_tool(std::string& to, const Tool& tool) {
  to.append("{");
  append_member(to, "name", tool.name);
  append_member(to, "title", tool.title);
  append_member(to, "description", tool.description);
  to.append("\"inputSchema\":").append(tool.input_schema);
  to.append(",\"outputSchema\":").append(tool.output_schema);
  to.append(",\"annotations\":{\"title\":");
  append_json_string(to, tool.title);
  append_hint(to, "readOnlyHint", tool.read_only);
  append_hint(to, "destructiveHint", tool.destructive);
  append_hint(to, "idempotentHint", tool.idempotent);
  append_hint(to, "openWorldHint", false);
  to.append("}}");
}

}  // namespace

std::string tools_array(std::span<const Tool> tools) {
  std::string text = "[";
  for (const Tool& tool : tools) {
    if (text.size() > 1) text.append(",");
    append_tool(text, tool);
  }
  text.append("]");
  return text;
}

// One page holds all, so no cursor was ever given out; the empty one means the first page.
Answer answer_tools_list(const MethodContext& context) {
  const std::string_view cursor = context.message.params.cursor;
  if (!cursor.empty() && cursor != "\"\"" && cursor != "null") {
    return {"", RpcError{RpcCode::kInvalidParams, "The cursor is unknown. Call tools/list without one.", ""}, {}};
  }
  context.backend.prepare();
  return {context.era == Era::kModern ? context.texts.modern_tools : context.texts.legacy_tools, {}, {}};
}

}  // namespace chronos
