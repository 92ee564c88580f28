// chronos token: create, list, revoke.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "core/time_text.h"
#include "mcp/commands.h"
#include "mcp/token_file.h"
#include "mcp/transfer_files.h"

namespace chronos {
namespace {

ExitCode print(const std::string& text) {
  if (auto written = write_all(STDOUT_FILENO, text); !written) return fail(written.error(), kExitFailed);
  return kExitOk;
}

ExitCode create(const CommandLine& line, Workplace place) {
  NewToken wanted;
  wanted.principal = {line.token.name, role_named(line.token.role).value_or(Role::kReader), line.token.streams,
                      line.token.forks_only};
  wanted.lifetime_seconds = line.token.lifetime_seconds;
  wanted.calls_per_minute = line.token.calls_per_minute;
  wanted.max_request_bytes = line.token.max_request_bytes;
  const auto token = create_token(place.disk, line.data_directory, place.clock, place.random, wanted);
  if (!token) return fail(token.error(), exit_code_of(token.error(), kExitFailed));
  std::fprintf(stderr, "%s is a %s; this is the only time its token is shown\n", line.token.name.c_str(),
               line.token.role.c_str());
  return print(*token + "\n");
}

std::string limits_of(const Token& token, Timestamp now) {
  std::string text;
  const auto add = [&](const std::string& limit) { text += (text.empty() ? "" : ", ") + limit; };
  if (token.expires_at) {
    add((*token.expires_at <= now ? "expired " : "until ") + format_time(*token.expires_at).substr(0, 19) + "Z");
  }
  if (token.principal.forks_only) add("forks only");
  for (const std::string& prefix : token.principal.streams) add("streams " + prefix + "*");
  if (token.calls_per_minute) add(std::to_string(*token.calls_per_minute) + " calls a minute");
  if (token.max_request_bytes) add("requests of " + std::to_string(*token.max_request_bytes) + " bytes");
  return text;
}

ExitCode list(const CommandLine& line, Workplace place) {
  const auto text = read_token_file(place.disk, line.data_directory);
  if (!text) return fail(text.error(), exit_code_of(text.error(), kExitFailed));
  if (!*text) {
    std::fprintf(stderr, "no tokens: chronos serve lets in whoever is on this machine\n");
    return kExitOk;
  }
  const auto tokens = parse_tokens(**text);
  if (!tokens) return fail(tokens.error(), exit_code_of(tokens.error(), kExitFailed));
  if (tokens->empty()) std::fprintf(stderr, "no tokens any more: nobody gets in\n");
  size_t width = 4;
  for (const Token& token : *tokens) width = std::max(width, token.principal.name.size());
  std::string lines;
  for (const Token& token : *tokens) {
    std::string row = token.principal.name;
    row.resize(width + 2, ' ');
    row += role_name(token.principal.role);
    row.resize(width + 10, ' ');
    row += "since " + format_time(token.created_at).substr(0, 10);
    const std::string limits = limits_of(token, place.clock.now());
    if (!limits.empty()) row += "  " + limits;
    lines += row + '\n';
  }
  return print(lines);
}

ExitCode revoke(const CommandLine& line, Workplace place) {
  const auto revoked = revoke_token(place.disk, line.data_directory, line.token.name);
  if (!revoked) return fail(revoked.error(), exit_code_of(revoked.error(), kExitFailed));
  std::fprintf(stderr, "%s has no token any more\n", line.token.name.c_str());
  return kExitOk;
}

}  // namespace

ExitCode run_token(const CommandLine& line, Workplace place) {
  switch (line.command) {
    case CommandLine::Command::kTokenCreate: return create(line, place);
    case CommandLine::Command::kTokenRevoke: return revoke(line, place);
    default: return list(line, place);
  }
}

}  // namespace chronos
