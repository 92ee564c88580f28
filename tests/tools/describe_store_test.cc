#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/tool_session.h"

namespace chronos::test {

using Json = nlohmann::json;

TEST_CASE("describe_store tells an empty store", "[tools]") {
  ToolSession session;
  const Json answer = session.call("describe_store", Json::object());
  CHECK(answer["events"] == 0);
  CHECK(answer["streams"] == 0);
  CHECK(answer["types"].empty());
  CHECK(answer["busiest_streams"].empty());
  CHECK(!answer.contains("first_recorded_at"));
  CHECK(answer["at"] == Json({{"fork", "main"}, {"position", 0}}));
  CHECK(answer["forks"] == Json::array({{{"fork", "main"}, {"head", 0}}}));
  CHECK(answer["limits"]["event_bytes"] == 1 << 20);
  CHECK(answer["limits"]["append_events"] == 10'000);
  CHECK(!answer.contains("read_only_reason"));
}

TEST_CASE("describe_store shows an example of each type, and the busiest streams", "[tools]") {
  ToolSession session;
  session.append("order-1", "OrderPlaced", {{"old", 1}});
  session.append("order-3", "OrderPlaced", {{"amount", 1.5}, {"open", true}, {"none", nullptr}},
                 {{"tags", {"customer:3", "shop:1", "a", "b"}}});
  session.append("order-2", "OrderPaid", Json::object());
  session.append("order-2", "OrderNoted", Json::object());
  const Json answer = session.call("describe_store", Json::object());
  CHECK(answer["events"] == 4);
  CHECK(answer["streams"] == 3);
  const Json placed = {{"type", "OrderPlaced"},
                       {"count", 2},
                       {"stream", "order-3"},
                       {"tags", {"customer:3", "shop:1", "a"}},
                       {"fields", {{"amount", 1.5}, {"open", true}, {"none", nullptr}}}};
  const Json noted = {{"type", "OrderNoted"}, {"count", 1}, {"stream", "order-2"}, {"fields", Json::object()}};
  const Json paid = {{"type", "OrderPaid"}, {"count", 1}, {"stream", "order-2"}, {"fields", Json::object()}};
  CHECK(answer["types"] == Json::array({placed, noted, paid}));
  CHECK(answer["busiest_streams"][0] == Json({{"stream", "order-2"}, {"version", 2}}));
  CHECK(answer["first_recorded_at"] < answer["last_recorded_at"]);
  const Json then = session.call("describe_store", {{"as_of", 1}});
  CHECK(then["types"][0]["fields"] == Json({{"old", 1}}));
  CHECK(then["types"][0]["stream"] == "order-1");
  CHECK(then["at"]["position"] == 1);
}

TEST_CASE("describe_store shortens the values it shows", "[tools]") {
  ToolSession session;
  const std::string accents = std::string(39, 'x') + "\xc3\xa4";  // 40 characters, 41 bytes
  session.call_text("append_events", R"({"events":[{"stream":"s","type":"T","data":{"long":")" + accents +
                                         R"(b","fits":")" + accents + R"(", "number" : 1.50 ,"twice":1,"twice":2,
    "list":["first",{"a":1}],"lists":[[1],[2]],"none":[],
    "object":{"a":"x","b":{"c":1},"c":[1],"d":4},"quoted \"name\"":"a\nb"}}]})");
  const Json fields = session.call("describe_store", Json::object())["types"][0]["fields"];
  CHECK(fields == Json({{"long", accents + "..."},
                        {"fits", accents},
                        {"number", 1.5},
                        {"twice", 1},
                        {"list", {"first"}},
                        {"lists", {"[...]"}},
                        {"none", Json::array()},
                        {"object", {{"a", "x"}, {"b", "{...}"}, {"c", "[...]"}}},
                        {"quoted \"name\"", "a\nb"}}));
}

TEST_CASE("describe_store stays short and says what it leaves out", "[tools]") {
  ToolSession session;
  Json events = Json::array();
  for (int i = 0; i < 60; i++) {
    Json data;
    for (int f = 0; f < 30; f++) data["a rather long name of a field " + std::to_string(f)] = f;
    for (int n = 0; n <= i; n++) {
      events.push_back(
          {{"stream", "stream-" + std::to_string(i)}, {"type", "Type" + std::to_string(i)}, {"data", data}});
    }
  }
  session.call("append_events", {{"events", events}});
  const Json answer = session.call("describe_store", Json::object());
  CHECK(answer.dump().size() < 6000);
  CHECK(answer["types"].size() == 30);
  CHECK(answer["types"][0]["type"] == "Type59");
  CHECK(answer["types"][0]["fields"].size() == 10);
  CHECK(answer["types"][0]["more_fields"] == 20);
  CHECK(answer["more_types"] == 30);
  CHECK(answer["busiest_streams"].size() == 10);
  CHECK(answer["busiest_streams"][9]["stream"] == "stream-50");
}

TEST_CASE("describe_store is about a page for a store of ordinary size", "[tools]") {
  ToolSession session;
  for (int i = 0; i < 40; i++) {
    session.append("order-" + std::to_string(i), "OrderChanged" + std::to_string(i % 8),
                   {{"status", "x"}, {"amount", 1}, {"customer", "c"}, {"items", Json::array()}});
  }
  CHECK(session.call("describe_store", Json::object()).dump().size() < 2500);
}

TEST_CASE("describe_store says what is sealed once something is", "[tools]") {
  ToolSession session;
  session.append("order-7", "OrderPlaced", {{"item", "tea"}});
  CHECK_FALSE(session.call("describe_store", Json::object()).contains("sealed"));
  REQUIRE(session.store().seal());
  const Json answer = session.call("describe_store", Json::object());
  CHECK(answer["sealed"]["segments"] == 1);
  CHECK(answer["sealed"]["bytes"] > 0);
  CHECK_FALSE(answer.contains("sealing_failure"));
}

TEST_CASE("verify_history checks everything and reports progress", "[tools]") {
  ToolSession session;
  session.append("a", "T", Json::object());
  session.append("b", "T", Json::object());
  double last = -1;
  session.context().progress = [&](double done, double total, std::string_view) {
    CHECK(done >= last);
    CHECK(done <= total);
    last = done;
  };
  const Json answer = session.call("verify_history", Json::object());
  CHECK(answer["ok"] == true);
  CHECK(answer["events"] == 2);
  CHECK(answer["problems"].empty());
  CHECK(answer["at"]["position"] == 2);
}

TEST_CASE("verify_history stops when it is cancelled", "[tools]") {
  ToolSession session;
  session.append("a", "T", Json::object());
  std::stop_source stop;
  stop.request_stop();
  session.context().cancelled = stop.get_token();
  const Error error = session.refused("verify_history", Json::object());
  CHECK(error.code == Code::kUnavailable);
  CHECK(error.message.find("cancelled") != std::string::npos);
}

}  // namespace chronos::test
