#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/fork_calls.h"

namespace chronos::test {

TEST_CASE("list_forks tells main of an empty store", "[tools][forks]") {
  ToolSession session;
  const Json answer = session.call("list_forks", Json::object());
  CHECK(answer["forks"] == Json::array({{{"fork", "main"}, {"head", 0}, {"own_events", 0}}}));
  CHECK(answer["at"] == Json({{"fork", "main"}, {"position", 0}}));
}

TEST_CASE("list_forks tells where each fork left, what it has and what it is for", "[tools][forks]") {
  ToolSession session;
  append_in(session, "main", "a");
  append_in(session, "main", "a");
  const Json made = make_fork(session, "try-2", {{"as_of", 1}, {"purpose", "to see"}, {"ttl_seconds", 100'000}});
  append_in(session, "try-2", "a");
  append_in(session, "try-2", "a");
  make_fork(session, "deeper", {{"from", "try-2"}});
  session.reopen();
  const Json answer = session.call("list_forks", Json::object());
  REQUIRE(answer["forks"].size() == 3);
  CHECK(answer["forks"][0] == Json({{"fork", "main"}, {"head", 2}, {"own_events", 2}}));
  CHECK(answer["forks"][1] == Json({{"fork", "try-2"},
                                    {"parent", "main"},
                                    {"position", 1},
                                    {"created_at", made["created_at"]},
                                    {"expires_at", made["expires_at"]},
                                    {"head", 3},
                                    {"own_events", 2},
                                    {"purpose", "to see"}}));
  CHECK(answer["forks"][2]["parent"] == "try-2");
  CHECK(answer["forks"][2]["position"] == 3);
  CHECK(answer["forks"][2]["own_events"] == 0);
  CHECK(answer["at"]["position"] == 2);
}

TEST_CASE("list_forks says how many it leaves out, and keeps the newest", "[tools][forks]") {
  ToolSession session;
  for (int i = 1; i <= 120; i++) make_fork(session, "f" + std::to_string(i));
  const Json answer = session.call("list_forks", Json::object());
  REQUIRE(answer["forks"].size() == 100);
  CHECK(answer["more_forks"] == 21);
  CHECK(answer["forks"][0]["fork"] == "main");
  CHECK(answer["forks"][1]["fork"] == "f22");
  CHECK(answer["forks"][99]["fork"] == "f120");
  CHECK(session.call("list_forks", {{"limit", 1}})["forks"].size() == 1);
  const Json all = session.call("list_forks", {{"limit", 121}});
  CHECK(all["forks"].size() == 121);
  CHECK(!all.contains("more_forks"));
}

}  // namespace chronos::test
