#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/tool_session.h"

namespace chronos::test {
namespace {

using Json = nlohmann::json;

void fork(ToolSession& session, const std::string& name, uint64_t position) {
  NewFork fork;
  fork.name = name;
  fork.from.position = Position{position};
  fork.principal.name = "tester";
  REQUIRE(session.store().create_fork(fork));
}

void append_in(ToolSession& session, const char* fork, const char* stream, const Json& data) {
  session.call("append_events", {{"fork", fork}, {"events", {{{"stream", stream}, {"type", "Set"}, {"data", data}}}}});
}

}  // namespace

TEST_CASE("compare tells what changed between two moments of one fork", "[tools]") {
  ToolSession session;
  session.append("a", "Set", {{"x", 1}});
  session.append("b", "Set", {{"x", 1}});
  session.append("a", "Set", {{"x", 2}});
  session.append("c", "Made", Json::object());
  session.append("b", "Note", Json::object());
  const Json answer = session.call("compare", {{"left", {{"as_of", 2}}}});
  CHECK(answer["ancestor"] == Json({{"fork", "main"}, {"position", 2}}));
  CHECK(answer["left_only"] == Json({{"events", 0}, {"streams", Json::object()}, {"types", Json::object()}}));
  CHECK(answer["right_only"] == Json({{"events", 3},
                                      {"streams", {{"a", 1}, {"b", 1}, {"c", 1}}},
                                      {"types", {{"Set", 1}, {"Made", 1}, {"Note", 1}}}}));
  CHECK(answer["changed"] == Json::array({{{"stream", "a"}, {"left_version", 1}, {"right_version", 2}},
                                          {{"stream", "c"}, {"left_version", 0}, {"right_version", 1}}}));
  CHECK(answer["left_at"]["position"] == 2);
  CHECK(answer["at"]["position"] == 5);
  CHECK(!answer.contains("next_cursor"));
  const Json backwards = session.call("compare", {{"left", {{"as_of", 5}}}, {"right", {{"as_of", 2}}}});
  CHECK(backwards["ancestor"]["position"] == 2);
  CHECK(backwards["left_only"] == answer["right_only"]);
  CHECK(backwards["changed"][1]["right_version"] == 0);
}

TEST_CASE("compare with a stream shows its fields and the events between", "[tools]") {
  ToolSession session;
  session.append("a", "Set", {{"x", 1}, {"gone", true}, {"text", std::string(500, 'a')}});
  session.append("b", "Set", Json::object());
  session.append("a", "Set", {{"x", 2}, {"gone", nullptr}, {"new", {{"y", 1}}}, {"text", "short"}});
  const Json answer = session.call("compare", {{"left", {{"as_of", 2}}}, {"stream", "a"}});
  const Json& differences = answer["differences"];
  REQUIRE(differences.size() == 4);
  CHECK(differences[0] == Json({{"path", "/gone"}, {"left", true}}));
  CHECK(differences[1] == Json({{"path", "/new"}, {"right", {{"y", 1}}}}));
  CHECK(differences[2]["path"] == "/text");
  CHECK(differences[2]["shortened"] == Json({"/left"}));
  CHECK(differences[2]["right"] == "short");
  CHECK(differences[3] == Json({{"path", "/x"}, {"left", 1}, {"right", 2}}));
  REQUIRE(answer["events"].size() == 1);
  CHECK(answer["events"][0]["position"] == 3);
  CHECK(answer["events"][0]["side"] == "right");
  const Json full = session.call("compare", {{"left", {{"as_of", 2}}}, {"stream", "a"}, {"detail", "full"}});
  CHECK(full["differences"][2]["left"] == std::string(500, 'a'));
  const Json same = session.call("compare", {{"left", {{"as_of", 3}}}, {"stream", "a"}});
  CHECK(same["differences"].empty());
  CHECK(same["events"].empty());
  CHECK(session.refused("compare", {{"left", Json::object()}, {"stream", "nothing"}}).code == Code::kNotFound);
  CHECK(session.call("compare", {{"left", {{"as_of", 1}}}, {"stream", "b"}})["differences"].empty());
}

TEST_CASE("compare finds where two forks part and what each has since then", "[tools]") {
  ToolSession session;
  session.append("a", "Set", {{"x", 1}});
  session.append("b", "Set", {{"x", 1}});
  fork(session, "try-2", 2);
  session.append("a", "Set", {{"x", 2}});
  append_in(session, "try-2", "a", {{"x", 3}});
  append_in(session, "try-2", "b", {{"x", 1}});
  const Json sides = {{"left", {{"fork", "main"}}}, {"right", {{"fork", "try-2"}}}};
  const Json answer = session.call("compare", sides);
  CHECK(answer["ancestor"] == Json({{"fork", "main"}, {"position", 2}}));
  CHECK(answer["left_only"]["events"] == 1);
  CHECK(answer["right_only"]["streams"] == Json({{"a", 1}, {"b", 1}}));
  CHECK(answer["changed"] == Json::array({{{"stream", "a"}, {"left_version", 2}, {"right_version", 2}}}));
  CHECK(answer["left_at"]["fork"] == "main");
  CHECK(answer["at"]["fork"] == "try-2");
  Json stream = sides;
  stream["stream"] = "a";
  const Json one = session.call("compare", stream);
  CHECK(one["differences"] == Json::array({{{"path", "/x"}, {"left", 2}, {"right", 3}}}));
  REQUIRE(one["events"].size() == 2);
  CHECK(one["events"][0]["side"] == "left");
  CHECK(one["events"][1]["side"] == "right");
  const Json now = session.call("compare", {{"left", {{"fork", "try-2"}, {"as_of", 2}}}});
  CHECK(now["at"]["fork"] == "try-2");
  CHECK(session.refused("compare", {{"left", {{"fork", "nowhere"}}}}).message.starts_with("left: "));
  CHECK(session.refused("compare", {{"left", Json::object()}, {"right", {{"as_of", 99}}}})
            .message.starts_with("right: "));
}

TEST_CASE("compare takes any moment of any two forks", "[tools]") {
  ToolSession session;
  session.append("a", "Set", {{"x", 1}});
  session.append("a", "Set", {{"x", 2}});
  fork(session, "try-2", 1);
  append_in(session, "try-2", "a", {{"x", 3}});
  append_in(session, "try-2", "b", {{"x", 1}});
  session.call("create_fork", {{"name", "deeper"}, {"from", "try-2"}, {"as_of", 2}});
  append_in(session, "deeper", "c", {{"x", 1}});
  // Cousins: main after their ancestor, and a fork of a fork.
  const Json cousins = session.call("compare", {{"left", {{"fork", "main"}}}, {"right", {{"fork", "deeper"}}}});
  CHECK(cousins["ancestor"] == Json({{"fork", "main"}, {"position", 1}}));
  CHECK(cousins["left_only"]["events"] == 1);
  CHECK(cousins["right_only"]["streams"] == Json({{"a", 1}, {"c", 1}}));
  // Siblings that share what try-2 had when deeper left it.
  const Json family = session.call("compare", {{"left", {{"fork", "try-2"}}}, {"right", {{"fork", "deeper"}}}});
  CHECK(family["ancestor"] == Json({{"fork", "try-2"}, {"position", 2}}));
  CHECK(family["changed"] == Json::array({{{"stream", "b"}, {"left_version", 1}, {"right_version", 0}},
                                          {{"stream", "c"}, {"left_version", 0}, {"right_version", 1}}}));
  // Past moments of both, one before the forks part.
  const Json then = session.call(
      "compare",
      {{"left", {{"fork", "deeper"}, {"as_of", 1}}}, {"right", {{"fork", "try-2"}, {"as_of", "2"}}}, {"stream", "a"}});
  CHECK(then["differences"] == Json::array({{{"path", "/x"}, {"left", 1}, {"right", 3}}}));
  CHECK(then["left_at"]["fork"] == "deeper");
  CHECK(then["at"]["position"] == 2);
  const Json same = session.call("compare", {{"left", {{"as_of", 1}}}, {"right", {{"fork", "deeper"}, {"as_of", 1}}}});
  CHECK(same["changed"].empty());
  CHECK(same["left_only"]["events"] == 0);
  CHECK(same["right_only"]["events"] == 0);
}

TEST_CASE("Pages of compare are one answer", "[tools]") {
  ToolSession session;
  for (int i = 0; i < 60; i++) session.append("s" + std::to_string(100 + i), "Set", {{"x", i}});
  for (int i = 0; i < 10; i++) session.append("s100", "Set", {{"y", i}});
  Json arguments = {{"left", {{"as_of", 0}}}, {"limit", 25}};
  Json page = session.call("compare", arguments);
  CHECK(page["right_only"]["streams"].size() == 50);
  CHECK(page["right_only"]["streams"]["s100"] == 11);
  CHECK(page["right_only"]["more_streams"] == 10);
  Json changed = page["changed"];
  CHECK(page["cut"] == "limit");
  session.append("s999", "Set", Json::object());
  while (page.contains("next_cursor")) {
    arguments["cursor"] = page["next_cursor"];
    page = session.call("compare", arguments);
    for (const Json& stream : page["changed"]) changed.push_back(stream);
  }
  CHECK(changed.size() == 60);
  CHECK(changed[59]["stream"] == "s159");

  Json stream = {{"left", {{"as_of", 1}}}, {"stream", "s100"}, {"limit", 3}};
  page = session.call("compare", stream);
  Json events = page["events"];
  CHECK(session.refused("compare", {{"left", {{"as_of", 2}}}, {"stream", "s100"}, {"cursor", page["next_cursor"]}})
            .code == Code::kInvalidArgument);
  while (page.contains("next_cursor")) {
    stream["cursor"] = page["next_cursor"];
    page = session.call("compare", stream);
    for (const Json& event : page["events"]) events.push_back(event);
  }
  CHECK(events.size() == 10);
  CHECK(events[9]["data"]["y"] == 9);
}

}  // namespace chronos::test
