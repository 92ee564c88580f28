#include "tests/support/agent_texts.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "prompts/pages.h"
#include "tools/schema.h"
#include "tools/tool.h"

namespace chronos::test {
namespace {

using Json = nlohmann::json;

void add_quoted(std::string_view schema, std::set<std::string>& names) {
  static const std::regex kQuoted("\"([a-z_]+)\"");
  for (std::cregex_iterator at(schema.begin(), schema.end(), kQuoted), end; at != end; ++at) names.insert((*at)[1]);
}

const std::set<std::string>& known_names() {
  static const std::set<std::string> kNames = [] {
    std::set<std::string> names = {"code",  "message", "retryable", "details", "error",    "main",  "null",
                                   "missed", "similar", "true",      "false",   "contains", "exists"};
    for (const Tool& tool : all_tools()) {
      add_quoted(tool.input_schema, names);
      add_quoted(tool.output_schema, names);
      names.emplace(tool.name);
    }
    for (int code = 0; code <= static_cast<int>(Code::kInternal); code++) {
      names.emplace(code_name(static_cast<Code>(code)));
    }
    for (const Page& page : all_pages()) names.emplace(page.topic);
    return names;
  }();
  return kNames;
}

bool is_topic(std::string_view name) {
  const auto pages = all_pages();
  return std::any_of(pages.begin(), pages.end(), [&](const Page& page) { return page.topic == name; });
}

}  // namespace

std::string object_at(std::string_view text, size_t from) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = from; i < text.size(); i++) {
    if (text[i] == '"' && text[i - 1] != '\\') in_string = !in_string;
    if (in_string) continue;
    if (text[i] == '{') depth++;
    if (text[i] == '}' && --depth == 0) return std::string(text.substr(from, i - from + 1));
  }
  return "";
}

std::vector<ExampleCall> example_calls(std::string_view text) {
  constexpr std::string_view kLeftOut = "[...]";
  std::vector<ExampleCall> calls;
  for (const Tool& tool : all_tools()) {
    const std::string opening = std::string(tool.name) + " {";
    for (size_t at = text.find(opening); at != text.npos; at = text.find(opening, at + 1)) {
      std::string arguments = object_at(text, at + opening.size() - 1);
      const size_t left_out = arguments.find(kLeftOut);
      if (left_out != arguments.npos) {
        arguments.replace(left_out, kLeftOut.size(), R"([{"stream":"s","type":"T","data":{}}])");
      }
      calls.push_back({std::string(tool.name), std::move(arguments)});
    }
  }
  return calls;
}

std::string misfit(const ExampleCall& call) {
  const Json arguments = Json::parse(call.arguments, nullptr, false);
  if (!arguments.is_object()) return "not JSON: " + call.arguments;
  const auto fits = Schema(find_tool(call.tool)->input_schema).check(arguments);
  return fits ? "" : fits.error().message;
}

std::vector<std::string> unknown_words(std::string_view text) {
  static const std::regex kCode("`([^`\n]+)`");
  static const std::regex kName("[a-z]+(_[a-z]+)*");
  std::vector<std::string> unknown;
  for (std::cregex_iterator at(text.begin(), text.end(), kCode), end; at != end; ++at) {
    const std::string word = (*at)[1];
    if (std::regex_match(word, kName) && !known_names().contains(word)) unknown.push_back(word);
  }
  return unknown;
}

std::vector<std::string> unknown_plain_words(std::string_view text) {
  static const std::regex kName("[a-z]+(_[a-z]+)+");
  static const std::regex kTopics("[Tt]opics? ([a-z-]+)(?: and ([a-z-]+))? of guide");
  std::vector<std::string> unknown;
  for (std::cregex_iterator at(text.begin(), text.end(), kName), end; at != end; ++at) {
    if (!known_names().contains(at->str())) unknown.push_back(at->str());
  }
  for (std::cregex_iterator at(text.begin(), text.end(), kTopics), end; at != end; ++at) {
    for (const int group : {1, 2}) {
      const std::string topic = (*at)[group];
      if ((*at)[group].matched && !is_topic(topic)) unknown.push_back(topic);
    }
  }
  return unknown;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c == '\n' || (c >= 0x20 && c < 0x7f); });
}

}  // namespace chronos::test
