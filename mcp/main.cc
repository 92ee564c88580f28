// The program: reads the environment and the command line, puts the parts together, runs one command.
#include <sys/resource.h>

#include <cstdlib>
#include <string>
#include <variant>

#include "mcp/command_line.h"
#include "mcp/commands.h"
#include "mcp/outgoing_http.h"
#include "mcp/shared_backend.h"
#include "mcp/stop_signal.h"

namespace chronos {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

ExitCode run(const CommandLine& line, Workplace place) {
  switch (line.command) {
    case CommandLine::Command::kStdio: return run_stdio(line, place);
    case CommandLine::Command::kServe: return run_serve(line, place);
    case CommandLine::Command::kImport: return run_import(line, place);
    case CommandLine::Command::kExport: return run_export(line, place);
    case CommandLine::Command::kCall: return run_call(line, place);
    case CommandLine::Command::kVerify: return run_verify(line, place);
    case CommandLine::Command::kTools: return run_tools();
    case CommandLine::Command::kProtect: return run_protect(line, place);
    case CommandLine::Command::kSalvage: return run_salvage(line, place);
    case CommandLine::Command::kBackup: return run_backup(line, place);
    case CommandLine::Command::kRestore: return run_restore(line, place);
    case CommandLine::Command::kSearch: return run_search(line, place);
    case CommandLine::Command::kIndexStatus:
    case CommandLine::Command::kIndexRebuild:
    case CommandLine::Command::kIndexSet: return run_index(line, place);
    case CommandLine::Command::kTokenCreate:
    case CommandLine::Command::kTokenList:
    case CommandLine::Command::kTokenRevoke: return run_token(line, place);
    case CommandLine::Command::kForkList:
    case CommandLine::Command::kForkCreate:
    case CommandLine::Command::kForkMerge:
    case CommandLine::Command::kForkDiscard:
    case CommandLine::Command::kForkDiff: return run_fork(line, place);
  }
  return kExitUsage;
}

// Each sealed file is open; the system's first offer of 1,024 is for programs that wait with select().
void allow_many_files() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &files));
}

}  // namespace
}  // namespace chronos

int main(int argc, char** argv) {
  using namespace chronos;
  allow_many_files();
  const Environment environment{variable("CHRONOS_DATA"), variable("XDG_DATA_HOME"), variable("HOME")};
  const auto parsed = parse_command_line(argc, argv, environment);
  if (const auto* exit_code = std::get_if<ExitCode>(&parsed)) return *exit_code;
  const auto& line = std::get<CommandLine>(parsed);

  StopSignal stop;
  StoreOptions store;
  store.directory = line.data_directory;
  store.max_memory = line.max_memory;
  OutgoingHttp http;
  SharedBackend backend({.store = store, .models = {&http, variable("CHRONOS_EMBEDDING_KEY")}});
  return run(line, {backend, stop, *store.clock, *store.random, *store.disk});
}
