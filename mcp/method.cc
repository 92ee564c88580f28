#include "mcp/method.h"

namespace chronos {
namespace {

bool has_tools(const Catalog& catalog) { return !catalog.tools.empty(); }
bool has_resources(const Catalog& catalog) { return !catalog.resources.empty() || !catalog.templates.empty(); }
bool has_prompts(const Catalog& catalog) { return !catalog.prompts.empty(); }
bool has_tasks(const Catalog& catalog) { return catalog.has_tasks(); }
bool subscribes(const Catalog& catalog) { return catalog.subscribes; }
bool completes(const Catalog& catalog) { return catalog.completes; }
bool logs(const Catalog& catalog) { return catalog.logs; }

constexpr Method kMethods[] = {
    // name, legacy, modern, offered when, answered by
    {"initialize", true, false, nullptr, answer_initialize},
    {"ping", true, false, nullptr, answer_ping},
    {"server/discover", false, true, nullptr, answer_discover},
    {"tools/list", true, true, has_tools, answer_tools_list},
    {"tools/call", true, true, has_tools, answer_tools_call},
    {"resources/list", true, true, has_resources, answer_resources_list},
    {"resources/templates/list", true, true, has_resources, answer_templates_list},
    {"resources/read", true, true, has_resources, answer_resources_read},
    {"resources/subscribe", true, false, subscribes, answer_resources_subscribe},
    {"resources/unsubscribe", true, false, subscribes, answer_resources_unsubscribe},
    {"prompts/list", true, true, has_prompts, answer_prompts_list},
    {"prompts/get", true, true, has_prompts, answer_prompts_get},
    {"completion/complete", true, true, completes, answer_complete},
    {"logging/setLevel", true, false, logs, answer_set_level},
    {"subscriptions/listen", false, true, nullptr, answer_listen},
    {"tasks/get", false, true, has_tasks, answer_tasks_get},
    {"tasks/update", false, true, has_tasks, answer_tasks_update},
    {"tasks/cancel", false, true, has_tasks, answer_tasks_cancel},
};

}  // namespace

Answer Answer::missing(Capability capability) {
  return refused(RpcCode::kMissingCapability,
                 "The request needs a client with the capability '" + std::string(capability_name(capability)) +
                     "'. Declare it in the request's clientCapabilities.",
                 kHttpBadRequest, required_capability(capability));
}

const Method* find_method(std::string_view name, Era era, const Catalog& catalog) {
  for (const Method& method : kMethods) {
    if (method.name != name) continue;
    const bool is_of_era = era == Era::kModern ? method.modern : method.legacy;
    return is_of_era && (method.is_offered == nullptr || method.is_offered(catalog)) ? &method : nullptr;
  }
  return nullptr;
}

}  // namespace chronos
