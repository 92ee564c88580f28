// The guide pages are documents for models, so they are tested like an API: what they name must exist.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "prompts/pages.h"
#include "tests/support/catch.h"
#include "tests/support/tool_session.h"
#include "tools/schema.h"

namespace chronos::test {
namespace {

using Json = nlohmann::json;

std::string fits_input(std::string_view tool, const Json& arguments) {
  const auto fits = Schema(find_tool(tool)->input_schema).check(arguments);
  return fits ? "" : fits.error().message;
}

// The JSON object that begins at `from`, or an empty text.
std::string object_at(const std::string& text, size_t from) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = from; i < text.size(); i++) {
    if (text[i] == '"' && text[i - 1] != '\\') in_string = !in_string;
    if (in_string) continue;
    if (text[i] == '{') depth++;
    if (text[i] == '}' && --depth == 0) return text.substr(from, i - from + 1);
  }
  return "";
}

std::set<std::string> known_names() {
  std::set<std::string> names;
  const std::regex key("\"([a-z_]+)\":");
  for (const Tool& tool : all_tools()) {
    for (const std::string& schema : {std::string(tool.input_schema), std::string(tool.output_schema)}) {
      for (std::sregex_iterator at(schema.begin(), schema.end(), key), end; at != end; ++at) names.insert((*at)[1]);
      const std::regex value("\"([a-z_]+)\"");
      for (std::sregex_iterator at(schema.begin(), schema.end(), value), end; at != end; ++at) names.insert((*at)[1]);
    }
    names.emplace(tool.name);
  }
  for (int code = 0; code <= static_cast<int>(Code::kInternal); code++)
    names.emplace(code_name(static_cast<Code>(code)));
  for (const Page& page : all_pages()) names.emplace(page.topic);
  names.insert({"code", "message", "retryable", "details", "error", "main", "null", "missed", "similar", "true"});
  return names;
}

}  // namespace

TEST_CASE("guide lists its pages with a line on each, and gives each of them", "[tools]") {
  ToolSession session;
  const Json list = session.call("guide", Json::object())["topics"];
  CHECK(list.size() == all_pages().size());
  Json topics = Json::array();
  for (const Json& entry : list) {
    const std::string topic = entry["topic"];
    topics.push_back(topic);
    const std::string summary = entry["summary"];
    CHECK(summary.size() > 20);
    CHECK(summary.size() < 160);
    CHECK(summary.ends_with("."));
    const std::string text = session.call("guide", {{"topic", topic}})["text"];
    CHECK(text.starts_with("# "));
    CHECK(text.size() < 6000);
  }
  CHECK(topics == Json::parse(find_tool("guide")->input_schema)["properties"]["topic"]["enum"]);
  const Error error = session.refused("guide", {{"topic", "everything"}});
  CHECK(error.message.starts_with("topic must be one of \"conditions\""));
}

TEST_CASE("Pages are plain ASCII", "[tools]") {
  for (const Page& page : all_pages()) {
    INFO(page.topic);
    CHECK(std::all_of(page.text.begin(), page.text.end(), [](char c) { return c == '\n' || (c >= 0x20 && c < 0x7f); }));
  }
}

TEST_CASE("Every tool, argument and word of code that a page names exists", "[tools]") {
  const std::set<std::string> known = known_names();
  const std::regex code("`([^`\n]+)`");
  const std::regex name("[a-z]+(_[a-z]+)*");
  const std::set<std::string> operators = {"contains", "exists"};
  for (const Page& page : all_pages()) {
    const std::string text(page.text);
    for (std::sregex_iterator at(text.begin(), text.end(), code), end; at != end; ++at) {
      const std::string word = (*at)[1];
      if (!std::regex_match(word, name)) continue;
      INFO(page.topic << " names `" << word << "`");
      CHECK((known.contains(word) || operators.contains(word)));
    }
  }
}

TEST_CASE("Every example call of a page fits the tool's schema", "[tools]") {
  int calls = 0;
  for (const Page& page : all_pages()) {
    const std::string text(page.text);
    for (const Tool& tool : all_tools()) {
      const std::string opening = std::string(tool.name) + " {";
      for (size_t at = text.find(opening); at != std::string::npos; at = text.find(opening, at + 1)) {
        std::string example = object_at(text, at + opening.size() - 1);
        INFO(page.topic << ": " << example);
        const size_t left_out = example.find("[...]");
        if (left_out != std::string::npos) example.replace(left_out, 5, R"([{"stream":"s","type":"T","data":{}}])");
        const Json arguments = Json::parse(example, nullptr, false);
        REQUIRE(arguments.is_object());
        CHECK(fits_input(tool.name, arguments) == "");
        calls++;
      }
    }
  }
  CHECK(calls > 15);
}

TEST_CASE("The examples of appends and of the last page of querying work as written", "[tools]") {
  ToolSession session;
  session.append("order-7", "OrderPlaced", {{"status", "placed"}});
  for (const Page& page : all_pages()) {
    const std::string text(page.text);
    for (size_t at = text.find("{\"events\":[{"); at != std::string::npos; at = text.find("{\"events\":[{", at + 1)) {
      const Json arguments = Json::parse(object_at(text, at), nullptr, false);
      REQUIRE(arguments.is_object());
      CHECK(fits_input("append_events", arguments) == "");
    }
  }
  for (const Page& page : all_pages()) {
    if (page.topic != "querying") continue;
    const std::string text(page.text);
    size_t at = text.find(": `{", text.find("Examples"));
    for (; at != std::string::npos; at = text.find(": `{", at + 1)) {
      session.call_text("query_events", object_at(text, at + 3));
    }
  }
}

TEST_CASE("The events page folds to the state it shows", "[tools]") {
  ToolSession session;
  for (const Page& page : all_pages()) {
    if (page.topic != "events") continue;
    const std::string text(page.text);
    for (size_t at = text.find("\n{\"stream\""); at != std::string::npos; at = text.find("\n{\"stream\"", at + 1)) {
      session.call("append_events", {{"events", {Json::parse(object_at(text, at + 1))}}});
    }
    const Json state = Json::parse(object_at(text, text.find("{\"status\":\"paid\",\"total\"")));
    CHECK(session.call("get_state", {{"stream", "order-7"}})["state"] == state);
  }
}

}  // namespace chronos::test
