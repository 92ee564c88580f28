#include <nlohmann/json.hpp>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/tool_session.h"
#include "tools/schema.h"

namespace chronos::test {
namespace {

using Json = nlohmann::json;

Json event(std::string_view stream, const Json& data = Json::object()) {
  return {{"stream", stream}, {"type", "Noted"}, {"data", data}};
}

Json one(const Json& event, const Json& condition) {
  return {{"events", Json::array({event})}, {"conditions", Json::array({condition})}};
}

// Single members of an event that is otherwise right.
std::vector<std::pair<const char*, Json>> changes() {
  return {{"stream", nullptr},
          {"stream", 7},
          {"stream", ""},
          {"stream", std::string(256, 'a')},
          {"stream", std::string(257, 'a')},
          {"type", Json::array()},
          {"type", ""},
          {"type", std::string(128, 'a')},
          {"type", std::string(129, 'a')},
          {"data", "text"},
          {"data", Json::array()},
          {"data", nullptr},
          {"data", Json::object()},
          {"tags", Json::array()},
          {"tags", {"a", "b"}},
          {"tags", {"a", 1}},
          {"tags", "a"},
          {"tags", {""}},
          {"tags", {nullptr}},
          {"tags", {std::string(256, 't')}},
          {"tags", {std::string(257, 't')}},
          {"tags", nullptr},
          {"metadata", Json::object()},
          {"metadata", "m"},
          {"metadata", nullptr},
          {"id", "e1"},
          {"id", ""},
          {"id", 5},
          {"id", std::string(128, 'i')},
          {"id", std::string(129, 'i')},
          {"correlation_id", ""},
          {"correlation_id", "c"},
          {"correlation_id", std::string(129, 'i')},
          {"causation_id", ""},
          {"causation_id", true},
          {"causation_id", "c"},
          {"valid_at", ""},
          {"valid_at", 5},
          {"valid_at", "2026-01-01T00:00:00Z"},
          {"embedding", {1, 2.5}},
          {"embedding", {"x"}},
          {"embedding", "x"},
          {"embedding", Json::array()},
          {"embedding", {nullptr}},
          {"unknown", 1},
          {"position", 3},
          {"Stream", "a"}};
}

Json details(const Error& error) { return Json::parse(error.details); }

}  // namespace

TEST_CASE("append_events numbers events and tells the versions of their streams", "[tools]") {
  ToolSession session;
  const Json answer = session.call("append_events", {{"events", {event("a"), event("b"), event("a")}}});
  CHECK(answer["first_position"] == 1);
  CHECK(answer["last_position"] == 3);
  CHECK(answer["versions"] == Json({{"a", 2}, {"b", 1}}));
  CHECK(answer["durability"] == "fsync");
  CHECK(!answer.contains("replayed"));
  CHECK(answer["at"]["fork"] == "main");
  CHECK(answer["at"]["position"] == 3);
  CHECK(answer["recorded_at"] == answer["at"]["recorded_at"]);
}

TEST_CASE("append_events keeps every member of an event, data byte by byte", "[tools]") {
  ToolSession session;
  session.call_text(
      "append_events",
      R"({"events":[{"stream":"a/\u00e4","type":"T","data":{"z": 1.50,  "a":"\u0041","z2":1e2},"tags":["x:1","y"],)"
      R"("metadata":{"m": [ ]},"id":"e1","correlation_id":"c","causation_id":"e1",)"
      R"("valid_at":"2025-01-01T00:00:00+01:00","embedding":[0.5,1]}],"durability":"os"})");
  const std::string answer = session.call_text("query_events", R"({"detail":"full"})");
  CHECK(answer.find(R"("data":{"z": 1.50,  "a":"\u0041","z2":1e2})") != std::string::npos);
  CHECK(answer.find(R"("metadata":{"m": [ ]})") != std::string::npos);
  const Json read = Json::parse(answer)["events"][0];
  CHECK(read["stream"] == "a/\u00e4");
  CHECK(read["tags"] == Json({"x:1", "y"}));
  CHECK(read["id"] == "e1");
  CHECK(read["actor"] == "tester");
  CHECK(read["correlation_id"] == "c");
  CHECK(read["causation_id"] == "e1");
  CHECK(read["valid_at"] == "2024-12-31T23:00:00.000000Z");
  CHECK(read["embedding"] == Json({0.5, 1.0}));
  const Json summary = session.call("query_events", Json::object())["events"][0];
  CHECK(!summary.contains("embedding"));
}

TEST_CASE("A condition that holds lets the append through, one that does not says what was missed", "[tools]") {
  ToolSession session;
  session.append("order-7", "OrderPlaced", {{"status", "placed"}}, {{"tags", {"customer:3"}}});
  const uint64_t second = session.append("order-7", "OrderCancelled", {{"status", "cancelled"}});
  const Json paid = event("order-7");

  SECTION("stream at a version") {
    const Error lost = session.refused("append_events", one(paid, {{"stream", "order-7"}, {"version", 1}}));
    CHECK(lost.code == Code::kConflict);
    CHECK(lost.message ==
          R"(conditions[0] {"stream":"order-7","version":1} does not hold: the stream is at version 2; )"
          "nothing was appended; read the missed events, decide again, and retry with version 2");
    CHECK(details(lost)["condition_index"] == 0);
    CHECK(details(lost)["condition"] == Json({{"stream", "order-7"}, {"version", 1}}));
    CHECK(details(lost)["actual_version"] == 2);
    REQUIRE(details(lost)["missed"].size() == 1);
    CHECK(details(lost)["missed"][0]["type"] == "OrderCancelled");
    CHECK(details(lost)["at"]["position"] == second);
    CHECK(session.call("append_events", one(paid, {{"stream", "order-7"}, {"version", 2}}))["versions"]["order-7"] ==
          3);
  }
  SECTION("stream exists") {
    CHECK(session.refused("append_events", one(paid, {{"stream", "nothing"}, {"exists", true}})).code ==
          Code::kConflict);
    CHECK(session.refused("append_events", one(paid, {{"stream", "order-7"}, {"exists", false}})).code ==
          Code::kConflict);
    session.call("append_events", one(paid, {{"stream", "order-7"}, {"exists", true}}));
    session.call("append_events", one(paid, {{"stream", "nothing"}, {"exists", false}}));
    session.call("append_events", one(paid, {{"stream", "nothing"}, {"version", 0}}));
  }
  SECTION("none match") {
    const Json match = Json::array({{{"types", {"OrderCancelled"}}, {"streams", {"order-7"}}}});
    const Error lost = session.refused("append_events", one(paid, {{"none_match", match}, {"after", 1}}));
    CHECK(details(lost)["first_match"] == second);
    CHECK(lost.message.ends_with("retry with after 2"));
    session.refused("append_events", one(paid, {{"none_match", match}}));
    session.call("append_events", one(paid, {{"none_match", match}, {"after", 2}}));
  }
  SECTION("some match") {
    const Json cancelled = Json::array({{{"tags", {"customer:3"}}}});
    session.call("append_events", one(paid, {{"some_match", cancelled}}));
    const Error lost =
        session.refused("append_events", one(paid, {{"some_match", Json::array({{{"stream_prefix", "invoice-"}}})}}));
    CHECK(lost.code == Code::kConflict);
    CHECK(lost.message.find("no event matches") != std::string::npos);
  }
  SECTION("head") {
    const Error lost = session.refused("append_events", one(paid, {{"head", 1}}));
    CHECK(details(lost)["head"] == 2);
    CHECK(details(lost)["missed"].size() == 1);
    session.call("append_events", one(paid, {{"head", 2}}));
  }
}

TEST_CASE("The second of two conditions is named when it is the one that fails", "[tools]") {
  ToolSession session;
  const Json arguments = {{"events", {event("a")}},
                          {"conditions", {{{"head", 0}}, {{"stream", "b"}, {"exists", true}}}}};
  const Error lost = session.refused("append_events", arguments);
  CHECK(details(lost)["condition_index"] == 1);
  CHECK(details(lost)["actual_version"] == 0);
}

TEST_CASE("Missed events of a conflict stay short", "[tools]") {
  ToolSession session;
  for (int i = 0; i < 30; i++) {
    Json data;
    for (int f = 0; f < 20; f++) data["field" + std::to_string(f)] = std::string(250, 'x');
    session.append("a", "Long", data);
  }
  const Error lost = session.refused("append_events", one(event("a"), {{"stream", "a"}, {"version", 1}}));
  CHECK(lost.details.size() < 40'000);
  const Json missed = details(lost)["missed"];
  CHECK(!missed.empty());
  CHECK(details(lost)["more_missed"] == 20 - missed.size());
}

TEST_CASE("A repeated request is answered again, for ever", "[tools]") {
  ToolSession session;
  const Json request = {
      {"events", {event("a", {{"n", 1}})}}, {"conditions", {{{"stream", "a"}, {"version", 0}}}}, {"request_id", "r1"}};
  const Json first = session.call("append_events", request);
  session.reopen();
  Json again = session.call("append_events", request);
  CHECK(again["replayed"] == true);
  again.erase("replayed");
  CHECK(again == first);
  Json other = request;
  other["events"][0]["data"] = {{"n", 2}};
  CHECK(session.refused("append_events", other).code == Code::kIdReused);
}

TEST_CASE("An event that is wrong is named by its number", "[tools]") {
  ToolSession session;
  const Error error = session.refused("append_events", {{"events", {event("a"), event("a"), {{"stream", "b"}}}}});
  CHECK(error.code == Code::kInvalidArgument);
  CHECK(error.message.starts_with("events[2]: "));
  CHECK(details(error)["event_index"] == 2);
  CHECK(session.refused("append_events", {{"events", {event("a"), 5}}}).message ==
        "events[1]: an event must be an object with stream, type and data, got 5; nothing was appended");
}

TEST_CASE("A condition of no known form is answered with the five forms", "[tools]") {
  ToolSession session;
  const Json wrong[] = {
      Json::object(),
      {{"stream", "a"}},
      {{"version", 1}},
      {{"stream", "a"}, {"version", 1}, {"exists", true}},
      {{"stream", "a"}, {"head", 1}},
      {{"after", 1}},
      {{"some_match", Json::array({{{"types", {"T"}}}})}, {"after", 1}},
      {{"stream", "a"}, {"expected_version", 1}},
  };
  for (const Json& condition : wrong) {
    const Error error = session.refused("append_events", one(event("a"), condition));
    CHECK(error.code == Code::kInvalidArgument);
    CHECK(error.message.find("five forms, {\"stream\":S,\"version\":N}") != std::string::npos);
  }
  CHECK(
      session.refused("append_events", one(event("a"), {{"none_match", Json::array({Json::object()})}})).message ==
      "conditions[0].none_match[0] is empty, which would match everything: give types, tags, streams or stream_prefix");
}

// The events are read by a decoder of their own, so the schema must be shown to say the same.
TEST_CASE("Events are accepted and refused as the schema says", "[tools]") {
  const Json schema = Json::parse(find_tool("append_events")->input_schema)["properties"]["events"];
  const Schema published(schema.dump());
  const Json good = {{"stream", "a"}, {"type", "T"}, {"data", {{"x", 1}}}};
  int number = 0;
  for (const auto& [member, value] : changes()) {
    Json changed = good;
    changed[member] = value;
    const Json events = Json::array({changed});
    INFO(events.dump().substr(0, 200));
    ToolSession session;
    const bool allowed = published.check(events).has_value();
    if (allowed) {
      session.call("append_events", {{"events", events}});
    } else {
      session.refused("append_events", {{"events", events}});
    }
    number += allowed ? 1 : 0;
  }
  CHECK(number > 10);
}

TEST_CASE("What an event must have, and how many there may be, is as the schema says", "[tools]") {
  const Schema published(Json::parse(find_tool("append_events")->input_schema)["properties"]["events"].dump());
  const Json good = {{"stream", "a"}, {"type", "T"}, {"data", {{"x", 1}}}};
  for (const char* member : {"stream", "type", "data"}) {
    Json changed = good;
    changed.erase(member);
    ToolSession session;
    CHECK(!published.check(Json::array({changed})));
    session.refused("append_events", {{"events", Json::array({changed})}});
  }
  ToolSession session;
  Json many = Json::array();
  for (int i = 0; i < 10'001; i++) many.push_back(good);
  CHECK(!published.check(many));
  CHECK(session.refused("append_events", {{"events", many}}).code == Code::kTooLarge);
  many.erase(0);
  CHECK(session.call("append_events", {{"events", many}})["last_position"] == 10'000);
}

TEST_CASE("Of two appends with one condition exactly one succeeds", "[tools]") {
  ToolSession session;
  std::atomic<int> won{0};
  std::vector<std::thread> threads;
  std::string arguments = one(event("a"), {{"stream", "a"}, {"version", 0}}).dump();
  const size_t size = arguments.size();
  arguments.append(64, ' ');
  for (int i = 0; i < 4; i++) {
    threads.emplace_back([&] {
      CallContext context{
          .store = &session.store(), .principal = local_principal("t"), .cancelled = {}, .progress = {}};
      const auto answer =
          find_tool("append_events")->call(context, ValidJson::trusted(std::string_view(arguments).substr(0, size)));
      won += answer ? 1 : 0;
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(won == 1);
}

}  // namespace chronos::test
