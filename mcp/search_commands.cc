// chronos search and chronos index: each asks a tool, here or in the process that has the store, and prints what people
// want to know of the answer.
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/log.h"
#include "mcp/commands.h"
#include "mcp/transfer_files.h"
#include "tools/tool.h"

namespace chronos {
namespace {

using Json = nlohmann::json;

ExitCode print(const std::string& text) {
  if (auto written = write_all(STDOUT_FILENO, text); !written) return fail(written.error(), kExitFailed);
  return kExitOk;
}

Result<Json> ask(const CommandLine& line, Workplace place, const Tool* tool, const Json& arguments) {
  // Bytes that are no UTF-8 came from the command line: replaced, they find nothing.
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

// **word** of a snippet as bold, or as it was.
std::string marked(const std::string& snippet, bool is_terminal) {
  std::string text;
  bool is_bold = false;
  for (size_t i = 0; i < snippet.size(); i++) {
    if (snippet.compare(i, 2, "**") != 0) {
      text += snippet[i];
      continue;
    }
    is_bold = !is_bold;
    if (is_terminal) text += is_bold ? "\033[1m" : "\033[0m";
    i++;
  }
  if (is_bold && is_terminal) text += "\033[0m";
  return text;
}

// What there is of an event without a snippet: the begin of its data.
std::string begin_of(const Json& data) {
  constexpr size_t kMost = 120;
  std::string text = data.dump();
  if (text.size() <= kMost) return text;
  size_t end = kMost;
  while ((static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) end--;
  return text.substr(0, end) + "...";
}

std::string drawn(const Json& answer, bool is_terminal) {
  std::string text;
  for (const Json& hit : answer["hits"]) {
    const Json& event = hit["event"];
    text += event["position"].dump() + "  " + event["recorded_at"].get<std::string>() + "  " +
            event["stream"].get<std::string>() + "  " + event["type"].get<std::string>() + "  " + hit["score"].dump() +
            "\n    " + (hit.contains("snippet") ? marked(hit["snippet"], is_terminal) : begin_of(event["data"])) + '\n';
  }
  if (text.empty()) text = "nothing found\n";
  return text;
}

Result<void> require_usable(const CommandLine& line, Workplace place) {
  if (auto exists = require_store(place.disk, line.data_directory); !exists) return exists;
  auto store = place.backend.local_store();
  return store ? Result<void>() : store.error();
}

ExitCode print_settings(const Json& answer) {
  std::string text;
  for (const Json& setting : answer["settings"]) {
    const std::string value = setting.value("value", "");
    text += setting.value("name", "") + " = " + (value.empty() ? "(not set)" : value) +
            (setting.contains("is_default") ? " (default)" : "") + "\n    " + setting.value("what", "") + '\n';
  }
  if (answer.contains("warning")) text += "warning: " + answer.value("warning", "") + '\n';
  return print(text);
}

ExitCode set(const CommandLine& line, Workplace place) {
  Json arguments = Json::object();
  if (!line.search.setting.empty()) {
    const bool is_short = line.search.setting.find('.') == std::string::npos;
    arguments["name"] = (is_short ? "search." : "") + line.search.setting;
    if (!line.search.value.empty()) arguments["value"] = line.search.value;
  }
  const auto answer = ask(line, place, find_admin_tool("change_settings"), arguments);
  if (!answer) return fail(answer.error(), exit_code_of(answer.error(), kExitFailed));
  return print_settings(*answer);
}

// Lines on vectors; none of a store that was never searched by any.
std::string vector_status(const Json& vectors) {
  const auto number = [&vectors](const char* name) { return std::to_string(vectors.value(name, uint64_t{0})); };
  const std::string embedder = vectors.value("embedder", "none");
  std::string text;
  if (vectors.contains("model")) {
    text = "vectors of " + (embedder == "none" ? "clients" : embedder) + ": " + number("vectors") + " of " +
           number("events") + " events, " + number("behind") + " not yet; main up to position " + number("main_to") +
           "; " + number("segments") + " segments, " + number("graphs") + " graphs, " + number("file_bytes") +
           " bytes in files, " + number("memory_bytes") + " in memory\n";
  } else if (embedder != "none") {
    text = "vectors of " + embedder + ": none\n";
  }
  if (vectors.contains("failure")) text += "embedding failed last: " + vectors.value("failure", "") + '\n';
  return text;
}

ExitCode show_status(const CommandLine& line, Workplace place) {
  Json arguments = Json::object();
  if (line.command == CommandLine::Command::kIndexRebuild) arguments["rebuild"] = true;
  const auto answer = ask(line, place, find_admin_tool("search_index"), arguments);
  if (!answer) return fail(answer.error(), exit_code_of(answer.error(), kExitFailed));
  std::string text = answer->at("events").dump() + " events indexed, " + answer->at("behind").dump() + " not yet; " +
                     answer->at("segments").dump() + " segments, " + answer->at("file_bytes").dump() +
                     " bytes in files, " + answer->at("memory_bytes").dump() + " in memory\n";
  if (answer->contains("failure")) text += "the last file was not written: " + answer->value("failure", "") + '\n';
  return print(text + vector_status(answer->at("vectors")));
}

}  // namespace

ExitCode run_search(const CommandLine& line, Workplace place) {
  if (auto usable = require_usable(line, place); !usable) {
    return fail(usable.error(), exit_code_of(usable.error(), kExitUnavailable));
  }
  std::string query;
  for (const std::string& word : line.search.words) query += (query.empty() ? "" : " ") + word;
  Json arguments = {{"query", query}, {"mode", line.search.mode}, {"limit", line.search.limit}, {"fork", line.fork}};
  if (!line.as_of.empty()) arguments["as_of"] = line.as_of;
  const auto answer = ask(line, place, find_tool("search_events"), arguments);
  if (!answer) return fail(answer.error(), exit_code_of(answer.error(), kExitFailed));
  return print(drawn(*answer, ::isatty(STDOUT_FILENO) == 1));
}

ExitCode run_index(const CommandLine& line, Workplace place) {
  if (auto usable = require_usable(line, place); !usable) {
    return fail(usable.error(), exit_code_of(usable.error(), kExitUnavailable));
  }
  return line.command == CommandLine::Command::kIndexSet ? set(line, place) : show_status(line, place);
}

}  // namespace chronos
