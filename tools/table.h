// One function per tool, each in the file of the tool's name; all_tools.cc lists them.
#pragma once

#include "tools/tool.h"

namespace chronos {

Tool describe_store_tool();
Tool append_events_tool();
Tool query_events_tool();
Tool search_events_tool();
Tool get_state_tool();
Tool compare_tool();
Tool trace_events_tool();
Tool create_fork_tool();
Tool list_forks_tool();
Tool merge_fork_tool();
Tool discard_fork_tool();
Tool verify_history_tool();
Tool guide_tool();

// For the operator (admin_tools).
Tool set_protection_tool();
Tool backup_store_tool();
Tool change_settings_tool();
Tool search_index_tool();

}  // namespace chronos
