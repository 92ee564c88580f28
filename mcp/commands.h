// The commands of the program, one function each: from the command line to an exit code.
//
// Standard output has the answer and nothing else; what people want to know goes to standard error.
#pragma once

#include "core/clock.h"
#include "mcp/command_line.h"
#include "mcp/shared_backend.h"
#include "mcp/stop_signal.h"

namespace chronos {

struct Workplace {
  SharedBackend& backend;
  StopSignal& stop;
  Clock& clock;
  Random& random;
  Disk& disk;
};

// Tells standard error what went wrong.
ExitCode fail(const Error& error, ExitCode code);
// What a store that cannot be opened or used means for the exit code.
ExitCode exit_code_of(const Error& error, ExitCode otherwise);

ExitCode run_stdio(const CommandLine& line, Workplace place);
ExitCode run_serve(const CommandLine& line, Workplace place);
ExitCode run_import(const CommandLine& line, Workplace place);
ExitCode run_export(const CommandLine& line, Workplace place);
ExitCode run_call(const CommandLine& line, Workplace place);
ExitCode run_verify(const CommandLine& line, Workplace place);
ExitCode run_salvage(const CommandLine& line, Workplace place);
ExitCode run_backup(const CommandLine& line, Workplace place);
ExitCode run_restore(const CommandLine& line, Workplace place);
// The commands of `fork`, and protect.
ExitCode run_fork(const CommandLine& line, Workplace place);
ExitCode run_protect(const CommandLine& line, Workplace place);
ExitCode run_search(const CommandLine& line, Workplace place);
// The commands of `index`.
ExitCode run_index(const CommandLine& line, Workplace place);
// The commands of `token`.
ExitCode run_token(const CommandLine& line, Workplace place);
ExitCode run_tools();

}  // namespace chronos
