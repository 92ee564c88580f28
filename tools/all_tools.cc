#include "core/valid_json.h"
#include "tools/json_writer.h"
#include "tools/table.h"
#include "tools/tool.h"

namespace chronos {

std::span<const Tool> all_tools() {
  static const Tool kTools[] = {
      describe_store_tool(), append_events_tool(),  query_events_tool(), get_state_tool(),  compare_tool(),
      search_events_tool(),  trace_events_tool(),   create_fork_tool(),  list_forks_tool(), merge_fork_tool(),
      discard_fork_tool(),   verify_history_tool(), guide_tool(),
  };
  return kTools;
}

std::span<const Tool> admin_tools() {
  static const Tool kTools[] = {set_protection_tool(), backup_store_tool(), change_settings_tool(),
                                search_index_tool()};
  return kTools;
}

namespace {

const Tool* find_in(std::span<const Tool> tools, std::string_view name) {
  for (const Tool& tool : tools) {
    if (tool.name == name) return &tool;
  }
  return nullptr;
}

}  // namespace

const Tool* find_tool(std::string_view name) { return find_in(all_tools(), name); }
const Tool* find_admin_tool(std::string_view name) { return find_in(admin_tools(), name); }

std::string error_json(const Error& error) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("error").begin_object();
  json.key("code").string(code_name(error.code));
  json.key("message").string(error.message);
  json.key("retryable").boolean(is_retryable(error.code));
  if (!error.details.empty()) json.key("details").raw(error.details);
  json.end_object().end_object();
  return text;
}

}  // namespace chronos
