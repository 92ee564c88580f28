#include "mcp/command_line_forks.h"

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <utility>

namespace chronos {
namespace {

constexpr const char* kFooter = R"(
Examples:
  chronos fork list
  chronos fork create try-2 --purpose "cheaper plan" --ttl 7d
  chronos call append_events '{"fork":"try-2","events":[{"stream":"order-7","type":"OrderPaid","data":{}}]}'
  chronos fork diff main try-2
  chronos fork merge try-2 --preview
  chronos fork merge try-2
  chronos fork discard try-2 --reason "merged")";

void add_list(CLI::App& fork, CommandLine& line) {
  add_command(fork, line, "list", "Draw the forks as a tree: where each left, its head, its events, its purpose", R"(
Example:
  chronos fork list)");
}

void add_create(CLI::App& fork, CommandLine& line) {
  CLI::App* command = add_command(fork, line, "create", "Make a fork of any moment of any fork", R"(
Examples:
  chronos fork create try-2
  chronos fork create try-3 --from try-2 --as-of 1042 --purpose "what if it had failed"
  chronos fork create scratch --ttl 2h)");
  command->add_option("NAME", line.forks.name, "Letters, digits, '-', '_' and '.'; never used before")->required();
  command->add_option("--from", line.forks.from, "The fork it leaves (default: main)")->type_name("FORK");
  command->add_option("--as-of", line.as_of, "A position or an RFC 3339 time (default: now)")->type_name("MOMENT");
  command->add_option("--purpose", line.forks.purpose, "What it is for")->type_name("TEXT");
  const std::map<std::string, uint64_t> units = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86'400}};
  command->add_option("--ttl", line.forks.ttl_seconds, "Discarded after this time: seconds, or like 30m, 2h, 7d")
      ->type_name("TIME")
      ->transform(CLI::AsNumberWithUnit(units, CLI::AsNumberWithUnit::CASE_SENSITIVE))
      ->check(CLI::Range(uint64_t{1}, uint64_t{3'153'600'000}));
  add_actor(*command, line);
}

void add_merge(CLI::App& fork, CommandLine& line) {
  CLI::App* command = add_command(fork, line, "merge", "Bring the events of a fork into another, all or nothing", R"(
Shows what happens to each batch of the fork: clean (can be appended), conflict (a condition it was appended with does
not hold there), duplicate (is there already). Exit code 1 when a conflict keeps it from being merged.

Examples:
  chronos fork merge try-2 --preview                  only look
  chronos fork merge try-2
  chronos fork merge try-2 --into try-1 --on-conflict skip
  chronos fork merge try-2 --only '[{"streams":["order-7"]}]')");
  command->add_option("NAME", line.forks.name, "The fork to merge")->required();
  command->add_option("--into", line.forks.into, "The fork that gets the events (default: its parent)")
      ->type_name("FORK");
  command
      ->add_option("--on-conflict", line.forks.on_conflict,
                   "abort: merge nothing; skip: leave such batches behind; source_wins: append them all the same")
      ->type_name("MODE")
      ->check(CLI::IsMember({"abort", "skip", "source_wins"}))
      ->capture_default_str();
  command->add_option("--only", line.forks.only, "Only batches with an event that matches this MATCH")
      ->type_name("JSON");
  command->add_flag("--preview", line.forks.preview, "Write nothing");
  add_actor(*command, line);
}

void add_discard(CLI::App& fork, CommandLine& line) {
  CLI::App* command = add_command(fork, line, "discard", "End a fork for good; what was merged from it stays", R"(
Example:
  chronos fork discard try-2 --reason "merged")");
  command->add_option("NAME", line.forks.name, "The fork to discard")->required();
  command->add_option("--reason", line.forks.reason, "Why, for whoever asks later")->type_name("TEXT");
  add_actor(*command, line);
}

void add_diff(CLI::App& fork, CommandLine& line) {
  CLI::App* command = add_command(fork, line, "diff", "What differs between two forks, or two moments", R"(
Examples:
  chronos fork diff main try-2
  chronos fork diff main@1042 main
  chronos fork diff main@2026-11-22T10:00:00Z try-2 --stream order-7)");
  command->add_option("LEFT", line.forks.left, "FORK, or FORK@MOMENT: a position or an RFC 3339 time")->required();
  command->add_option("RIGHT", line.forks.right, "The same")->required();
  command->add_option("--stream", line.stream, "Only this stream, field by field")->type_name("NAME");
}

}  // namespace

CLI::App* add_fork_commands(CLI::App& app, CommandLine& line) {
  CLI::App* fork = app.add_subcommand("fork", "Try something in a line of history of its own, and merge it or not");
  fork->require_subcommand(1);
  fork->footer(kFooter);
  add_list(*fork, line);
  add_create(*fork, line);
  add_merge(*fork, line);
  add_discard(*fork, line);
  add_diff(*fork, line);
  return fork;
}

CommandLine::Command chosen_fork_command(const CLI::App& fork) {
  using Command = CommandLine::Command;
  constexpr std::pair<const char*, Command> kCommands[] = {{"create", Command::kForkCreate},
                                                           {"merge", Command::kForkMerge},
                                                           {"discard", Command::kForkDiscard},
                                                           {"diff", Command::kForkDiff}};
  for (const auto& [name, command] : kCommands) {
    if (fork.got_subcommand(name)) return command;
  }
  return Command::kForkList;
}

void add_protect(CLI::App& app, CommandLine& line) {
  CLI::App* command = add_command(app, line, "protect", "Let main take events by merges only, or by appends again", R"(
While main is protected, append_events to it is refused and says how: create a fork, append there, merge it.

Examples:
  chronos protect on
  chronos protect off)");
  command->add_option("STATE", line.protection, "Whether main is protected: on or off")
      ->required()
      ->check(CLI::IsMember({"on", "off"}));
  add_actor(*command, line);
}

}  // namespace chronos
