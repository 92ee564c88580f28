// The part of the command line that is about forks, and what every command of it has.
#pragma once

#include "mcp/command_line.h"

namespace CLI {
class App;
}

namespace chronos {

// A command with --max-memory; `footer` has its examples.
CLI::App* add_bare_command(CLI::App& app, CommandLine& line, const char* name, const char* description,
                           const char* footer);
// A command with --data too.
CLI::App* add_command(CLI::App& app, CommandLine& line, const char* name, const char* description, const char* footer);
void add_actor(CLI::App& command, CommandLine& line);

// chronos fork ...; what is parsed goes to `line`.
CLI::App* add_fork_commands(CLI::App& app, CommandLine& line);
// Requires: `fork` came from add_fork_commands and was parsed.
CommandLine::Command chosen_fork_command(const CLI::App& fork);

void add_protect(CLI::App& app, CommandLine& line);

}  // namespace chronos
