// The part of the command line that is about finding events: search, index.
#pragma once

#include "mcp/command_line.h"

namespace CLI {
class App;
}

namespace chronos {

// chronos search and chronos index ...; the latter is returned.
CLI::App* add_search_commands(CLI::App& app, CommandLine& line);
// Requires: `index` came from add_search_commands and was parsed.
CommandLine::Command chosen_index_command(const CLI::App& index);

}  // namespace chronos
