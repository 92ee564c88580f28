// The part of the command line that serves over HTTP.
#pragma once

#include "mcp/command_line.h"

namespace CLI {
class App;
}

namespace chronos {

void add_serve(CLI::App& app, CommandLine& line);

}  // namespace chronos
