// The guide pages are documents for models, so they are tested like an API: what they name must exist.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "prompts/pages.h"
#include "tests/support/agent_texts.h"
#include "tests/support/catch.h"
#include "tests/support/tool_session.h"

namespace chronos::test {
namespace {

using Json = nlohmann::json;

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
    CHECK(is_ascii(page.text));
  }
}

TEST_CASE("Every tool, argument and word of code that a page names exists", "[tools]") {
  for (const Page& page : all_pages()) {
    INFO(page.topic);
    CHECK(unknown_words(page.text) == std::vector<std::string>{});
  }
}

TEST_CASE("Every example call of a page fits the tool's schema", "[tools]") {
  size_t calls = 0;
  for (const Page& page : all_pages()) {
    for (const ExampleCall& call : example_calls(page.text)) {
      INFO(page.topic << ": " << call.tool << ' ' << call.arguments);
      CHECK(misfit(call) == "");
      calls++;
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
      CHECK(misfit({"append_events", object_at(text, at)}) == "");
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
