#include "mcp/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <memory>

#include "mcp/command_line_access.h"
#include "mcp/command_line_forks.h"
#include "mcp/command_line_keep.h"
#include "mcp/command_line_search.h"
#include "mcp/command_line_serve.h"
#include "version.h"

namespace chronos {
namespace {

constexpr const char* kFooter = R"(
Examples:
  chronos stdio                                       serve MCP to an agent client
  chronos serve                                       the same, and plain tool calls, over HTTP
  chronos import events.ndjson                        one event a line; run it again to resume
  chronos export > events.ndjson
  chronos call append_events '{"events":[{"stream":"order-7","type":"OrderPaid","data":{"amount":12}}]}'
  chronos call get_state '{"stream":"order-7","as_of":1042}'
  chronos fork create try-2 --ttl 7d                  a line of history to try something in
  chronos fork merge try-2 --preview                  what bringing it back would do
  chronos search 'refund "payment failed"'            events by words, best first
  chronos token create --name ann --role writer       let somebody in over HTTP
  chronos verify
  chronos backup --to ./backup                        while others append

Exit codes:
  0  done
  1  the operation failed (call: the error is on standard output as JSON)
  2  wrong usage
  3  the store cannot be opened or used: locked, unreadable, of a newer version, disk full
  4  the store is corrupt
  5  bad input data (import)
  130  interrupted

Several processes may use one data directory at the same time.)";

constexpr uint64_t kLeastMemory = uint64_t{64} << 20;

// A size in bytes, KiB, MiB, GiB or TiB; the text becomes the number of bytes.
CLI::Validator memory_size() {
  return {[](std::string& text) -> std::string {
            constexpr std::string_view kUnits[] = {"", "KiB", "MiB", "GiB", "TiB"};
            uint64_t number = 0;
            const char* const end = text.data() + text.size();
            const auto parsed = std::from_chars(text.data(), end, number);
            const std::string_view unit(parsed.ptr, static_cast<size_t>(end - parsed.ptr));
            const auto* const known = std::find(std::begin(kUnits), std::end(kUnits), unit);
            const auto shift = static_cast<unsigned>(known - std::begin(kUnits)) * 10;
            if (parsed.ec != std::errc() || known == std::end(kUnits) || number > UINT64_MAX >> shift) {
              return "'" + text + "' is no size; give bytes, or a number and KiB, MiB, GiB or TiB, like 512MiB";
            }
            if (number << shift < kLeastMemory) {
              return "'" + text + "' is too little; give at least 64MiB";
            }
            text = std::to_string(number << shift);
            return "";
          },
          ""};
}

}  // namespace

CLI::App* add_bare_command(CLI::App& app, CommandLine& line, const char* name, const char* description,
                           const char* footer) {
  CLI::App* command = app.add_subcommand(name, description);
  command
      ->add_option("--max-memory", line.max_memory,
                   "What the process should stay below, at least 64MiB: bytes, or like 512MiB, 2GiB")
      ->type_name("SIZE")
      ->transform(memory_size())
      ->default_str("1GiB");
  command->footer(footer);
  return command;
}

CLI::App* add_command(CLI::App& app, CommandLine& line, const char* name, const char* description, const char* footer) {
  CLI::App* command = add_bare_command(app, line, name, description, footer);
  command
      ->add_option("--data", line.data_directory,
                   "The data directory (default: $CHRONOS_DATA, else $XDG_DATA_HOME/chronos, else "
                   "~/.local/share/chronos)")
      ->type_name("DIR");
  return command;
}

void add_actor(CLI::App& command, CommandLine& line) {
  command.add_option("--actor", line.actor, "Who is recorded as the actor")->type_name("NAME")->capture_default_str();
}

namespace {

std::string default_directory(const Environment& environment) {
  if (!environment.data_directory.empty()) return environment.data_directory;
  if (!environment.xdg_data_home.empty()) return environment.xdg_data_home + "/chronos";
  if (!environment.home.empty()) return environment.home + "/.local/share/chronos";
  return "";
}

void add_import(CLI::App& app, CommandLine& line) {
  CLI::App* command = add_command(app, line, "import",
                                  "Append events from a file or standard input: one JSON object a line, exactly once",
                                  R"(
An input is recognised by its content from its first line on: run the same import again, after a crash or when the
file has grown, and it continues where it stopped. It ends at the first bad line, says which, and keeps all before it.

Examples:
  chronos import events.ndjson
  zcat events.ndjson.gz | chronos import -
  chronos import --again events.ndjson                the same events a second time, on purpose
  chronos import --fork what-if events.ndjson)");
  command->add_option("FILE", line.file, "What to read; - is standard input")->capture_default_str();
  command->add_option("--fork", line.fork, "The fork to append to")->type_name("NAME")->capture_default_str();
  command->add_option("--batch", line.batch, "Events made durable together, rounded down to a power of two")
      ->type_name("N")
      ->check(CLI::Range(1, 8192))
      ->capture_default_str();
  add_actor(*command, line);
  auto* id = command->add_option("--import-id", line.import_id, "Imports with another id do not know of each other")
                 ->type_name("ID");
  command->add_flag("--again", line.again, "Import under a new id, which is printed")->excludes(id);
}

void add_export(CLI::App& app, CommandLine& line) {
  CLI::App* command = add_command(app, line, "export", "Write the events of a fork, one JSON object a line", R"(
Examples:
  chronos export > events.ndjson
  chronos export --as-of 1042 --stream order-7
  chronos export --fork what-if --since-position 1000 new.ndjson
  chronos export --as-of 2026-11-22T10:00:00Z --data ./store events.ndjson)");
  command->add_option("FILE", line.file, "Where to write; - is standard output")->capture_default_str();
  command->add_option("--fork", line.fork, "The fork to read")->type_name("NAME")->capture_default_str();
  command->add_option("--as-of", line.as_of, "A position or an RFC 3339 time (default: now)")->type_name("MOMENT");
  command->add_option("--stream", line.stream, "Only this stream")->type_name("NAME");
  command->add_option("--since-position", line.since_position, "Only events after this position")->type_name("N");
}

void add_call(CLI::App& app, CommandLine& line) {
  CLI::App* command = add_command(app, line, "call", "Run one tool and print its answer, a JSON object", R"(
Examples:
  chronos call describe_store
  chronos call query_events '{"stream":"order-7","limit":5}'
  chronos call append_events - < append.json)");
  command->add_option("TOOL", line.tool, "Its name; chronos tools lists them")->required();
  command->add_option("JSON", line.arguments, "Its arguments, a JSON object; - reads them from standard input")
      ->capture_default_str();
  add_actor(*command, line);
}

}  // namespace

std::variant<CommandLine, ExitCode> parse_command_line(int argc, const char* const* argv,
                                                       const Environment& environment) {
  CommandLine line;
  line.data_directory = default_directory(environment);
  CLI::App app("An event store for AI agents: every fact kept, any past moment readable.", "chronos");
  app.require_subcommand(1);
  app.set_version_flag("--version", "chronos " CHRONOS_VERSION);
  app.footer(kFooter);
  add_command(app, line, "stdio", "Serve MCP over standard input and output", R"(
Examples:
  chronos stdio
  chronos stdio --data ./store)");
  add_serve(app, line);
  add_import(app, line);
  add_export(app, line);
  add_call(app, line);
  CLI::App* fork = add_fork_commands(app, line);
  add_protect(app, line);
  CLI::App* index = add_search_commands(app, line);
  CLI::App* token = add_token_commands(app, line);
  add_keep_commands(app, line);
  add_command(app, line, "tools", "List the tools", R"(
Example:
  chronos tools)");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  using Command = CommandLine::Command;
  constexpr std::pair<const char*, Command> kCommands[] = {
      {"stdio", Command::kStdio},   {"serve", Command::kServe},     {"import", Command::kImport},
      {"export", Command::kExport}, {"call", Command::kCall},       {"verify", Command::kVerify},
      {"tools", Command::kTools},   {"protect", Command::kProtect}, {"salvage", Command::kSalvage},
      {"backup", Command::kBackup}, {"restore", Command::kRestore},
      {"search", Command::kSearch}};
  for (const auto& [name, command] : kCommands) {
    if (app.got_subcommand(name)) line.command = command;
  }
  if (fork->parsed()) line.command = chosen_fork_command(*fork);
  if (index->parsed()) line.command = chosen_index_command(*index);
  if (token->parsed()) line.command = chosen_token_command(*token);
  if (line.command == Command::kRestore) line.data_directory = line.to;
  if (line.data_directory.empty()) {
    std::cerr << "chronos: no data directory is known: give --data DIR or set CHRONOS_DATA\n";
    return kExitUsage;
  }
  return line;
}

}  // namespace chronos
