#include "mcp/server_texts.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "core/valid_json.h"

namespace chronos {
namespace {

std::string text_of(const OfferedTool& tool) { return tool.definition; }
std::string text_of(const OfferedPrompt& prompt) { return prompt.definition; }
std::string text_of(const std::string& definition) { return definition; }

template <typename Items>
std::string list(std::string_view key, const Items& items) {
  std::string text = "{\"" + std::string(key) + "\":[";
  for (size_t i = 0; i < items.size(); i++) text.append(i == 0 ? "" : ",").append(text_of(items[i]));
  return text + "]}";
}

void add(std::string& members, std::string_view key, std::initializer_list<std::pair<std::string_view, bool>> flags) {
  members.append(members.empty() ? "\"" : ",\"").append(key).append("\":{");
  bool is_first = true;
  for (const auto& [flag, is_set] : flags) {
    if (!is_set) continue;
    members.append(is_first ? "\"" : ",\"").append(flag).append("\":true");
    is_first = false;
  }
  members.append("}");
}

std::string capabilities(const Catalog& catalog, Era era) {
  std::string members;
  if (!catalog.tools.empty()) add(members, "tools", {{"listChanged", catalog.tools_change}});
  if (!catalog.resources.empty() || !catalog.templates.empty()) {
    add(members, "resources", {{"subscribe", catalog.subscribes}, {"listChanged", catalog.resources_change}});
  }
  if (!catalog.prompts.empty()) add(members, "prompts", {{"listChanged", catalog.prompts_change}});
  if (catalog.completes) add(members, "completions", {});
  if (catalog.logs) add(members, "logging", {});
  if (era == Era::kModern && catalog.has_tasks()) {
    members.append(members.empty() ? "" : ",").append(R"("extensions":{")").append(kTasksExtension).append("\":{}}");
  }
  return "{" + members + "}";
}

}  // namespace

ServerTexts::ServerTexts(const Catalog& catalog)
    : tools(list("tools", catalog.tools)),
      resources(list("resources", catalog.resources)),
      templates(list("resourceTemplates", catalog.templates)),
      prompts(list("prompts", catalog.prompts)) {
  std::string instructions;
  if (!catalog.instructions.empty()) {
    instructions = ",\"instructions\":";
    append_json_string(instructions, catalog.instructions);
  }
  initialize_end = ",\"capabilities\":" + capabilities(catalog, Era::kLegacy) + ",\"serverInfo\":" +
                   catalog.server_info + instructions + "}";
  discover = R"({"supportedVersions":[")" + std::string(kModernVersion) + R"("],"capabilities":)" +
             capabilities(catalog, Era::kModern) + instructions + "}";
  server_meta_ = R"("io.modelcontextprotocol/serverInfo":)" + catalog.server_info + "}}";
}

std::string ServerTexts::finished(Era era, Outcome outcome) const {
  std::string& text = outcome.result;
  if (era == Era::kLegacy) return std::move(text);
  text.pop_back();
  if (text.size() > 1) text.append(",");
  if (outcome.cache) {
    text.append("\"ttlMs\":").append(std::to_string(outcome.cache->ttl_ms));
    text.append(R"(,"cacheScope":")").append(outcome.cache->is_public ? "public" : "private").append("\",");
  }
  text.append(R"("resultType":")").append(outcome.result_type);
  text.append(R"(","_meta":{)").append(outcome.meta).append(server_meta_);
  return std::move(text);
}

std::string ServerTexts::reply(std::string_view id, Era era, Outcome outcome) const {
  if (outcome.error) return error_reply(id, *outcome.error);
  return result_reply(id, finished(era, std::move(outcome)));
}

bool Catalog::has_tasks() const {
  return std::any_of(tools.begin(), tools.end(), [](const OfferedTool& tool) { return tool.tasks != TaskUse::kNever; });
}

Outcome completion(const std::vector<std::string>& values, bool has_more) {
  constexpr size_t kMost = 100;
  std::string text = R"({"completion":{"values":[)";
  const size_t count = std::min(values.size(), kMost);
  for (size_t i = 0; i < count; i++) {
    text.append(i == 0 ? "" : ",");
    append_json_string(text, values[i]);
  }
  const bool is_cut = has_more || values.size() > count;
  text.append("]");
  if (!has_more) text.append(",\"total\":").append(std::to_string(values.size()));
  return Outcome::of(text + ",\"hasMore\":" + (is_cut ? "true" : "false") + "}}");
}

}  // namespace chronos
