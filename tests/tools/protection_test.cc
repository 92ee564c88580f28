// A main that takes events by merges only.
#include <nlohmann/json.hpp>

#include "core/log.h"
#include "tests/support/catch.h"
#include "tests/support/fork_calls.h"

namespace chronos::test {
namespace {

Json protect(ToolSession& session, bool main) {
  std::string text = Json({{"main", main}, {"request_id", "ignored"}}).dump();
  text.reserve(text.size() + kSimdPadding);
  const auto answer = find_admin_tool("set_protection")->call(session.context(), ValidJson::trusted(text));
  if (!answer) FAIL(answer.error().message);
  return Json::parse(*answer);
}

}  // namespace

TEST_CASE("A protected main takes events by merges only", "[tools][forks]") {
  ToolSession session;
  append_in(session, "main", "a");
  CHECK(!session.call("describe_store", Json::object()).contains("main_protected"));
  CHECK(protect(session, true) == Json({{"main_protected", true}}));
  const Json append = {{"events", {{{"stream", "a"}, {"type", "T"}, {"data", Json::object()}}}}};
  for (int round = 0; round < 2; round++) {
    const Error error = session.refused("append_events", append);
    CHECK(error.code == Code::kPermissionDenied);
    CHECK(error.message.find("fork") != std::string::npos);
    CHECK(session.call("describe_store", Json::object())["main_protected"] == true);
    session.reopen();
  }
  make_fork(session, "try-2");
  append_in(session, "try-2", "a");
  CHECK(merge_now(session, {{"fork", "try-2"}})["appended"] == 1);
  CHECK(protect(session, false) == Json({{"main_protected", false}}));
  CHECK(protect(session, false) == Json({{"main_protected", false}}));
  CHECK(session.call("append_events", append)["first_position"] == 3);
  CHECK(!session.call("describe_store", Json::object()).contains("main_protected"));
}

}  // namespace chronos::test
