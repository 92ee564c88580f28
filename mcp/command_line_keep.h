// The part of the command line that keeps stores safe: verify, salvage, backup, restore.
#pragma once

#include "mcp/command_line.h"

namespace CLI {
class App;
}

namespace chronos {

void add_keep_commands(CLI::App& app, CommandLine& line);

}  // namespace chronos
