#include "tools/protocol_tools.h"

namespace chronos {

const Tool* find_protocol_tool(std::string_view name) {
  static const Tool kTools[] = {await_growth_tool(), complete_names_tool()};
  for (const Tool& tool : kTools) {
    if (tool.name == name) return &tool;
  }
  return nullptr;
}

}  // namespace chronos
