#include "mcp/subscriptions.h"

#include <string>
#include <vector>

// Last: its CHECK is the one meant here.
#include "tests/support/catch.h"

namespace chronos {
namespace {

Interest in(const std::string& uri) {
  Interest interest;
  interest.uris.insert(uri);
  return interest;
}

}  // namespace

TEST_CASE("a change is told to those who listen to it, while they listen", "[mcp]") {
  Subscriptions all;
  std::vector<std::string> first;
  std::vector<std::string> second;
  auto a = all.add(in("u:1"), [&](const Change& change) { first.push_back(change.key); });
  Interest lists;
  lists.tools = true;
  const auto b = all.add(lists, [&](const Change& change) { second.push_back(change.key); });
  all.publish({Change::Kind::kResource, "u:1", ""});
  all.publish({Change::Kind::kResource, "u:2", ""});
  all.publish({Change::Kind::kTools, "", ""});
  all.publish({Change::Kind::kPrompts, "", ""});
  CHECK(first == std::vector<std::string>{"u:1"});
  CHECK(second == std::vector<std::string>{""});
  CHECK(a->add_uri("u:2"));
  a->remove_uri("u:1");
  all.publish({Change::Kind::kResource, "u:1", ""});
  all.publish({Change::Kind::kResource, "u:2", ""});
  CHECK(first == std::vector<std::string>{"u:1", "u:2"});
  a = nullptr;
  all.publish({Change::Kind::kResource, "u:2", ""});
  CHECK(first.size() == 2);
}

TEST_CASE("the resources listened to are told, each once, when they change", "[mcp]") {
  Subscriptions all;
  int told = 0;
  all.on_uris([&] { told++; });
  auto a = all.add(in("u:1"), nullptr);
  auto b = all.add(in("u:1"), nullptr);
  CHECK(told == 2);
  CHECK(b->add_uri("u:0"));
  CHECK(told == 3);
  CHECK(all.uris() == std::vector<std::string>{"u:0", "u:1"});
  b->remove_uri("none");
  CHECK(told == 3);
  b = nullptr;
  CHECK(told == 4);
  CHECK(all.uris() == std::vector<std::string>{"u:1"});
  all.on_uris(nullptr);
  a = nullptr;
  CHECK(told == 4);
  CHECK(all.uris().empty());
}

TEST_CASE("a subscription has so many resources and no more", "[mcp]") {
  Subscriptions all;
  const auto a = all.add({}, nullptr);
  for (size_t i = 0; i < Subscriptions::kMostUris; i++) REQUIRE(a->add_uri("u:" + std::to_string(i)));
  CHECK(!a->add_uri("u:more"));
  CHECK(a->add_uri("u:0"));
  a->remove_uri("u:0");
  CHECK(a->add_uri("u:more"));
}

TEST_CASE("a change is written for the era of who listens", "[mcp]") {
  const Change grown{Change::Kind::kResource, "u:\"1\"", ""};
  CHECK(notification_of(grown, "") ==
        R"({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"u:\"1\""}})");
  CHECK(notification_of(grown, "\"7\"") ==
        R"({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"u:\"1\"","_meta":)"
        R"({"io.modelcontextprotocol/subscriptionId":"7"}}})");
  CHECK(notification_of({Change::Kind::kTools, "", ""}, "") ==
        R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})");
  CHECK(notification_of({Change::Kind::kTask, "t", R"("taskId":"t")"}, "1") ==
        R"({"jsonrpc":"2.0","method":"notifications/tasks","params":{"taskId":"t","_meta":)"
        R"({"io.modelcontextprotocol/subscriptionId":1}}})");
}

}  // namespace chronos
