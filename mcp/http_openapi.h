// The description of what is served without MCP, for programs that make clients of it (OpenAPI 3.1).
#pragma once

#include <span>
#include <string>

#include "tools/tool.h"

namespace chronos {

// `has_events`: /v1/events is served.
std::string openapi_text(std::span<const Tool> tools, bool has_events);

}  // namespace chronos
