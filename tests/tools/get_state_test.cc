#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/tool_session.h"

namespace chronos::test {

using Json = nlohmann::json;

TEST_CASE("get_state folds a stream at any moment and version", "[tools]") {
  ToolSession session;
  session.append("order-7", "Placed", {{"status", "placed"}, {"total", 120}});
  session.append("other", "Noted", Json::object());
  session.append("order-7", "Paid", {{"status", "paid"}, {"total", nullptr}});
  const Json now = session.call("get_state", {{"stream", "order-7"}});
  CHECK(now["state"] == Json({{"status", "paid"}}));
  CHECK(now["version"] == 2);
  CHECK(now["event_count"] == 2);
  CHECK(now["first"]["position"] == 1);
  CHECK(now["last"]["position"] == 3);
  CHECK(now["at"]["position"] == 3);
  const Json then = session.call("get_state", {{"stream", "order-7"}, {"as_of", 2}});
  CHECK(then["state"] == Json({{"status", "placed"}, {"total", 120}}));
  CHECK(then["at"]["position"] == 2);
  const Json first = session.call("get_state", {{"stream", "order-7"}, {"version", 1}});
  CHECK(first["state"] == then["state"]);
  CHECK(first["version"] == 1);
  CHECK(first["last"]["position"] == 1);
  CHECK(session.call("get_state", {{"stream", "order-7"}, {"version", 1}, {"as_of", 2}})["version"] == 1);
  const Error beyond = session.refused("get_state", {{"stream", "order-7"}, {"version", 2}, {"as_of", 2}});
  CHECK(beyond.code == Code::kNotFound);
  CHECK(beyond.message == "stream \"order-7\" has no version 2: its version is 1 as of position 2, give at most that");
}

TEST_CASE("get_state answers the same for a position for ever", "[tools]") {
  ToolSession session;
  session.append("a", "T", {{"n", 1}});
  const std::string before = session.call_text("get_state", R"({"stream":"a","as_of":1})");
  session.append("a", "T", {{"n", 2}});
  session.reopen();
  CHECK(session.call_text("get_state", R"({"stream":"a","as_of":1})") == before);
}

TEST_CASE("With valid_at the state is what was true then, as far as known", "[tools]") {
  ToolSession session;
  session.append("a", "Set", {{"x", 2}}, {{"valid_at", "2020-02-01T00:00:00Z"}});
  session.append("a", "Set", {{"x", 1}}, {{"valid_at", "2020-01-01T00:00:00Z"}});
  CHECK(session.call("get_state", {{"stream", "a"}})["state"]["x"] == 1);
  const Json later = session.call("get_state", {{"stream", "a"}, {"valid_at", "2020-03-01T00:00:00Z"}});
  CHECK(later["state"]["x"] == 2);
  CHECK(later["first"]["position"] == 2);
  CHECK(later["last"]["position"] == 1);
  const Json early = session.call("get_state", {{"stream", "a"}, {"valid_at", "2020-01-15T00:00:00Z"}});
  CHECK(early["state"]["x"] == 1);
  CHECK(early["event_count"] == 1);
  CHECK(early["version"] == 2);
  const Json unknown = session.call("get_state", {{"stream", "a"}, {"valid_at", "2020-01-15T00:00:00Z"}, {"as_of", 1}});
  CHECK(unknown["state"] == Json::object());
  CHECK(unknown["event_count"] == 0);
  CHECK(!unknown.contains("first"));
}

TEST_CASE("A stream that is not there is not_found, with names like it", "[tools]") {
  ToolSession session;
  for (const char* stream : {"order-7", "order-8", "order-9", "order-77", "invoice-1"})
    session.append(stream, "T", Json::object());
  const Error error = session.refused("get_state", {{"stream", "ordr-7"}});
  CHECK(error.code == Code::kNotFound);
  CHECK(error.message.find("similar names are \"order-7\"") != std::string::npos);
  const Json similar = Json::parse(error.details)["similar"];
  CHECK(similar.size() == 3);
  CHECK(similar[0] == "order-7");
  CHECK(Json::parse(error.details)["at"]["position"] == 5);
  const Error strange = session.refused("get_state", {{"stream", "something else"}});
  CHECK(!Json::parse(strange.details).contains("similar"));
  CHECK(session.refused("get_state", {{"stream", "order-9"}, {"as_of", 1}}).code == Code::kNotFound);
  CHECK(session.refused("get_state", Json::object()).message.starts_with("the argument stream is missing"));
}

}  // namespace chronos::test
