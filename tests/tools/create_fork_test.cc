#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/fork_calls.h"

namespace chronos::test {

TEST_CASE("create_fork leaves main where it is now, and says so", "[tools][forks]") {
  ToolSession session;
  append_in(session, "main", "a");
  append_in(session, "main", "b");
  const Json answer = make_fork(session, "try-2", {{"purpose", "to see"}, {"ttl_seconds", 3600}});
  CHECK(answer["fork"] == "try-2");
  CHECK(answer["parent"] == "main");
  CHECK(answer["position"] == 2);
  CHECK(answer["expires_at"] > answer["created_at"]);
  CHECK(answer["at"]["fork"] == "try-2");
  CHECK(answer["at"]["position"] == 2);
  CHECK(answer["at"].contains("recorded_at"));
  CHECK(!make_fork(session, "try-3").contains("expires_at"));
  CHECK(append_in(session, "try-2", "a")["first_position"] == 3);
  CHECK(append_in(session, "main", "c")["first_position"] == 3);
  CHECK(session.call("get_state", {{"stream", "a"}, {"fork", "try-2"}})["version"] == 2);
  CHECK(session.call("get_state", {{"stream", "a"}})["version"] == 1);
  CHECK(session.refused("get_state", {{"stream", "c"}, {"fork", "try-2"}}).code == Code::kNotFound);
}

TEST_CASE("create_fork begins at any moment of any fork", "[tools][forks]") {
  ToolSession session;
  append_in(session, "main", "a");
  const std::string time = append_in(session, "main", "a")["recorded_at"];
  append_in(session, "main", "a");
  CHECK(make_fork(session, "empty", {{"as_of", 0}})["at"] == Json({{"fork", "empty"}, {"position", 0}}));
  CHECK(make_fork(session, "first", {{"as_of", "1"}})["position"] == 1);
  CHECK(make_fork(session, "then", {{"as_of", time}})["position"] == 2);
  append_in(session, "first", "a");
  append_in(session, "first", "a");
  const Json deeper = make_fork(session, "deeper", {{"from", "first"}, {"as_of", 2}});
  CHECK(deeper["parent"] == "first");
  CHECK(deeper["position"] == 2);
  CHECK(session.call("get_state", {{"stream", "a"}, {"fork", "deeper"}})["version"] == 2);
  // A moment before the parent itself left.
  CHECK(make_fork(session, "older", {{"from", "first"}, {"as_of", 1}})["position"] == 1);
}

TEST_CASE("create_fork refuses what cannot be, and says what to give", "[tools][forks]") {
  ToolSession session;
  append_in(session, "main", "a");
  make_fork(session, "try-2");
  const auto refused = [&](const Json& arguments) { return session.refused("create_fork", arguments); };
  CHECK(refused({{"name", "try-2"}}).code == Code::kInvalidArgument);
  CHECK(refused({{"name", "try-2"}}).message.find("taken") != std::string::npos);
  CHECK(refused({{"name", "main"}}).code == Code::kInvalidArgument);
  for (const char* name : {"", "a b", "-a", "a/b", "a@1", ".", "caf\xc3\xa9"}) {
    INFO(name);
    CHECK(refused({{"name", name}}).code == Code::kInvalidArgument);
  }
  CHECK(refused({{"name", std::string(65, 'x')}}).code == Code::kInvalidArgument);
  CHECK(refused({{"name", "x"}, {"from", "nowhere"}}).code == Code::kNotFound);
  CHECK(refused({{"name", "x"}, {"from", "nowhere"}}).message.find("try-2") != std::string::npos);
  CHECK(refused({{"name", "x"}, {"as_of", 2}}).code == Code::kInvalidArgument);
  CHECK(refused({{"name", "x"}, {"as_of", 2}}).message.find("head") != std::string::npos);
  CHECK(refused({{"name", "x"}, {"as_of", "soon"}}).code == Code::kInvalidArgument);
  CHECK(refused({{"name", "x"}, {"ttl_seconds", 0}}).code == Code::kInvalidArgument);
  session.call("discard_fork", {{"fork", "try-2"}});
  CHECK(refused({{"name", "try-2"}}).code == Code::kInvalidArgument);
  CHECK(refused({{"name", "x"}, {"from", "try-2"}}).code == Code::kNotFound);
  CHECK(session.call("list_forks", Json::object())["forks"].size() == 1);
}

TEST_CASE("create_fork sent twice makes one fork", "[tools][forks]") {
  ToolSession session;
  append_in(session, "main", "a");
  const Json arguments = {{"name", "try-2"}, {"purpose", "p"}, {"request_id", "r1"}};
  const Json first = session.call("create_fork", arguments);
  append_in(session, "main", "a");
  append_in(session, "try-2", "a");
  CHECK(session.call("create_fork", arguments) == first);
  session.reopen();
  CHECK(session.call("create_fork", arguments) == first);
  const Json changes = {{"name", "try-3"}, {"purpose", "q"}, {"as_of", 1}};
  for (const auto& [member, value] : changes.items()) {
    Json other = arguments;
    other[member] = value;
    INFO(other.dump());
    CHECK(session.refused("create_fork", other).code == Code::kIdReused);
  }
  CHECK(session.refused("discard_fork", {{"fork", "try-2"}, {"request_id", "r1"}}).code == Code::kIdReused);
  CHECK(session.call("list_forks", Json::object())["forks"].size() == 2);
}

TEST_CASE("A fork whose time is over is gone", "[tools][forks]") {
  ToolSession session;  // its clock goes on by a second at each look
  append_in(session, "main", "a");
  make_fork(session, "brief", {{"ttl_seconds", 10}});
  append_in(session, "brief", "a");
  make_fork(session, "of-brief", {{"from", "brief"}});
  for (int i = 0; i < 20; i++) append_in(session, "main", "clock");
  for (const char* fork : {"brief", "of-brief"}) {
    CHECK(session.refused("query_events", {{"fork", fork}}).code == Code::kNotFound);
    CHECK(session.refused("merge_fork", {{"fork", fork}, {"into", "main"}}).code == Code::kNotFound);
    CHECK(session.refused("discard_fork", {{"fork", fork}}).code == Code::kNotFound);
    CHECK(session.refused("create_fork", {{"name", fork}}).code == Code::kInvalidArgument);
  }
  CHECK(session.refused("create_fork", {{"name", "x"}, {"from", "brief"}}).code == Code::kNotFound);
  CHECK(session.call("list_forks", Json::object())["forks"].size() == 1);
}

}  // namespace chronos::test
