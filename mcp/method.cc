#include "mcp/method.h"

namespace chronos {
namespace {

// Prompts, resources, completion, logging and subscriptions are not offered: unknown methods, like any other.
constexpr Method kMethods[] = {
    // name              legacy  modern
    {"initialize", true, false, answer_initialize},    {"ping", true, false, answer_ping},
    {"server/discover", false, true, answer_discover}, {"tools/list", true, true, answer_tools_list},
    {"tools/call", true, true, answer_tools_call},
};

}  // namespace

const Method* find_method(std::string_view name) {
  for (const Method& method : kMethods) {
    if (method.name == name) return &method;
  }
  return nullptr;
}

}  // namespace chronos
