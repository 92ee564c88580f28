// The command line as data: what was asked for, checked as far as it can be without a store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "mcp/access_options.h"

namespace chronos {

// Told by --help.
enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,
  kExitUsage = 2,
  kExitUnavailable = 3,
  kExitCorrupt = 4,
  kExitBadInput = 5,
  kExitInterrupted = 130,
};

// Variables of the environment; empty when not set.
struct Environment {
  std::string data_directory;  // CHRONOS_DATA
  std::string xdg_data_home;   // XDG_DATA_HOME
  std::string home;            // HOME
};

struct CommandLine {
  enum class Command {
    kStdio,
    kServe,
    kImport,
    kExport,
    kCall,
    kVerify,
    kTools,
    kForkList,
    kForkCreate,
    kForkMerge,
    kForkDiscard,
    kForkDiff,
    kProtect,
    kSalvage,
    kBackup,
    kRestore,
    kSearch,
    kIndexStatus,
    kIndexRebuild,
    kIndexSet,
    kTokenCreate,
    kTokenList,
    kTokenRevoke
  };
  struct ForkOptions {
    std::string name;     // create, merge, discard
    std::string from;     // create
    std::string purpose;  // create
    uint64_t ttl_seconds = 0;
    std::string into;  // merge
    std::string on_conflict = "abort";
    std::string only;  // a MATCH as JSON
    bool preview = false;
    std::string reason;  // discard
    std::string left;    // diff: FORK or FORK@MOMENT
    std::string right;
  };
  struct SearchOptions {
    std::vector<std::string> words;
    std::string mode = "hybrid";
    uint64_t limit = 10;
    std::string setting;  // index set: its name
    std::string value;
  };
  struct ServeOptions {
    std::string listen = "127.0.0.1:8787";
    std::string address = "127.0.0.1";  // of `listen`
    uint16_t port = 8787;
    std::string tls_certificate;
    std::string tls_key;
    std::vector<std::string> allow_hosts;
    std::vector<std::string> allow_origins;
    AccessOptions access;
  };
  struct TokenOptions {
    std::string name;
    std::string role;
    std::vector<std::string> streams;
    bool forks_only = false;
    std::optional<uint64_t> lifetime_seconds;
    std::optional<uint32_t> calls_per_minute;
    std::optional<uint64_t> max_request_bytes;
  };
  Command command = Command::kStdio;
  std::string data_directory;
  uint64_t max_memory = uint64_t{1} << 30;
  std::string actor = "local";
  std::string file = "-";  // import, export
  std::string fork = "main";
  size_t batch = 1024;
  bool again = false;
  std::string import_id;
  std::string as_of;
  std::string stream;
  uint64_t since_position = 0;
  std::string tool;
  std::string arguments = "{}";  // "-": on standard input
  ForkOptions forks;
  ServeOptions serve;
  SearchOptions search;
  TokenOptions token;
  std::string protection;               // protect: on or off
  std::string from;                     // restore: the backup
  std::string to;                       // salvage, backup, restore: the new directory
  std::optional<uint64_t> to_position;  // restore
};

// The command, or the exit code when there is nothing to run (help and version were printed, or what is wrong).
std::variant<CommandLine, ExitCode> parse_command_line(int argc, const char* const* argv,
                                                       const Environment& environment);

}  // namespace chronos
