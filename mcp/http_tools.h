// Tools without MCP: POST the arguments, get the answer.
#pragma once

#include <span>
#include <string_view>

#include "core/principal.h"
#include "mcp/http_exchange.h"
#include "mcp/tool_backend.h"
#include "tools/tool.h"

namespace chronos {

struct PlainCall {
  std::span<const Tool> tools;
  ToolBackend& backend;
  Principal principal;  // who calls
  size_t max_body;
};

// The path of a call is this and the tool's name.
inline constexpr std::string_view kToolsPath = "/v1/tools";

// Runs the tool of that name with the body as its arguments ({} when it is empty) and answers what it answers: the
// same JSON as in MCP, an error with the status of its code.
void answer_plain_call(HttpExchange& exchange, std::string_view tool_name, const PlainCall& call);

}  // namespace chronos
