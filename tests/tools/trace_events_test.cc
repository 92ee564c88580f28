#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/tool_session.h"

namespace chronos::test {
namespace {

using Json = nlohmann::json;

// "relation depth position" of each event found.
std::vector<std::string> found(const Json& answer) {
  std::vector<std::string> list;
  for (const Json& event : answer["events"]) {
    list.push_back(event["relation"].get<std::string>() + " " + event["depth"].dump() + " " + event["position"].dump());
  }
  return list;
}

using List = std::vector<std::string>;

}  // namespace

TEST_CASE("trace_events walks causes, effects and the correlation", "[tools]") {
  ToolSession session;
  session.append("s", "T", Json::object(), {{"id", "root"}, {"correlation_id", "k"}});
  session.append("s", "T", Json::object(), {{"id", "middle"}, {"causation_id", "root"}, {"correlation_id", "k"}});
  session.append("s", "T", Json::object(), {{"id", "start"}, {"causation_id", "middle"}, {"correlation_id", "k"}});
  session.append("s", "T", Json::object(), {{"id", "effect"}, {"causation_id", "start"}});
  session.append("s", "T", Json::object(), {{"id", "later"}, {"causation_id", "effect"}});
  session.append("s", "T", Json::object(), {{"id", "second"}, {"causation_id", "start"}});
  session.append("s", "T", Json::object(), {{"id", "sibling"}, {"correlation_id", "k"}});
  session.append("s", "T", Json::object(), {{"id", "stranger"}});
  const Json answer = session.call("trace_events", {{"id", "start"}});
  CHECK(answer["start"]["position"] == 3);
  CHECK(found(answer) ==
        List{"cause 1 2", "cause 2 1", "effect 1 4", "effect 1 6", "effect 2 5", "same_correlation 0 7"});
  CHECK(session.call("trace_events", {{"position", 3}})["events"] == answer["events"]);
  CHECK(found(session.call("trace_events", {{"id", "start"}, {"direction", "causes"}})) ==
        List{"cause 1 2", "cause 2 1"});
  CHECK(found(session.call("trace_events", {{"id", "start"}, {"direction", "effects"}, {"depth", 1}})) ==
        List{"effect 1 4", "effect 1 6"});
  CHECK(found(session.call("trace_events", {{"id", "start"}, {"as_of", 4}})) ==
        List{"cause 1 2", "cause 2 1", "effect 1 4"});
  CHECK(session.call("trace_events", {{"id", "stranger"}})["events"].empty());

  Json arguments = {{"id", "start"}, {"limit", 2}};
  Json page = session.call("trace_events", arguments);
  List all = found(page);
  CHECK(page["cut"] == "limit");
  session.append("s", "T", Json::object(), {{"causation_id", "start"}});
  while (page.contains("next_cursor")) {
    arguments["cursor"] = page["next_cursor"];
    page = session.call("trace_events", arguments);
    CHECK(!page.contains("start"));
    for (const std::string& event : found(page)) all.push_back(event);
  }
  CHECK(all == found(answer));
}

TEST_CASE("An event whose id the store made can be a cause", "[tools]") {
  ToolSession session;
  session.append("s", "T", Json::object());
  const std::string id = session.call("query_events", Json::object())["events"][0]["id"];
  session.append("s", "T", Json::object(), {{"causation_id", id}});
  CHECK(found(session.call("trace_events", {{"id", id}})) == List{"effect 1 2"});
  CHECK(found(session.call("trace_events", {{"position", 2}})) == List{"cause 1 1"});
}

TEST_CASE("A circle of causes ends", "[tools]") {
  ToolSession session;
  session.append("s", "T", Json::object(), {{"id", "a"}, {"causation_id", "c"}});
  session.append("s", "T", Json::object(), {{"id", "b"}, {"causation_id", "a"}});
  session.append("s", "T", Json::object(), {{"id", "c"}, {"causation_id", "b"}});
  session.append("s", "T", Json::object(), {{"id", "self"}, {"causation_id", "self"}});
  CHECK(found(session.call("trace_events", {{"id", "a"}, {"depth", 50}})) == List{"cause 1 3", "cause 2 2"});
  CHECK(session.call("trace_events", {{"id", "self"}})["events"].empty());
}

TEST_CASE("trace_events says what it needs", "[tools]") {
  ToolSession session;
  session.append("s", "T", Json::object(), {{"id", "a"}});
  CHECK(session.refused("trace_events", Json::object()).message ==
        "give either id or position of the event to begin with, got neither");
  CHECK(session.refused("trace_events", {{"id", "a"}, {"position", 1}}).code == Code::kInvalidArgument);
  CHECK(session.refused("trace_events", {{"id", "b"}}).code == Code::kNotFound);
  CHECK(session.refused("trace_events", {{"position", 2}}).code == Code::kNotFound);
  CHECK(session.refused("trace_events", {{"position", 0}}).code == Code::kInvalidArgument);
  CHECK(session.refused("trace_events", {{"id", "a"}, {"as_of", 0}}).code == Code::kNotFound);
  CHECK(session.refused("trace_events", {{"id", "a"}, {"cursor", "1.1.1.a"}}).code == Code::kInvalidArgument);
}

}  // namespace chronos::test
