#include "mcp/commands.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>

#include "core/log.h"
#include "mcp/chronos_offer.h"
#include "mcp/dispatcher.h"
#include "mcp/stdio_server.h"
#include "mcp/transfer_files.h"
#include "tools/tool.h"

namespace chronos {
namespace {

constexpr size_t kMaxArgumentDepth = 256;

void print_line(std::string text) {
  text += '\n';
  if (auto written = write_all(STDOUT_FILENO, text); !written) fail(written.error(), kExitFailed);
}

Result<std::string> read_all(int fd) {
  std::string text;
  while (true) {
    const size_t before = text.size();
    text.resize(before + (size_t{64} << 10));
    const ssize_t got = ::read(fd, text.data() + before, text.size() - before);
    text.resize(before + static_cast<size_t>(got > 0 ? got : 0));
    if (got == 0) return text;
    if (got < 0 && errno != EINTR) {
      return Error{Code::kUnavailable, "cannot read standard input: " + std::generic_category().message(errno), ""};
    }
  }
}

Result<std::string> call_arguments(const CommandLine& line) {
  auto text = line.arguments == "-" ? read_all(STDIN_FILENO) : Result<std::string>(line.arguments);
  if (!text) return text;
  text->reserve(text->size() + kSimdPadding);
  auto json = validate_json(*text, kMaxArgumentDepth);
  if (!json) return Error{json.error().code, "the arguments are not JSON: " + json.error().message, ""};
  const size_t first = text->find_first_not_of(" \t\r\n");
  if ((*text)[first] != '{') {
    return Error{Code::kInvalidArgument, "the arguments must be a JSON object like '{\"stream\":\"order-7\"}'", ""};
  }
  return text;
}

ExitCode fail_call(const Error& error, ExitCode code) {
  print_line(error_json(error));
  return fail(error, code);
}

}  // namespace

ExitCode fail(const Error& error, ExitCode code) {
  std::fprintf(stderr, "chronos: %s\n", error.message.c_str());
  return code;
}

ExitCode exit_code_of(const Error& error, ExitCode otherwise) {
  switch (error.code) {
    case Code::kUnavailable: return kExitUnavailable;
    case Code::kCorrupt: return kExitCorrupt;
    default: return otherwise;
  }
}

ExitCode run_stdio(const CommandLine&, Workplace place) {
  Subscriptions subscriptions;
  ChronosOffer offer(all_tools(), place.backend, subscriptions);
  Dispatcher dispatcher({offer, subscriptions, place.clock, place.random});
  StdioOptions options;
  options.stop_fd = place.stop.fd();
  StdioServer server(dispatcher, place.backend, options);
  server.run();
  return kExitOk;
}

ExitCode run_call(const CommandLine& line, Workplace place) {
  const Tool* tool = find_tool(line.tool);
  if (tool == nullptr) {
    std::string names;
    for (const Tool& known : all_tools()) names += (names.empty() ? "" : ", ") + std::string(known.name);
    return fail_call({Code::kNotFound, "there is no tool '" + line.tool + "'; known: " + names, ""}, kExitFailed);
  }
  auto arguments = call_arguments(line);
  if (!arguments) return fail_call(arguments.error(), kExitFailed);
  if (tool->needs_store) {
    auto store = place.backend.local_store();
    if (!store) return fail_call(store.error(), store.error().code == Code::kCorrupt ? kExitCorrupt : kExitUnavailable);
  }
  ToolCall call;
  call.tool = tool;
  call.arguments = ValidJson::trusted(*arguments);
  call.principal = local_principal(line.actor);
  auto answer = place.backend.call(call);
  if (!answer) return fail_call(answer.error(), kExitFailed);
  print_line(std::move(*answer));
  return kExitOk;
}

ExitCode run_tools() {
  std::string text;
  for (const Tool& tool : all_tools()) {
    const std::string_view first = tool.description.substr(0, tool.description.find(". "));
    text.append(tool.name).append(18 - std::min<size_t>(tool.name.size(), 17), ' ').append(first) += '\n';
  }
  text.pop_back();
  print_line(std::move(text));
  return kExitOk;
}

}  // namespace chronos
