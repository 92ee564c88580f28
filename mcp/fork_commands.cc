// chronos fork and chronos protect: each asks the tools, here or in the process that has the store, and prints what
// people want to know of the answer.
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "core/log.h"
#include "mcp/commands.h"
#include "mcp/fork_drawing.h"
#include "mcp/transfer_files.h"
#include "tools/tool.h"

namespace chronos {
namespace {

using Json = nlohmann::json;
using Command = CommandLine::Command;

ExitCode print(const std::string& text) {
  if (auto written = write_all(STDOUT_FILENO, text); !written) return fail(written.error(), kExitFailed);
  return kExitOk;
}

Result<Json> ask(const CommandLine& line, Workplace place, const Tool* tool, const Json& arguments) {
  // Bytes that are no UTF-8 came from the command line: replaced, they name nothing, and the tool says so.
  std::string text = arguments.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.reserve(text.size() + kSimdPadding);
  ToolCall call;
  call.tool = tool;
  call.arguments = ValidJson::trusted(text);
  call.principal = local_principal(line.actor);
  auto answer = place.backend.call(call);
  if (!answer) return answer.error();
  return Json::parse(*answer, nullptr, false);
}

Result<Json> ask(const CommandLine& line, Workplace place, std::string_view tool, const Json& arguments) {
  return ask(line, place, find_tool(tool), arguments);
}

void set_if_given(Json& arguments, const char* name, const std::string& value) {
  if (!value.empty()) arguments[name] = value;
}

std::string address(const Json& at) {
  return at["fork"].get<std::string>() + "@" + std::to_string(at["position"].get<uint64_t>());
}

ExitCode list(const CommandLine& line, Workplace place) {
  const auto answer = ask(line, place, "list_forks", {{"limit", 10'000}});
  if (!answer) return fail(answer.error(), kExitFailed);
  return print(draw_forks(*answer));
}

ExitCode create(const CommandLine& line, Workplace place) {
  Json arguments = {{"name", line.forks.name}};
  set_if_given(arguments, "from", line.forks.from);
  set_if_given(arguments, "as_of", line.as_of);
  set_if_given(arguments, "purpose", line.forks.purpose);
  if (line.forks.ttl_seconds > 0) arguments["ttl_seconds"] = line.forks.ttl_seconds;
  const auto answer = ask(line, place, "create_fork", arguments);
  if (!answer) return fail(answer.error(), kExitFailed);
  std::string text = "created " + answer->value("fork", "") + ", which leaves " + answer->value("parent", "") +
                     " at position " + std::to_string(answer->value("position", uint64_t{0}));
  if (answer->contains("expires_at")) text += " and expires at " + answer->value("expires_at", "");
  return print(text + '\n');
}

Result<Json> merge_arguments(const CommandLine& line) {
  Json arguments = {{"fork", line.forks.name}, {"on_conflict", line.forks.on_conflict}, {"limit", 200}};
  set_if_given(arguments, "into", line.forks.into);
  if (line.forks.only.empty()) return arguments;
  Json only = Json::parse(line.forks.only, nullptr, false);
  if (only.is_discarded()) {
    return Error{Code::kInvalidArgument, "--only is not JSON: give a MATCH like '[{\"streams\":[\"order-7\"]}]'", ""};
  }
  arguments["only"] = std::move(only);
  return arguments;
}

std::string merged_text(const Json& answer) {
  const uint64_t appended = answer.value("appended", uint64_t{0});
  if (appended == 0) return "merged: nothing new to append to " + address(answer["at"]) + '\n';
  return "merged: appended " + std::to_string(appended) + (appended == 1 ? " event" : " events") + " at positions " +
         answer["first_position"].dump() + " to " + answer["last_position"].dump() + " of " +
         answer["at"]["fork"].get<std::string>() + '\n';
}

ExitCode merge(const CommandLine& line, Workplace place) {
  auto arguments = merge_arguments(line);
  if (!arguments) return fail(arguments.error(), kExitFailed);
  const auto preview = ask(line, place, "merge_fork", *arguments);
  if (!preview) return fail(preview.error(), kExitFailed);
  if (const ExitCode printed = print(draw_preview(*preview)); printed != kExitOk) return printed;
  if (!preview->contains("preview_token")) {
    return fail({Code::kConflict,
                 "a conflict keeps '" + line.forks.name +
                     "' from being merged, nothing was written: settle it in the fork, or give --on-conflict skip or "
                     "source_wins",
                 ""},
                kExitFailed);
  }
  if (line.forks.preview) return kExitOk;
  (*arguments)["preview_token"] = (*preview)["preview_token"];
  const auto merged = ask(line, place, "merge_fork", *arguments);
  if (merged) return print(merged_text(*merged));
  if (merged.error().details.find("\"preview\"") == std::string::npos) return fail(merged.error(), kExitFailed);
  return fail({Code::kConflict, "somebody appended meanwhile, nothing was written: run the same command again", ""},
              kExitFailed);
}

ExitCode discard(const CommandLine& line, Workplace place) {
  Json arguments = {{"fork", line.forks.name}};
  set_if_given(arguments, "reason", line.forks.reason);
  const auto answer = ask(line, place, "discard_fork", arguments);
  if (!answer) return fail(answer.error(), kExitFailed);
  return print("discarded " + answer->value("fork", "") + '\n');
}

// FORK or FORK@MOMENT; names of forks have no '@'.
Json side(const std::string& text) {
  const size_t at = text.find('@');
  Json address = {{"fork", text.substr(0, at)}};
  if (at != std::string::npos) address["as_of"] = text.substr(at + 1);
  return address;
}

ExitCode diff(const CommandLine& line, Workplace place) {
  Json arguments = {{"left", side(line.forks.left)}, {"right", side(line.forks.right)}, {"limit", 1000}};
  set_if_given(arguments, "stream", line.stream);
  auto answer = ask(line, place, "compare", arguments);
  if (!answer) return fail(answer.error(), kExitFailed);
  if (const ExitCode printed = print(draw_difference(*answer, line.stream)); printed != kExitOk) return printed;
  while (answer->contains("next_cursor")) {
    if (place.stop.came()) return kExitInterrupted;
    arguments["cursor"] = (*answer)["next_cursor"];
    answer = ask(line, place, "compare", arguments);
    if (!answer) return fail(answer.error(), kExitFailed);
    if (const ExitCode printed = print(draw_more_differences(*answer)); printed != kExitOk) return printed;
  }
  return kExitOk;
}

}  // namespace

ExitCode run_fork(const CommandLine& line, Workplace place) {
  if (auto exists = require_store(place.disk, line.data_directory); !exists) {
    return fail(exists.error(), kExitUnavailable);
  }
  if (auto store = place.backend.local_store(); !store) {
    return fail(store.error(), exit_code_of(store.error(), kExitUnavailable));
  }
  switch (line.command) {
    case Command::kForkCreate: return create(line, place);
    case Command::kForkMerge: return merge(line, place);
    case Command::kForkDiscard: return discard(line, place);
    case Command::kForkDiff: return diff(line, place);
    default: return list(line, place);
  }
}

ExitCode run_protect(const CommandLine& line, Workplace place) {
  if (auto store = place.backend.local_store(); !store) {
    return fail(store.error(), exit_code_of(store.error(), kExitUnavailable));
  }
  const auto answer = ask(line, place, find_admin_tool("set_protection"), {{"main", line.protection == "on"}});
  if (!answer) return fail(answer.error(), exit_code_of(answer.error(), kExitFailed));
  return print(answer->value("main_protected", false) ? "main is protected: it takes events by merges only\n"
                                                      : "main is not protected: it takes appends\n");
}

}  // namespace chronos
