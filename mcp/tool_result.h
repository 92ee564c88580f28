// The result of a tools/call in MCP's words, of the answer of a tool (tools/tool.h).
#pragma once

#include <string>

#include "core/result.h"

namespace chronos {

// {"content":[{"type":"text",...}],"structuredContent":ANSWER}, or with isError.
std::string tool_result(const Result<std::string>& answer);

}  // namespace chronos
