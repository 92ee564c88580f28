#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/fork_calls.h"

namespace chronos::test {
namespace {

// main: a, b.  try-2 leaves there and appends a (if at version 1), b (if at version 1), c; then main appends to b: of
// the three batches the second is in conflict.
void diverge(ToolSession& session) {
  append_in(session, "main", "a");
  append_in(session, "main", "b");
  make_fork(session, "try-2");
  append_in(session, "try-2", "a", conditions({{"stream", "a"}, {"version", 1}}), {{"id", "from-fork"}});
  append_in(session, "try-2", "b", conditions({{"stream", "b"}, {"version", 1}}));
  append_in(session, "try-2", "c");
  append_in(session, "main", "b");
}

uint64_t head_of(ToolSession& session, const char* fork) {
  return session.call("describe_store", {{"fork", fork}})["at"]["position"];
}

// The one batch of a preview that is in conflict.
Json only_conflict(ToolSession& session, const Json& arguments) {
  const Json answer = session.call("merge_fork", arguments);
  CHECK(!answer.contains("preview_token"));
  Json found;
  for (const Json& batch : answer["batches"]) {
    if (batch["status"] != "conflict") continue;
    CHECK(found.is_null());
    found = batch;
  }
  REQUIRE(found.is_object());
  return found;
}

}  // namespace

TEST_CASE("A preview tells what would happen to each batch, and writes nothing", "[tools][forks]") {
  ToolSession session;
  diverge(session);
  const Json answer = session.call("merge_fork", {{"fork", "try-2"}});
  CHECK(!answer.contains("preview_token"));
  CHECK(answer["would_append"] == 0);
  CHECK(!answer.contains("skipped"));
  CHECK(answer["batches"] == Json::array({{{"position", 3}, {"events", 1}, {"status", "clean"}},
                                          {{"position", 4},
                                           {"events", 1},
                                           {"status", "conflict"},
                                           {"condition", {{"stream", "b"}, {"version", 1}}},
                                           {"found", {{"actual_version", 2}}}},
                                          {{"position", 5}, {"events", 1}, {"status", "clean"}}}));
  CHECK(answer["touched_on_both"] == Json::array({{{"stream", "b"}, {"source_events", 1}, {"target_events", 1}}}));
  CHECK(answer["at"]["fork"] == "main");
  CHECK(answer["at"]["position"] == 3);
  CHECK(head_of(session, "main") == 3);
  CHECK(head_of(session, "try-2") == 5);
}

TEST_CASE("A merge that skips leaves batches in conflict behind", "[tools][forks]") {
  ToolSession session;
  diverge(session);
  Json arguments = {{"fork", "try-2"}, {"on_conflict", "skip"}};
  const Json preview = session.call("merge_fork", arguments);
  CHECK(preview["would_append"] == 2);
  CHECK(preview["skipped"] == 1);
  arguments["preview_token"] = preview["preview_token"];
  const Json merged = session.call("merge_fork", arguments);
  CHECK(merged["first_position"] == 4);
  CHECK(merged["last_position"] == 5);
  CHECK(merged["appended"] == 2);
  CHECK(merged["skipped"] == 1);
  CHECK(merged["duplicates"] == 0);
  CHECK(!merged.contains("replayed"));
  CHECK(merged["at"]["fork"] == "main");
  CHECK(merged["at"]["position"] == 5);
  const Json events = session.call("query_events", {{"detail", "full"}})["events"];
  REQUIRE(events.size() == 5);
  CHECK(events[3]["stream"] == "a");
  CHECK(events[3]["version"] == 2);
  CHECK(events[3]["id"] == "from-fork");
  CHECK(events[3]["data"] == Json({{"in", "try-2"}}));
  CHECK(events[3]["metadata"]["merged_from"] == Json({{"fork", "try-2"}, {"position", 3}}));
  CHECK(events[4]["stream"] == "c");
  CHECK(session.call("verify_history", Json::object())["ok"] == true);
}

TEST_CASE("A merge in which the source wins appends all", "[tools][forks]") {
  ToolSession session;
  diverge(session);
  const Json merged = merge_now(session, {{"fork", "try-2"}, {"on_conflict", "source_wins"}});
  CHECK(merged["appended"] == 3);
  CHECK(merged["skipped"] == 0);
  const Json state = session.call("get_state", {{"stream", "b"}});
  CHECK(state["version"] == 3);
  CHECK(state["state"] == Json({{"in", "try-2"}}));
}

TEST_CASE("Merging again adds only what is new", "[tools][forks]") {
  ToolSession session;
  diverge(session);
  merge_now(session, {{"fork", "try-2"}, {"on_conflict", "source_wins"}});
  const Json again = session.call("merge_fork", {{"fork", "try-2"}});
  REQUIRE(again["batches"].size() == 3);
  for (const Json& batch : again["batches"]) CHECK(batch["status"] == "duplicate");
  CHECK(again["would_append"] == 0);
  CHECK(again["duplicates"] == 3);
  const Json nothing = merge_now(session, {{"fork", "try-2"}});
  CHECK(nothing["appended"] == 0);
  CHECK(nothing["duplicates"] == 3);
  CHECK(!nothing.contains("first_position"));
  CHECK(nothing["at"]["position"] == 6);
  append_in(session, "try-2", "d");
  session.reopen();
  const Json more = merge_now(session, {{"fork", "try-2"}});
  CHECK(more["appended"] == 1);
  CHECK(more["first_position"] == 7);
  CHECK(more["duplicates"] == 3);
}

TEST_CASE("only picks batches", "[tools][forks]") {
  ToolSession session;
  diverge(session);
  const Json arguments = {{"fork", "try-2"}, {"only", {{{"streams", {"c"}}}}}};
  const Json preview = session.call("merge_fork", arguments);
  REQUIRE(preview["batches"].size() == 1);
  CHECK(preview["batches"][0]["position"] == 5);
  CHECK(merge_now(session, arguments)["appended"] == 1);
  CHECK(session.call("merge_fork", {{"fork", "try-2"}})["batches"][2]["status"] == "duplicate");
  CHECK(session.refused("merge_fork", {{"fork", "try-2"}, {"only", Json::array({Json::object()})}}).code ==
        Code::kInvalidArgument);
  CHECK(session.refused("merge_fork", {{"fork", "try-2"}, {"only", Json::array()}}).code == Code::kInvalidArgument);
  const Json none = session.call("merge_fork", {{"fork", "try-2"}, {"only", {{{"streams", {"z"}}}}}});
  CHECK(none["batches"].empty());
  CHECK(none["would_append"] == 0);
}

TEST_CASE("A preview says what stands against a batch, in the words of conditions", "[tools][forks]") {
  ToolSession session;
  append_in(session, "main", "a");
  append_in(session, "main", "b");
  const Json only_last = {{{"types", {"Last"}}}};
  const Json last = {{"type", "Last"}};
  for (const char* name : {"none", "some", "exists", "head", "id", "chosen"}) make_fork(session, name);
  const Json none = {{"none_match", {{{"types", {"Paid"}}, {"tags", {"x:1", "y:2"}}}, {{"stream_prefix", "q"}}}},
                     {"after", 1}};
  append_in(session, "none", "n", conditions(none));
  const Json some = {{"some_match", {{{"streams", {"s"}}}}}};
  append_in(session, "some", "s");
  append_in(session, "some", "t", conditions(some), last);
  append_in(session, "exists", "s");
  append_in(session, "exists", "t", conditions({{"stream", "s"}, {"exists", true}}), last);
  append_in(session, "head", "h", conditions({{"head", 2}}));
  append_in(session, "id", "i", Json::object(), {{"id", "e-1"}});
  append_in(session, "chosen", "first");
  append_in(session, "chosen", "second", conditions({{"head", 3}}), last);
  append_in(session, "main", "p", Json::object(), {{"type", "Paid"}, {"tags", {"x:1", "y:2"}}, {"id", "e-1"}});

  const Json in_none = only_conflict(session, {{"fork", "none"}});
  CHECK(in_none["condition"] == none);
  CHECK(in_none["found"] == Json({{"first_match", 3}}));
  const Json in_some = only_conflict(session, {{"fork", "some"}, {"only", only_last}});
  CHECK(in_some["condition"] == some);
  CHECK(in_some["found"] == Json::object());
  const Json in_exists = only_conflict(session, {{"fork", "exists"}, {"only", only_last}});
  CHECK(in_exists["condition"] == Json({{"stream", "s"}, {"exists", true}}));
  CHECK(in_exists["found"] == Json({{"actual_version", 0}}));
  const Json in_head = only_conflict(session, {{"fork", "head"}});
  CHECK(in_head["condition"] == Json({{"head", 2}}));
  CHECK(in_head["found"] == Json({{"head", 3}, {"position", 3}}));
  const Json in_id = only_conflict(session, {{"fork", "id"}});
  CHECK(!in_id.contains("condition"));
  CHECK(in_id["found"] == Json({{"id", "e-1"}, {"position", 3}}));
  CHECK(only_conflict(session, {{"fork", "chosen"}, {"only", only_last}})["condition"] == Json({{"head", 3}}));
  // No override makes room for an id that is taken.
  CHECK(only_conflict(session, {{"fork", "id"}, {"on_conflict", "source_wins"}})["found"]["id"] == "e-1");
}

TEST_CASE("A target that moved is a conflict with a new preview", "[tools][forks]") {
  ToolSession session;
  append_in(session, "main", "a");
  make_fork(session, "try-2");
  append_in(session, "try-2", "a");
  Json arguments = {{"fork", "try-2"}};
  arguments["preview_token"] = session.call("merge_fork", arguments)["preview_token"];
  append_in(session, "main", "b");
  const Error stale = session.refused("merge_fork", arguments);
  CHECK(stale.code == Code::kConflict);
  const Json renewed = Json::parse(stale.details)["preview"];
  CHECK(renewed["at"]["position"] == 2);
  CHECK(renewed["batches"].size() == 1);
  arguments["preview_token"] = renewed["preview_token"];
  CHECK(session.call("merge_fork", arguments)["first_position"] == 3);
}

TEST_CASE("A preview token belongs to one merge", "[tools][forks]") {
  ToolSession session;
  append_in(session, "main", "a");
  make_fork(session, "try-2");
  make_fork(session, "try-3", {{"from", "try-2"}});
  append_in(session, "try-3", "a");
  const Json asked = {{"fork", "try-3"}, {"into", "main"}, {"on_conflict", "skip"}};
  const std::string token = session.call("merge_fork", asked)["preview_token"];
  const auto refused = [&](Json arguments, const std::string& sent) {
    arguments["preview_token"] = sent;
    const Error error = session.refused("merge_fork", arguments);
    CHECK(error.code == Code::kInvalidArgument);
    CHECK(error.message.find("leave it out for a new preview") != std::string::npos);
  };
  refused({{"fork", "try-2"}, {"into", "main"}, {"on_conflict", "skip"}}, token);
  refused({{"fork", "try-3"}, {"into", "try-2"}, {"on_conflict", "skip"}}, token);
  refused({{"fork", "try-3"}, {"on_conflict", "skip"}}, token);
  refused({{"fork", "try-3"}, {"into", "main"}}, token);
  refused({{"fork", "try-3"}, {"into", "main"}, {"on_conflict", "skip"}, {"only", {{{"types", {"Set"}}}}}}, token);
  for (const char* bad : {"x", "1.2.3", "1.1.1.0", "1.99999999999999999999.1.0"}) refused(asked, bad);
  refused(asked, token + "0");
  // What does not change the merge does not matter.
  Json same = asked;
  same["limit"] = 7;
  same["request_id"] = "m1";
  same["preview_token"] = token;
  CHECK(session.call("merge_fork", same)["appended"] == 1);
  make_fork(session, "try-4");
  Json spelled = {{"fork", "try-4"}};
  spelled["preview_token"] = session.call("merge_fork", spelled)["preview_token"];
  spelled["on_conflict"] = "abort";
  CHECK(session.call("merge_fork", spelled)["appended"] == 0);
}

TEST_CASE("merge_fork refuses what cannot be, and says what to do", "[tools][forks]") {
  ToolSession session;
  append_in(session, "main", "a");
  make_fork(session, "try-2");
  make_fork(session, "deeper", {{"from", "try-2"}});
  make_fork(session, "gone");
  session.call("discard_fork", {{"fork", "gone"}});
  const auto code = [&](const Json& arguments) {
    const Error error = session.refused("merge_fork", arguments);
    INFO(arguments.dump() << ": " << error.message);
    CHECK(error.message.size() > 30);
    return error.code;
  };
  CHECK(code({{"fork", "try-2"}, {"into", "try-2"}}) == Code::kInvalidArgument);
  CHECK(code({{"fork", "try-2"}, {"into", "deeper"}}) == Code::kInvalidArgument);
  CHECK(code({{"fork", "main"}, {"into", "try-2"}}) == Code::kInvalidArgument);
  CHECK(code({{"fork", "main"}}) == Code::kInvalidArgument);
  CHECK(code({{"fork", "nowhere"}}) == Code::kNotFound);
  CHECK(code({{"fork", "gone"}}) == Code::kNotFound);
  CHECK(code({{"fork", "try-2"}, {"into", "nowhere"}}) == Code::kNotFound);
  CHECK(code({{"fork", "try-2"}, {"into", "gone"}}) == Code::kNotFound);
  CHECK(code({{"fork", "try-2"}, {"on_conflict", "guess"}}) == Code::kInvalidArgument);
  CHECK(code(Json::object()) == Code::kInvalidArgument);
}

TEST_CASE("A merge goes into any fork that it did not make", "[tools][forks]") {
  ToolSession session;
  append_in(session, "main", "a");
  make_fork(session, "try-2");
  append_in(session, "try-2", "b");
  make_fork(session, "deeper", {{"from", "try-2"}});
  append_in(session, "deeper", "c");
  make_fork(session, "other");
  // To the grandparent everything goes that it has not, what the parent has included.
  const Json grand = merge_now(session, {{"fork", "deeper"}, {"into", "main"}});
  CHECK(grand["appended"] == 2);
  CHECK(grand["at"]["fork"] == "main");
  const Json parent = merge_now(session, {{"fork", "deeper"}});
  CHECK(parent["at"]["fork"] == "try-2");
  CHECK(parent["appended"] == 1);
  const Json sibling = merge_now(session, {{"fork", "try-2"}, {"into", "other"}});
  CHECK(sibling["appended"] == 2);
  CHECK(head_of(session, "other") == 3);
}

TEST_CASE("merge_fork sent twice merges once", "[tools][forks]") {
  ToolSession session;
  diverge(session);
  Json arguments = {{"fork", "try-2"}, {"on_conflict", "skip"}};
  arguments["preview_token"] = session.call("merge_fork", arguments)["preview_token"];
  arguments["request_id"] = "m1";
  const Json first = session.call("merge_fork", arguments);
  CHECK(first["appended"] == 2);
  append_in(session, "main", "later");
  for (int round = 0; round < 2; round++) {
    Json again = session.call("merge_fork", arguments);
    CHECK(again["replayed"] == true);
    again.erase("replayed");
    CHECK(again == first);
    session.reopen();
  }
  CHECK(head_of(session, "main") == 6);
  Json other = {{"fork", "try-2"}, {"on_conflict", "source_wins"}};
  other["preview_token"] = session.call("merge_fork", other)["preview_token"];
  other["request_id"] = "m1";
  CHECK(session.refused("merge_fork", other).code == Code::kIdReused);
  const Json append = {{"events", {{{"stream", "a"}, {"type", "T"}, {"data", Json::object()}}}}, {"request_id", "m1"}};
  CHECK(session.refused("append_events", append).code == Code::kIdReused);
}

TEST_CASE("A long preview shows conflicts before anything else, in order, and tells the totals", "[tools][forks]") {
  ToolSession session;
  append_in(session, "main", "a");
  append_in(session, "main", "b");
  make_fork(session, "try-2");
  for (int i = 0; i < 80; i++) {
    const bool conflicting = i == 20 || i == 79;
    const Json condition = conditions({{"none_match", {{{"types", {"Stop"}}}}}});
    append_in(session, "try-2", "s" + std::to_string(i), conflicting ? condition : Json::object());
  }
  append_in(session, "main", "s", Json::object(), {{"type", "Stop"}});
  for (int i = 0; i < 80; i++) append_in(session, "main", "s" + std::to_string(i));
  const Json few = session.call("merge_fork", {{"fork", "try-2"}, {"limit", 4}});
  REQUIRE(few["batches"].size() == 4);
  std::vector<uint64_t> positions;
  for (const Json& batch : few["batches"]) positions.push_back(batch["position"]);
  CHECK(positions == std::vector<uint64_t>{3, 4, 23, 82});
  CHECK(few["more_batches"] == 76);
  CHECK(few["totals"] == Json({{"clean", 78}, {"conflict", 2}, {"duplicate", 0}}));
  CHECK(few["touched_on_both"].size() == 4);
  CHECK(few["more_touched"] == 76);
  const Json usual = session.call("merge_fork", {{"fork", "try-2"}});
  CHECK(usual["batches"].size() == 50);
  CHECK(usual["more_batches"] == 30);
  const Json all = session.call("merge_fork", {{"fork", "try-2"}, {"limit", 1000}});
  CHECK(all["batches"].size() == 80);
  CHECK(!all.contains("more_batches"));
  CHECK(!all.contains("totals"));
  CHECK(!all.contains("more_touched"));
}

TEST_CASE("Conditions of any length do not make a preview long", "[tools][forks]") {
  ToolSession session;
  make_fork(session, "try-2");
  Json names = Json::array();
  for (int i = 0; i < 400; i++) names.push_back("a rather long name of a type that never comes " + std::to_string(i));
  names.push_back("Stop");
  for (int i = 0; i < 20; i++) {
    append_in(session, "try-2", "s", conditions({{"none_match", {{{"types", names}}}}}));
  }
  append_in(session, "main", "s", Json::object(), {{"type", "Stop"}});
  const Json answer = session.call("merge_fork", {{"fork", "try-2"}});
  CHECK(answer["batches"].size() >= 1);
  CHECK(answer["totals"]["conflict"] == 20);
  CHECK(answer.dump().size() < 64 * 1024);
}

}  // namespace chronos::test
