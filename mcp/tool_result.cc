#include "mcp/tool_result.h"

#include "core/valid_json.h"
#include "tools/tool.h"

namespace chronos {

std::string tool_result(const Result<std::string>& answer) {
  const bool failed = !answer;
  const std::string error = failed ? error_json(answer.error()) : "";
  const std::string& text = failed ? error : *answer;
  std::string result;
  result.reserve(text.size() * 9 / 4 + 256);
  result.append(R"({"content":[{"type":"text","text":)");
  append_json_string(result, text);
  result.append("}]");
  // Not beside an error: clients check structuredContent against the tool's outputSchema.
  if (failed) {
    result.append(R"(,"isError":true)");
  } else {
    result.append(R"(,"structuredContent":)").append(text);
  }
  return result + "}";
}

}  // namespace chronos
