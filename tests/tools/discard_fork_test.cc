#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/fork_calls.h"

namespace chronos::test {

TEST_CASE("discard_fork ends a fork and nothing else", "[tools][forks]") {
  ToolSession session;
  append_in(session, "main", "a");
  make_fork(session, "try-2");
  make_fork(session, "try-3");
  append_in(session, "try-2", "a");
  const Json answer = session.call("discard_fork", {{"fork", "try-2"}, {"reason", "it failed"}});
  CHECK(answer["fork"] == "try-2");
  CHECK(answer["discarded_at"] > "2026-01-01");
  CHECK(!answer.contains("replayed"));
  CHECK(answer["at"]["fork"] == "main");
  CHECK(answer["at"]["position"] == 1);
  for (int round = 0; round < 2; round++) {
    const Error gone = session.refused("get_state", {{"stream", "a"}, {"fork", "try-2"}});
    CHECK(gone.code == Code::kNotFound);
    CHECK(gone.message.find("known: main, try-3") != std::string::npos);
    CHECK(session.call("list_forks", Json::object())["forks"].size() == 2);
    session.reopen();
  }
  CHECK(session
            .refused("append_events",
                     {{"fork", "try-2"}, {"events", {{{"stream", "a"}, {"type", "T"}, {"data", Json::object()}}}}})
            .code == Code::kNotFound);
}

TEST_CASE("discard_fork refuses what cannot be, and says what to do", "[tools][forks]") {
  ToolSession session;
  make_fork(session, "try-2");
  make_fork(session, "deeper", {{"from", "try-2"}});
  const auto refused = [&](const char* fork) { return session.refused("discard_fork", {{"fork", fork}}); };
  CHECK(refused("main").code == Code::kInvalidArgument);
  CHECK(refused("nowhere").code == Code::kNotFound);
  CHECK(refused("try-2").code == Code::kConflict);
  CHECK(refused("try-2").message.find("discard") != std::string::npos);
  CHECK(session.call("list_forks", Json::object())["forks"].size() == 3);
  session.call("discard_fork", {{"fork", "deeper"}});
  CHECK(refused("deeper").code == Code::kNotFound);
  session.call("discard_fork", {{"fork", "try-2"}});
}

TEST_CASE("discard_fork sent twice answers as the first time", "[tools][forks]") {
  ToolSession session;
  make_fork(session, "try-2");
  make_fork(session, "try-3");
  const Json arguments = {{"fork", "try-2"}, {"reason", "r"}, {"request_id", "d1"}};
  const Json first = session.call("discard_fork", arguments);
  for (int round = 0; round < 2; round++) {
    const Json again = session.call("discard_fork", arguments);
    CHECK(again["replayed"] == true);
    CHECK(again["fork"] == "try-2");
    CHECK(again["discarded_at"] == first["discarded_at"]);
    session.reopen();
  }
  CHECK(session.refused("discard_fork", {{"fork", "try-3"}, {"request_id", "d1"}}).code == Code::kIdReused);
  CHECK(session.refused("discard_fork", {{"fork", "try-2"}, {"reason", "s"}, {"request_id", "d1"}}).code ==
        Code::kIdReused);
  CHECK(session.refused("create_fork", {{"name", "x"}, {"request_id", "d1"}}).code == Code::kIdReused);
}

}  // namespace chronos::test
