#include "mcp/http_tools.h"

#include <optional>
#include <utility>

#include "core/batch.h"
#include "core/log.h"
#include "core/valid_json.h"

namespace chronos {
namespace {

// What the arguments wrap around the data of an event: the object, the list of events, the event.
constexpr size_t kArgumentLevels = 8;

const Tool* find_in(std::span<const Tool> tools, std::string_view name) {
  for (const Tool& tool : tools) {
    if (tool.name == name) return &tool;
  }
  return nullptr;
}

Error unknown_tool(std::span<const Tool> tools, std::string_view name) {
  std::string names;
  for (const Tool& tool : tools) names.append(names.empty() ? "" : ", ").append(tool.name);
  return {Code::kNotFound, "There is no tool '" + std::string(name) + "'. Known: " + names + ".", ""};
}

Result<ValidJson> arguments_of(const std::string& body) {
  auto json = validate_json(body, Limits{}.json_depth + kArgumentLevels);
  if (!json) return Error{json.error().code, "The body is not JSON: " + json.error().message, ""};
  const size_t first = body.find_first_not_of(" \t\r\n");
  if (body[first] != '{') {
    return Error{Code::kInvalidArgument, "The body must be the arguments, a JSON object. Send {} for none.", ""};
  }
  return json;
}

}  // namespace

void answer_plain_call(HttpExchange& exchange, std::string_view tool_name, const PlainCall& plain) {
  const Tool* tool = find_in(plain.tools, tool_name);
  if (tool == nullptr) return exchange.answer_error(404, unknown_tool(plain.tools, tool_name));
  if (exchange.head().method != "POST") {
    const Error error{Code::kInvalidArgument, "Call a tool by POST, with its arguments as the body.", ""};
    return exchange.answer_error(405, error, {{"Allow", "POST"}});
  }
  if (exchange.head().has_body() && !exchange.head().is_type("application/json")) {
    const Error error{Code::kInvalidArgument, "Send the arguments as Content-Type application/json.", ""};
    return exchange.answer_error(415, error);
  }
  std::optional<std::string> body = exchange.read_body(plain.max_body);
  if (!body) return;
  if (body->empty()) {
    *body = "{}";
    body->reserve(body->size() + kSimdPadding);
  }
  const auto arguments = arguments_of(*body);
  if (!arguments) return exchange.answer_error(http_status(arguments.error().code), arguments.error());

  std::stop_source stop;
  const std::stop_callback when_overdue(exchange.overdue(), [&] {
    if (tool->read_only) stop.request_stop();
  });
  ToolCall call;
  call.tool = tool;
  call.arguments = *arguments;
  call.principal = plain.principal;
  call.cancelled = stop.get_token();
  auto answer = plain.backend.call(call);
  if (!answer) return exchange.answer_error(http_status(answer.error().code), answer.error());
  exchange.answer_json(200, std::move(*answer));
}

}  // namespace chronos
