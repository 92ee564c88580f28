#include "mcp/command_line_search.h"

#include <CLI/CLI.hpp>

#include "mcp/command_line_forks.h"

namespace chronos {
namespace {

void add_search(CLI::App& app, CommandLine& line) {
  CLI::App* command = add_command(app, line, "search", "Find events by words, best first", R"(
Words in any order, "a phrase" that must be there, -word that must not; type: stream: tag: narrow it down. Put the whole
of it in single quotes.

Examples:
  chronos search refund
  chronos search 'refund "payment failed" -test type:OrderPaid'
  chronos search refund --as-of 2026-01-31T09:00:00Z
  chronos search refund --fork try-2 --mode keyword --limit 50)");
  command->add_option("QUERY", line.search.words, "What to look for")->required();
  command->add_option("--fork", line.fork, "The fork to search")->type_name("NAME")->capture_default_str();
  command->add_option("--as-of", line.as_of, "A position or an RFC 3339 time (default: now)")->type_name("MOMENT");
  command
      ->add_option("--mode", line.search.mode, "hybrid: all the store has; keyword: words alone; vector: vectors alone")
      ->type_name("MODE")
      ->check(CLI::IsMember({"hybrid", "keyword", "vector"}))
      ->capture_default_str();
  command->add_option("--limit", line.search.limit, "How many, at most 100")
      ->type_name("N")
      ->check(CLI::Range(uint64_t{1}, uint64_t{100}))
      ->capture_default_str();
}

void add_set(CLI::App& index, CommandLine& line) {
  CLI::App* command = add_command(index, line, "set", "Show the settings of search, or change one", R"(
Without a name they are listed. With a name and no value it gets its default again. When what is indexed of a text
changes, the index is made again in the background.

Examples:
  chronos index set
  chronos index set language german
  chronos index set fields '{"Message":["/text"],"*":["/note"]}'
  chronos index set k1)");
  command->add_option("NAME", line.search.setting, "Which one");
  command->add_option("VALUE", line.search.value, "Its value");
  add_actor(*command, line);
}

}  // namespace

CLI::App* add_search_commands(CLI::App& app, CommandLine& line) {
  add_search(app, line);
  CLI::App* index = app.add_subcommand("index", "The index that search finds events by");
  index->require_subcommand(1);
  index->footer(R"(
Examples:
  chronos index status
  chronos index rebuild
  chronos index set language german)");
  add_command(*index, line, "status", "How far it is, and how large", R"(
Example:
  chronos index status)");
  CLI::App* rebuild = add_command(*index, line, "rebuild", "Delete it and make it anew from the events", R"(
It is made in the background by the process that has the store, and as far as a search needs it before that.

Example:
  chronos index rebuild)");
  add_actor(*rebuild, line);
  add_set(*index, line);
  return index;
}

CommandLine::Command chosen_index_command(const CLI::App& index) {
  if (index.got_subcommand("rebuild")) return CommandLine::Command::kIndexRebuild;
  return index.got_subcommand("set") ? CommandLine::Command::kIndexSet : CommandLine::Command::kIndexStatus;
}

}  // namespace chronos
