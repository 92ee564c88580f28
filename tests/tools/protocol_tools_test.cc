// The tools that the protocol calls on its own behalf.
#include "tools/protocol_tools.h"

#include <nlohmann/json.hpp>
#include <thread>

#include "core/log.h"
#include "tests/support/tool_session.h"

// Last: its CHECK is the one meant here.
#include "tests/support/catch.h"

namespace chronos::test {
namespace {

using Json = nlohmann::json;

Json ask(ToolSession& session, std::string_view tool, const Json& arguments, std::stop_token cancelled = {}) {
  std::string text = arguments.dump();
  text.reserve(text.size() + kSimdPadding);
  CallContext context = session.context();
  context.cancelled = std::move(cancelled);
  const auto answer = find_protocol_tool(tool)->call(context, ValidJson::trusted(text));
  REQUIRE(answer);
  return Json::parse(*answer);
}

Json watch(const Json& streams, int wait_ms) { return {{"streams", streams}, {"wait_ms", wait_ms}}; }

constexpr int kLong = 60'000;

}  // namespace

TEST_CASE("streams that are not as they were seen are told at once", "[tools][protocol_tools]") {
  ToolSession session;
  session.append("a", "T", Json::object());
  const Json streams = {{{"fork", "main"}, {"stream", "a"}, {"version", 0}},
                        {{"fork", "main"}, {"stream", "a"}, {"version", 1}},
                        {{"fork", "main"}, {"stream", "b"}},
                        {{"fork", "none"}, {"stream", "a"}, {"version", 3}}};
  const Json grown = {{{"index", 0}, {"version", 1}}, {{"index", 2}, {"version", 0}}, {{"index", 3}, {"version", 0}}};
  CHECK(ask(session, "await_growth", watch(streams, kLong))["grown"] == grown);
  const Json nothing = {{{"fork", "main"}, {"stream", "a"}, {"version", 1}}};
  CHECK(ask(session, "await_growth", watch(nothing, 0))["grown"].empty());
  CHECK(ask(session, "await_growth", watch(nothing, 1))["grown"].empty());
}

TEST_CASE("a fork grows as well as its streams", "[tools][protocol_tools]") {
  ToolSession session;
  session.append("a", "T", Json::object());
  const Json forks = {{{"fork", "main"}}, {{"fork", "main"}, {"version", 1}}, {{"fork", "none"}}};
  const Json grown = {{{"index", 0}, {"version", 1}}, {{"index", 2}, {"version", 0}}};
  CHECK(ask(session, "await_growth", watch(forks, 0))["grown"] == grown);
}

TEST_CASE("waiting ends when a stream grows, or the call is cancelled", "[tools][protocol_tools][threads]") {
  ToolSession session;
  session.append("a", "T", Json::object());
  const Json streams = {{{"fork", "main"}, {"stream", "a"}, {"version", 1}}};
  Json answer;
  std::thread client([&] { answer = ask(session, "await_growth", watch(streams, kLong)); });
  session.append("b", "T", Json::object());
  session.append("a", "T", Json::object());
  client.join();
  CHECK(answer["grown"] == Json{{{"index", 0}, {"version", 2}}});
  std::stop_source stop;
  const Json now = {{{"fork", "main"}, {"stream", "a"}, {"version", 2}}};
  std::thread other([&] { answer = ask(session, "await_growth", watch(now, kLong), stop.get_token()); });
  stop.request_stop();
  other.join();
  CHECK(answer["grown"].empty());
}

TEST_CASE("at most a hundred names, each once, the last used first", "[tools][protocol_tools]") {
  ToolSession session;
  for (int i = 0; i < 120; i++) session.append("s-" + std::to_string(i), i % 2 == 0 ? "Even" : "Odd", Json::object());
  session.append("s-5", "Even", Json::object());
  const Json all = ask(session, "complete_names", {{"kind", "stream"}, {"prefix", "s-"}});
  CHECK(all["names"].size() == 100);
  CHECK(all["more"] == true);
  CHECK(all["names"][0] == "s-5");
  const Json some = ask(session, "complete_names", {{"kind", "stream"}, {"prefix", "s-11"}});
  CHECK(some["names"].size() == 11);
  CHECK(some["names"][0] == "s-11");  // typed in full
  CHECK(some["more"] == false);
  CHECK(ask(session, "complete_names", {{"kind", "type"}, {"prefix", ""}})["names"] == Json{"Even", "Odd"});
  CHECK(ask(session, "complete_names", {{"kind", "position"}, {"prefix", ""}})["names"] == Json{"121"});
  CHECK(ask(session, "complete_names", {{"kind", "stream"}, {"prefix", ""}, {"fork", "none"}})["names"].empty());
}

}  // namespace chronos::test
