#include "mcp/command_line_keep.h"

#include <CLI/CLI.hpp>

#include "mcp/command_line_forks.h"

namespace chronos {
namespace {

void add_verify(CLI::App& app, CommandLine& line) {
  CLI::App* command =
      add_command(app, line, "verify", "Check that the history is whole; exit code 4 when it is not", R"(
Reads every page of every file and every event, and goes on behind what is damaged: each damaged place is listed with
file and byte. A store that does not open is checked as far as its files can be read.

Examples:
  chronos verify
  chronos verify ./store)");
  command->add_option("DIR", line.data_directory, "The data directory, as --data");
}

void add_to(CLI::App& command, CommandLine& line, const char* what) {
  command.add_option("--to", line.to, what)->type_name("DIR")->required();
}

void add_salvage(CLI::App& app, CommandLine& line) {
  CLI::App* command = add_bare_command(app, line, "salvage",
                                       "Write what is intact of a damaged store to a new one, and list the rest", R"(
The damaged store is only read. Batches are taken as a whole or left out; ids, times and requests stay as they were.
Positions and versions have no gaps in the new store, so they are smaller behind what was lost.
Exit code 4 when something was lost.

Example:
  chronos salvage ./store --to ./saved)");
  command->add_option("DIR", line.data_directory, "The damaged store")->required();
  add_to(*command, line, "The new store, a directory that is not there yet");
}

void add_backup(CLI::App& app, CommandLine& line) {
  CLI::App* command = add_command(app, line, "backup", "Make a copy of the store while others go on appending", R"(
The copy is a store. On the same device it takes next to no time and space: its files are names of the same bytes, which
never change. Copy it to another device to be safe from the loss of this one.

Examples:
  chronos backup --to ./backup
  chronos verify ./backup
  chronos restore ./backup --to ./store)");
  add_to(*command, line, "Where to, a directory that is not there yet");
}

void add_restore(CLI::App& app, CommandLine& line) {
  CLI::App* command =
      add_bare_command(app, line, "restore", "Make a store of a backup, as of its moment or an earlier one", R"(
The backup stays as it is. With --to-position the new store has main up to there, and no forks.

Examples:
  chronos restore ./backup --to ./store
  chronos restore ./backup --to ./before --to-position 1042)");
  command->add_option("BACKUP", line.from, "What chronos backup made, or any store that is not open")->required();
  add_to(*command, line, "The new store, a directory that is not there yet");
  command->add_option("--to-position", line.to_position, "The last position of main to restore")->type_name("N");
}

}  // namespace

void add_keep_commands(CLI::App& app, CommandLine& line) {
  add_verify(app, line);
  add_salvage(app, line);
  add_backup(app, line);
  add_restore(app, line);
}

}  // namespace chronos
