// The part of the command line that says who may do what: the tokens of a store, and whom `chronos serve` lets in.
#pragma once

#include "mcp/access_options.h"
#include "mcp/command_line.h"

namespace CLI {
class App;
}

namespace chronos {

CLI::App* add_token_commands(CLI::App& app, CommandLine& line);
// Which of the commands of `token` was given.
CommandLine::Command chosen_token_command(const CLI::App& token);

// The options of `chronos serve` that are about access.
void add_access_options(CLI::App& command, AccessOptions& options);

}  // namespace chronos
