#include "mcp/command_line_access.h"

#include <CLI/CLI.hpp>
#include <map>
#include <string>

#include "mcp/command_line_forks.h"

namespace chronos {
namespace {

constexpr const char* kFooter = R"(
A token is shown once, when it is created; the data directory keeps its hash only. A running server notices at once.
As soon as a store has tokens, chronos serve asks everybody for one. Whoever has a token may read all of the store.

Examples:
  chronos token create --name ann --role writer
  chronos token create --name planner --role writer --forks-only --streams plan- --expires 30d
  chronos token create --name dashboard --role reader --calls-per-minute 600
  chronos token list
  chronos token revoke ann)";

constexpr const char* kRoles = R"(
Roles, each with what those before it may do:
  reader   read everything
  writer   append; create forks, and discard its own
  merger   merge forks
  admin    discard the forks of others, protect main, change settings

The token goes to standard output, alone: TOKEN=$(chronos token create --name ann --role writer))";

void add_create(CLI::App& token, CommandLine& line) {
  CLI::App* command = add_command(token, line, "create", "Make a token, and print it", kRoles);
  auto& options = line.token;
  command->add_option("--name", options.name, "Who has it: recorded as the actor of what is done with it")
      ->type_name("NAME")
      ->required();
  command->add_option("--role", options.role, "reader, writer, merger or admin")
      ->type_name("ROLE")
      ->required()
      ->check(CLI::IsMember({"reader", "writer", "merger", "admin"}));
  command
      ->add_option("--streams", options.streams,
                   "It may append only to streams that begin with this; give it again for more")
      ->type_name("PREFIX")
      ->allow_extra_args(false);
  command->add_flag("--forks-only", options.forks_only, "It may append to forks, not to main, nor merge into main");
  const std::map<std::string, uint64_t> units = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86'400}};
  command->add_option("--expires", options.lifetime_seconds, "Ends after this time: seconds, or like 12h, 30d")
      ->type_name("TIME")
      ->transform(CLI::AsNumberWithUnit(units, CLI::AsNumberWithUnit::CASE_SENSITIVE))
      ->check(CLI::Range(uint64_t{1}, uint64_t{3'153'600'000}));
  command->add_option("--calls-per-minute", options.calls_per_minute, "How often it may call (default: no limit)")
      ->type_name("N")
      ->check(CLI::Range(uint32_t{1}, uint32_t{10'000'000}));
  command
      ->add_option("--max-request", options.max_request_bytes,
                   "The largest request it may send: bytes, or like 64KiB (default: the server's limit)")
      ->type_name("SIZE")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(uint64_t{1024}, uint64_t{1} << 40));
}

void add_list(CLI::App& token, CommandLine& line) {
  add_command(token, line, "list", "List the tokens: names, roles, limits; not the tokens themselves", R"(
Example:
  chronos token list)");
}

void add_revoke(CLI::App& token, CommandLine& line) {
  CLI::App* command = add_command(token, line, "revoke", "End a token now", R"(
Streams that it has open end, too. When no token is left, nobody gets in: delete the file 'tokens' in the data directory
to serve without tokens again.

Example:
  chronos token revoke ann)");
  command->add_option("NAME", line.token.name, "As it was created")->required();
}

}  // namespace

CLI::App* add_token_commands(CLI::App& app, CommandLine& line) {
  CLI::App* token = app.add_subcommand("token", "Create, list and revoke the tokens of whoever comes over HTTP");
  token->require_subcommand(1);
  token->footer(kFooter);
  add_create(*token, line);
  add_list(*token, line);
  add_revoke(*token, line);
  return token;
}

CommandLine::Command chosen_token_command(const CLI::App& token) {
  using Command = CommandLine::Command;
  if (token.got_subcommand("create")) return Command::kTokenCreate;
  return token.got_subcommand("revoke") ? Command::kTokenRevoke : Command::kTokenList;
}

void add_access_options(CLI::App& command, AccessOptions& options) {
  command.add_flag("--insecure", options.let_everybody_in,
                   "Serve without tokens on an address that others reach: everybody is local there");
  auto* issuer = command
                     .add_option("--oauth-issuer", options.oauth.issuer,
                                 "Take JSON Web Tokens of this issuer, as its tokens name it")
                     ->type_name("URL");
  auto* audience = command
                       .add_option("--oauth-audience", options.oauth.audience,
                                   "What such a token must be for: the address of this server, as clients know it")
                       ->type_name("URL");
  command
      .add_option("--oauth-keys", options.oauth.keys,
                  "The keys of the issuer, a JSON Web Key Set (default: what the issuer's metadata names)")
      ->type_name("FILE|URL")
      ->needs(issuer);
  command
      .add_option("--oauth-calls-per-minute", options.oauth.calls_per_minute,
                  "How often each subject of such a token may call (default: no limit)")
      ->type_name("N")
      ->needs(issuer)
      ->check(CLI::Range(uint32_t{1}, uint32_t{10'000'000}));
  issuer->needs(audience);
  audience->needs(issuer);
}

}  // namespace chronos
