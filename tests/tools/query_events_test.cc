#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/tool_session.h"

namespace chronos::test {
namespace {

using Json = nlohmann::json;

std::vector<uint64_t> positions(const Json& answer) {
  std::vector<uint64_t> found;
  for (const Json& event : answer["events"]) found.push_back(event["position"]);
  return found;
}

using Positions = std::vector<uint64_t>;

// Ten events: streams s0, s1, s2 in turn, types Even and Odd, n from 0 to 9.
void fill(ToolSession& session) {
  for (int i = 0; i < 10; i++) {
    session.append("s" + std::to_string(i % 3), i % 2 == 0 ? "Even" : "Odd", {{"n", i}},
                   {{"tags", {"mod:" + std::to_string(i % 5)}}});
  }
}

}  // namespace

TEST_CASE("query_events filters by stream, match, fields and time", "[tools]") {
  ToolSession session;
  fill(session);
  const auto ask = [&](const Json& arguments) { return positions(session.call("query_events", arguments)); };
  CHECK(ask(Json::object()).size() == 10);
  CHECK(ask({{"stream", "s1"}}) == Positions{2, 5, 8});
  CHECK(ask({{"stream", "nothing"}}).empty());
  CHECK(ask({{"match", {{{"types", {"Odd"}}, {"tags", {"mod:3"}}}}}}) == Positions{4});
  CHECK(ask({{"match", {{{"streams", {"s2"}}}, {{"tags", {"mod:0"}}}}}}) == Positions{1, 3, 6, 9});
  CHECK(ask({{"match", {{{"stream_prefix", "s"}}}}, {"limit", 2}}) == Positions{1, 2});
  CHECK(ask({{"where", {{{"path", "/n"}, {"op", ">="}, {"value", 8}}}}}) == Positions{9, 10});
  CHECK(ask({{"where", {{{"path", "/m"}, {"op", "exists"}, {"value", false}}}}}).size() == 10);
  CHECK(ask({{"order", "desc"}, {"limit", 3}}) == Positions{10, 9, 8});
  CHECK(ask({{"as_of", 4}}) == Positions{1, 2, 3, 4});
  CHECK(ask({{"as_of", "4"}}) == Positions{1, 2, 3, 4});
  CHECK(ask({{"as_of", 0}}).empty());
  const Json all = session.call("query_events", Json::object());
  const std::string third = all["events"][2]["recorded_at"];
  CHECK(ask({{"until", third}}) == Positions{1, 2, 3});
  CHECK(ask({{"since", third}, {"limit", 1}}) == Positions{3});
  CHECK(ask({{"as_of", third}}) == Positions{1, 2, 3});
  CHECK(ask({{"as_of", "2020-01-01T00:00:00Z"}}).empty());
  CHECK(ask({{"valid_until", third}, {"valid_since", third}}) == Positions{3});
}

TEST_CASE("Pages of a query are one answer, whatever is appended between them", "[tools]") {
  ToolSession session;
  fill(session);
  for (const char* order : {"asc", "desc"}) {
    Json arguments = {{"limit", 4}, {"order", order}, {"match", {{{"types", {"Even", "Odd"}}}}}};
    const Json first = session.call("query_events", arguments);
    CHECK(first["cut"] == "limit");
    Positions seen = positions(first);
    const uint64_t at = first["at"]["position"];
    session.append("s0", "Even", {{"n", 99}});
    session.reopen();
    for (Json page = first; page.contains("next_cursor");) {
      arguments["cursor"] = page["next_cursor"];
      arguments["limit"] = 5;
      page = session.call("query_events", arguments);
      CHECK(page["at"]["position"] == at);
      for (const uint64_t position : positions(page)) seen.push_back(position);
    }
    Positions expected;
    for (uint64_t p = 1; p <= at; p++) expected.push_back(std::string_view(order) == "asc" ? p : at + 1 - p);
    CHECK(seen == expected);
  }
}

TEST_CASE("A page that ends exactly with the history has no cursor", "[tools]") {
  ToolSession session;
  fill(session);
  const Json answer = session.call("query_events", {{"limit", 10}});
  CHECK(!answer.contains("next_cursor"));
  CHECK(!answer.contains("cut"));
}

TEST_CASE("A cursor is refused with another question", "[tools]") {
  ToolSession session;
  fill(session);
  const std::string cursor = session.call("query_events", {{"stream", "s0"}, {"limit", 1}})["next_cursor"];
  session.call("query_events", {{"stream", "s0"}, {"cursor", cursor}, {"detail", "full"}, {"fork", "main"}});
  for (const Json& other :
       {Json{{"cursor", cursor}}, Json{{"stream", "s1"}, {"cursor", cursor}},
        Json{{"stream", "s0"}, {"order", "desc"}, {"cursor", cursor}}, Json{{"stream", "s0"}, {"cursor", cursor + "0"}},
        Json{{"stream", "s0"}, {"cursor", "1.3.2.x"}}, Json{{"stream", "s0"}, {"cursor", "nonsense"}}}) {
    const Error error = session.refused("query_events", other);
    CHECK(error.code == Code::kInvalidArgument);
    CHECK(error.message.find("cursor") != std::string::npos);
  }
  std::string forged = cursor;
  forged[2] = forged[2] == '9' ? '8' : '9';
  session.refused("query_events", {{"stream", "s0"}, {"cursor", forged}});
}

TEST_CASE("A summary shortens long strings, keeps to about 8,000 tokens and says so", "[tools]") {
  ToolSession session;
  for (int i = 0; i < 60; i++)
    session.append("a", "Long",
                   {{"i", i}, {"text", std::string(5000, 'x')}, {"b", Json::object({{"c", std::string(400, 'y')}})}});
  const Json one = session.call("query_events", {{"limit", 1}})["events"][0];
  CHECK(one["shortened"] == Json({"/b/c", "/text"}));
  CHECK(one["data"]["text"] == std::string(260, 'x') + "...[4740 more characters]");
  const Json full = session.call("query_events", {{"limit", 60}, {"detail", "full"}});
  CHECK(full["events"].size() == 60);
  CHECK(full["events"][7]["data"]["text"] == std::string(5000, 'x'));
  CHECK(!full["events"][7].contains("shortened"));

  const Json tight = session.call("query_events", {{"limit", 60}, {"max_tokens", 1000}});
  CHECK(tight["cut"] == "max_tokens");
  CHECK(tight["events"].size() > 1);
  CHECK(tight.dump().size() <= 4000);
  const Json least = session.call("query_events", {{"detail", "full"}, {"max_tokens", 100}});
  CHECK(least["events"].size() == 1);
  CHECK(least["cut"] == "max_tokens");
  const Json plain = session.call("query_events", {{"limit", 1000}});
  CHECK(plain.dump().size() <= 32'000);
}

TEST_CASE("A full answer ends at eight megabytes", "[tools]") {
  ToolSession session;
  const Json data = {{"text", std::string(1'000'000, 'x')}};
  for (int i = 0; i < 10; i++) session.append("a", "Huge", data);
  const Json answer = session.call("query_events", {{"detail", "full"}});
  CHECK(answer["cut"] == "bytes");
  CHECK(answer["events"].size() == 8);
}

TEST_CASE("query_events says which clause is wrong", "[tools]") {
  ToolSession session;
  const std::pair<Json, const char*> cases[] = {
      {{{"where", {{{"path", "/a"}, {"op", "exists"}}, {{"path", "a"}, {"op", "="}, {"value", 1}}}}}, "where[1]: "},
      {{{"where", {{{"path", "/a"}, {"op", "=="}, {"value", 1}}}}}, "where[0].op must be one of \"=\""},
      {{{"where", {{{"op", "="}}}}}, "where[0].path is missing"},
      {{{"match", {Json::object()}}}, "match[0] is empty"},
      {{{"match", Json::array()}}, "match must be an array of 1 to 100 items, got 0 items"},
      {{{"match", {{{"type", "T"}}}}}, "match[0] has an unknown member \"type\", did you mean \"types\"?"},
      {{{"since", "yesterday"}}, "since must be an RFC 3339 time like 2026-01-31T09:00:00Z, got \"yesterday\""},
      {{{"as_of", "yesterday"}}, "as_of must be a position or an RFC 3339 time"},
      {{{"as_of", 1}}, "as_of 1 is past the head: fork \"main\" ends at position 0"},
      {{{"limit", "ten"}}, "limit must be an integer between 1 and 1000, got \"ten\""},
      {{{"strem", "a"}}, "unknown argument \"strem\", did you mean \"stream\"?"},
      {{{"cursor", "1"}}, "the cursor does not belong to this question"},
  };
  for (const auto& [arguments, message] : cases) {
    const Error error = session.refused("query_events", arguments);
    CHECK(error.code == Code::kInvalidArgument);
    INFO(error.message);
    CHECK(error.message.starts_with(message));
  }
  CHECK(session.refused("query_events", {{"fork", "elsewhere"}}).code == Code::kNotFound);
  CHECK(session.refused("query_events", {{"where", {{{"path", "/a"}, {"op", "="}}}}}).code == Code::kInvalidArgument);
}

}  // namespace chronos::test
