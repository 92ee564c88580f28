// Calls that the protocol makes on its own behalf, for whoever may read: no protocol lists or takes them.
#pragma once

#include <string_view>

#include "tools/tool.h"

namespace chronos {

// Null when there is none of that name.
const Tool* find_protocol_tool(std::string_view name);

Tool await_growth_tool();    // tools/await_growth.cc
Tool complete_names_tool();  // tools/complete_names.cc

}  // namespace chronos
