#include "core/batch.h"
#include "core/log.h"
#include "core/valid_json.h"
#include "mcp/method.h"

namespace chronos {
namespace {

constexpr char kNoArguments[2 + kSimdPadding] = "{}";

const Tool* find_tool_in(std::span<const Tool> tools, std::string_view name) {
  for (const Tool& tool : tools) {
    if (tool.name == name) return &tool;
  }
  return nullptr;
}

Answer refuse(std::string why) { return {"", RpcError{RpcCode::kInvalidParams, std::move(why), ""}, {}}; }

// Bad arguments are the tool's error, not the protocol's: that way the model sees what to do better.
Answer tool_error(const MethodContext& context, Code code, std::string why) {
  return {tool_result(Error{code, std::move(why), ""}, context.era, context.texts), {}, {}};
}

}  // namespace

Answer answer_tools_call(const MethodContext& context) {
  const Params& params = context.message.params;
  const std::optional<std::string> name = string_of(params.name);
  if (!name) return refuse("params.name must be the name of a tool, a string.");
  const Tool* tool = find_tool_in(context.tools, *name);
  if (tool == nullptr) return refuse("Unknown tool '" + *name + "'. Call tools/list for the names.");
  if (context.message.too_deep) {
    return tool_error(context, Code::kTooLarge,
                      "The arguments are nested too deep; JSON may have " + std::to_string(Limits{}.json_depth) +
                          " levels. Send flatter data.");
  }
  if (!params.arguments.empty() && !is_object(params.arguments)) {
    return tool_error(context, Code::kInvalidArgument, "The arguments must be a JSON object. Send {} for none.");
  }
  CallStart call;
  call.tool = tool;
  call.id = context.message.id;
  call.arguments = params.arguments.empty() ? std::string_view(kNoArguments, 2) : params.arguments;
  if (is_id(params.meta.progress_token)) call.progress_token = params.meta.progress_token;
  call.era = context.era;
  return {"", {}, std::move(call)};
}

std::string tool_result(const Result<std::string>& answer, Era era, const ServerTexts& texts) {
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
  result.append(era == Era::kModern ? std::string_view(texts.modern_result_end) : std::string_view("}"));
  return result;
}

}  // namespace chronos
