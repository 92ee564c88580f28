// search_events as an agent uses it.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/tool_session.h"

namespace chronos::test {
namespace {

using Json = nlohmann::json;

std::vector<uint64_t> positions(const Json& answer) {
  std::vector<uint64_t> list;
  for (const auto& hit : answer["hits"]) list.push_back(hit["event"]["position"]);
  return list;
}

using Positions = std::vector<uint64_t>;

// 1 to 5.
void fill(ToolSession& session) {
  session.append("order-1", "OrderPlaced", {{"note", "A parcel for the customer"}}, {{"tags", {"customer:3"}}});
  session.append("order-1", "PaymentFailed", {{"note", "The payment failed at the bank"}});
  session.append("order-2", "OrderPlaced", {{"note", "Two parcels, paid in advance"}});
  session.append("order-2", "Refunded", {{"note", "Refunded after the failed payment"}}, {{"tags", {"customer:3"}}});
  session.append("chat-1", "Said", {{"text", "When will my refund come?"}, {"n", 5}});
}

}  // namespace

TEST_CASE("search_events finds words in any form, best first, with snippets", "[tools][search]") {
  ToolSession session;
  fill(session);
  const Json answer = session.call("search_events", {{"query", "refunds"}, {"mode", "keyword"}});
  CHECK(positions(answer) == Positions{4, 5});
  CHECK(answer["hits"][1]["snippet"] == "When will my **refund** come?");
  CHECK(answer["hits"][0]["score"] > answer["hits"][1]["score"]);
  CHECK(answer["indexed_to"] == 5);
  CHECK(answer["used"] == Json({"keyword"}));
  CHECK(answer["at"]["position"] == 5);
  CHECK_FALSE(answer.contains("cut"));
  CHECK(session.call("search_events", {{"query", "customer:3"}})["hits"].size() == 4);
  CHECK(session.call("search_events", {{"query", "nothing like it"}})["hits"].empty());
}

TEST_CASE("search_events keeps to what the query and the filters say", "[tools][search]") {
  ToolSession session;
  fill(session);
  const auto found = [&](Json arguments) {
    arguments["mode"] = "keyword";
    const Positions list = positions(session.call("search_events", arguments));
    return std::set<uint64_t>(list.begin(), list.end());
  };
  CHECK(found({{"query", "\"payment failed\""}}) == std::set<uint64_t>{2});
  CHECK(found({{"query", "payment failed"}}) == std::set<uint64_t>{2, 4});
  CHECK(found({{"query", "payment -refunded"}}) == std::set<uint64_t>{2});
  CHECK(found({{"query", "parcel type:OrderPlaced stream:order-2"}}) == std::set<uint64_t>{3});
  CHECK(found({{"query", "parcel refund payment tag:customer:3"}}) == std::set<uint64_t>{1, 4});
  CHECK(found({{"query", "parcel refund payment"}, {"match", {{{"stream_prefix", "order-2"}}}}}) ==
        std::set<uint64_t>{3, 4});
  const std::string when =
      session.call("query_events", {{"limit", 1}, {"order", "desc"}})["events"][0]["recorded_at"];
  CHECK(found({{"query", "refund"}, {"since", when}}) == std::set<uint64_t>{5});
}

TEST_CASE("search_events searches the past and forks as they were", "[tools][search]") {
  ToolSession session;
  fill(session);
  session.call("create_fork", {{"name", "try"}, {"as_of", 4}});
  session.append("chat-2", "Said", {{"text", "no refund"}});
  CHECK(positions(session.call("search_events", {{"query", "refund"}, {"as_of", 4}})) ==
        positions(session.call("search_events", {{"query", "refund"}, {"fork", "try"}})));
  const Json then = session.call("search_events", {{"query", "refund"}, {"as_of", 5}, {"mode", "keyword"}});
  CHECK(positions(then) == Positions{4, 5});
  CHECK(then["at"]["position"] == 5);
  session.reopen();
  CHECK(session.call("search_events", {{"query", "refund"}, {"as_of", 5}, {"mode", "keyword"}}) == then);
}

TEST_CASE("search_events explains what it found", "[tools][search]") {
  ToolSession session;
  fill(session);
  const Json answer = session.call("search_events", {{"query", "failed bank"}, {"explain", true}});
  CHECK(answer["used"] == Json({"keyword", "neighbours"}));
  const Json& first = answer["hits"][0];
  CHECK(first["event"]["position"] == 2);
  CHECK(first["matched"] == Json({"fail", "bank"}));
  CHECK(first["parts"][0]["list"] == "keyword");
  CHECK(first["parts"][0]["rank"] == 1);
  CHECK(first["parts"][1]["list"] == "neighbours");
  CHECK(first["parts"][1]["score"] == first["score"]);
  // Its neighbour has none of the words.
  const auto& hits = answer["hits"];
  const auto neighbour =
      std::find_if(hits.begin(), hits.end(), [](const Json& hit) { return hit["event"]["position"] == 1; });
  REQUIRE(neighbour != hits.end());
  CHECK((*neighbour)["matched"].empty());
  CHECK_FALSE((*neighbour)["parts"][0].contains("rank"));
  CHECK_FALSE(neighbour->contains("snippet"));
}

TEST_CASE("search_events pages through one list of hits", "[tools][search]") {
  ToolSession session;
  for (int i = 0; i < 35; i++) {
    session.append("s-" + std::to_string(i % 6), "Note", {{"text", "parcel " + std::string(i % 5, 'x')}});
  }
  const Positions all = positions(session.call("search_events", {{"query", "parcel"}, {"limit", 100}}));
  CHECK(all.size() == 35);
  for (const char* mode : {"hybrid", "keyword"}) {
    Json arguments = {{"query", "parcel"}, {"limit", 10}, {"mode", mode}};
    Positions paged;
    for (int pages = 0; pages < 4; pages++) {
      const Json answer = session.call("search_events", arguments);
      for (const uint64_t position : positions(answer)) paged.push_back(position);
      CHECK(answer.contains("next_cursor") == (pages < 3));
      if (pages == 3) break;
      CHECK(answer["cut"] == "limit");
      arguments["cursor"] = answer["next_cursor"];
      session.append("s-1", "Note", {{"text", "parcel parcel parcel"}});
    }
    arguments.erase("cursor");
    arguments["as_of"] = session.store().view({})->head().value - 3;
    arguments["limit"] = 100;
    CHECK(paged.size() == positions(session.call("search_events", arguments)).size());
    CHECK(std::set<uint64_t>(paged.begin(), paged.end()).size() == paged.size());
  }
  const Json small = session.call("search_events", {{"query", "parcel"}, {"max_tokens", 300}});
  CHECK(small["cut"] == "max_tokens");
  CHECK(small["hits"].size() < 10);
  CHECK(small.contains("next_cursor"));
}

TEST_CASE("search_events says when it goes no deeper", "[tools][search]") {
  ToolSession session;
  for (int i = 0; i < 12; i++) {
    Json events = Json::array();
    for (int k = 0; k < 10; k++) events.push_back({{"stream", "s"}, {"type", "T"}, {"data", {{"text", "parcel"}}}});
    session.call("append_events", {{"events", events}});
  }
  Json arguments = {{"query", "parcel"}, {"limit", 10}};
  Json answer;
  for (int pages = 0; pages < 10; pages++) {
    answer = session.call("search_events", arguments);
    CHECK(answer["hits"].size() == 10);
    if (answer.contains("next_cursor")) arguments["cursor"] = answer["next_cursor"];
  }
  CHECK(answer["cut"] == "depth");
  CHECK_FALSE(answer.contains("next_cursor"));
}

TEST_CASE("search_events leaves out what says the same, and lets the old fade", "[tools][search]") {
  ToolSession session;
  const std::string text = "the parcel was damaged when it came to the door of the house in the rain";
  session.append("a", "Said", {{"text", text}});
  for (int i = 0; i < 3; i++) session.append("a", "Said", {{"text", text}});
  session.append("b", "Said", {{"text", "another parcel"}});
  const Json answer =
      session.call("search_events", {{"query", "parcel damaged"}, {"mode", "keyword"}, {"collapse", true}});
  CHECK(positions(answer) == Positions{1, 5});
  CHECK(answer["hits"][0]["duplicates"] == 3);
  CHECK_FALSE(answer["hits"][1].contains("duplicates"));
  const Json faded = session.call(
      "search_events", {{"query", "parcel damaged"}, {"mode", "keyword"}, {"half_life_days", 0.001}, {"as_of", 4}});
  CHECK(positions(faded) == Positions{4, 3, 2, 1});
}

TEST_CASE("search_events refuses what makes no sense and says what to do", "[tools][search]") {
  ToolSession session;
  fill(session);
  CHECK(session.refused("search_events", {{"query", "of the"}}).message.find("not indexed") != std::string::npos);
  CHECK(session.refused("search_events", {{"query", "refund"}, {"mode", "vector"}}).message.find("mode hybrid") !=
        std::string::npos);
  CHECK(session.refused("search_events", {{"query", std::string(100'000, 'q')}}).message.find("100000 characters") !=
        std::string::npos);
  const std::tuple<std::string, Code> cases[] = {
      {"{}", Code::kInvalidArgument},
      {R"({"query":""})", Code::kInvalidArgument},
      {R"({"query":" \t\n "})", Code::kInvalidArgument},
      {R"({"query":"-gone"})", Code::kInvalidArgument},
      {R"({"query":"type:OrderPaid"})", Code::kInvalidArgument},
      {R"({"query":"paid","mode":"fuzzy"})", Code::kInvalidArgument},
      {R"({"query":"paid","vector":[0,0]})", Code::kInvalidArgument},
      {R"({"query":"paid","vector":[1,2],"mode":"keyword"})", Code::kInvalidArgument},
      {R"({"query":"paid","limit":101})", Code::kInvalidArgument},
      {R"({"query":"paid","half_life_days":0})", Code::kInvalidArgument},
      {R"({"query":"paid","match":[{}]})", Code::kInvalidArgument},
      {R"({"query":"paid","cursor":"1.2.3"})", Code::kInvalidArgument},
      {R"({"query":"paid","fork":"nowhere"})", Code::kNotFound},
  };
  for (const auto& [arguments, code] : cases) {
    const Error error = session.refused_text("search_events", arguments);
    INFO(arguments << ": " << error.message);
    CHECK(error.code == code);
    CHECK(error.message.size() > 20);
  }
  const Json first = session.call("search_events", {{"query", "refund"}, {"limit", 1}});
  const Error other =
      session.refused("search_events", {{"query", "parcel"}, {"limit", 1}, {"cursor", first["next_cursor"]}});
  CHECK(other.code == Code::kInvalidArgument);
}

}  // namespace chronos::test
