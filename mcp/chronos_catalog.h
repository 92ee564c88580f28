// All that Chronos lists to clients of MCP.
#pragma once

#include <span>
#include <string>

#include "mcp/offer.h"
#include "tools/tool.h"

namespace chronos {

// The definitions of tools as tools/list has them: a JSON array.
std::string tools_array(std::span<const Tool> tools);

Catalog chronos_catalog(std::span<const Tool> tools);

}  // namespace chronos
