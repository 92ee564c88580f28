// What Chronos offers, on a real store: streams and events as resources, workflows as prompts, completion, and the
// growth of streams.
#include "mcp/chronos_offer.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "mcp/local_backend.h"
#include "tests/support/fixture_session.h"
#include "tests/support/simulated_disk.h"

// Last: its CHECK is the one meant here.
#include "tests/support/catch.h"

namespace chronos::test {
namespace {

using Json = nlohmann::json;

StoreOptions options_on(SimulatedDisk& disk) {
  StoreOptions options;
  options.directory = "/store";
  options.disk = &disk;
  options.seal_in_background = false;
  return options;
}

struct Served {
  SimulatedDisk disk;
  StillClock clock;
  Chance chance{1};
  LocalBackend backend{options_on(disk)};
  Subscriptions subscriptions;
  ChronosOffer offer{all_tools(), backend, subscriptions};
  Dispatcher dispatcher{Dispatcher::Parts{offer, subscriptions, clock, chance}};
  std::shared_ptr<WaitingSink> sink = std::make_shared<WaitingSink>();
  Connection connection;
  int last_id = 0;

  Json ask(std::string_view method, Json params = Json::object()) {
    const Line line(Json{{"jsonrpc", "2.0"}, {"id", ++last_id}, {"method", method}, {"params", params}}.dump());
    return Json::parse(dispatcher.run(connection, dispatcher.accept(connection, line.text()), *sink));
  }
  Json modern(std::string_view method, Json params = Json::object()) {
    params["_meta"] = {{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
                       {"io.modelcontextprotocol/clientCapabilities", Json::object()}};
    return ask(method, params);
  }
  void append(std::string_view stream, std::string_view type, const Json& more = Json::object()) {
    Json arguments = {{"events", {{{"stream", stream}, {"type", type}, {"data", {{"a", 1}}}}}}};
    arguments.update(more);
    const Json reply = ask("tools/call", {{"name", "append_events"}, {"arguments", arguments}});
    REQUIRE(!reply["result"].contains("isError"));
  }
  Json read(const std::string& uri) { return modern("resources/read", {{"uri", uri}}); }
  std::vector<std::string> complete(const Json& ref, const char* name, const char* value,
                                    const Json& context = Json::object()) {
    const Json argument = {{"name", name}, {"value", value}};
    const Json params = {{"ref", ref}, {"argument", argument}, {"context", {{"arguments", context}}}};
    return modern("completion/complete", params)["result"]["completion"]["values"];
  }
};

}  // namespace

TEST_CASE("a stream, a stream as it was, and an event are resources", "[mcp]") {
  Served served;
  served.append("order/7", "Placed");
  served.append("order/7", "Paid");
  const Json now = served.read("chronos://main/streams/order%2F7")["result"];
  CHECK(now["contents"][0]["uri"] == "chronos://main/streams/order%2F7");
  CHECK(now["contents"][0]["mimeType"] == "application/json");
  CHECK(Json::parse(now["contents"][0]["text"].get<std::string>())["version"] == 2);
  CHECK(now["ttlMs"] == 0);
  const Json then = served.read("chronos://main@1/streams/order%2F7")["result"];
  CHECK(Json::parse(then["contents"][0]["text"].get<std::string>())["version"] == 1);
  CHECK(then["ttlMs"] == 3600000);
  const Json event = served.read("chronos://main/events/2")["result"];
  CHECK(Json::parse(event["contents"][0]["text"].get<std::string>())["type"] == "Paid");
  for (const char* uri : {"chronos://main/streams/none", "chronos://none/streams/order%2F7", "chronos://main/events/3",
                          "chronos://main@9/streams/order%2F7", "guide://none", "nothing"}) {
    CAPTURE(uri);
    const Json refused = served.read(uri);
    CHECK(refused["error"]["code"] == -32602);
    CHECK(refused["error"]["data"]["uri"] == uri);
  }
}

TEST_CASE("all resources listed can be read, all prompts got", "[mcp]") {
  Served served;
  const Json resources = served.modern("resources/list")["result"]["resources"];
  CHECK(!resources.empty());
  for (const Json& resource : resources) {
    CHECK(!resource["description"].get<std::string>().empty());
    const Json read = served.read(resource["uri"]);
    CHECK(read["result"]["contents"][0]["text"].get<std::string>().starts_with("# "));
  }
  const Json prompts = served.modern("prompts/list")["result"]["prompts"];
  CHECK(prompts.size() == 7);
  for (const Json& prompt : prompts) {
    Json arguments = Json::object();
    for (const Json& argument : prompt["arguments"]) arguments[argument["name"].get<std::string>()] = "abc-xyz";
    const Json got = served.modern("prompts/get", {{"name", prompt["name"]}, {"arguments", arguments}})["result"];
    CHECK(got["messages"][0]["content"]["text"].get<std::string>().size() > 100);
    if (prompt["arguments"].empty() || !prompt["arguments"][0].value("required", false)) continue;
    CHECK(served.modern("prompts/get", {{"name", prompt["name"]}})["error"]["code"] == -32602);
  }
}

TEST_CASE("names of streams, forks and types are completed", "[mcp]") {
  Served served;
  served.append("order-7", "Placed");
  served.append("order-8", "Paid");
  served.append("cart-1", "Filled");
  const Json fork = {{"name", "create_fork"}, {"arguments", {{"name", "try-1"}}}};
  REQUIRE(!served.ask("tools/call", fork)["result"].contains("isError"));
  served.append("order-9", "Placed", {{"fork", "try-1"}});
  const Json stream = {{"type", "ref/resource"}, {"uri", "chronos://{fork}/streams/{stream}"}};
  using Names = std::vector<std::string>;
  CHECK(served.complete(stream, "stream", "order") == Names{"order-8", "order-7"});
  CHECK(served.complete(stream, "stream", "order", {{"fork", "try-1"}}) == Names{"order-9", "order-8", "order-7"});
  CHECK(served.complete(stream, "fork", "") == Names{"main", "try-1"});
  CHECK(served.complete(stream, "fork", "t") == Names{"try-1"});
  CHECK(served.complete(stream, "other", "") == Names{});
  CHECK(served.complete({{"type", "ref/resource"}, {"uri", "guide://{topic}"}}, "topic", "sta") == Names{"start"});
  const Json known_at = {{"type", "ref/prompt"}, {"name", "known_at"}};
  CHECK(served.complete(known_at, "as_of", "") == Names{"3"});
  CHECK(served.complete(known_at, "stream", "cart") == Names{"cart-1"});
  CHECK(served.complete(known_at, "question", "") == Names{});
}

TEST_CASE("who subscribes to a stream hears that it has grown, whatever comes right after", "[mcp][threads]") {
  Served served;
  served.connection.attach(served.sink);
  served.append("other", "T");
  const Json order = {{"uri", "chronos://main/streams/order-7"}};
  CHECK(served.ask("resources/subscribe", order)["result"] == Json::object());
  served.append("other", "T");
  served.append("order-7", "Placed");
  const Json first = served.sink->wait(0);
  CHECK(first["method"] == "notifications/resources/updated");
  CHECK(first["params"] == order);
  served.append("order-7", "Paid");
  CHECK(served.sink->wait(1)["params"] == order);
  CHECK(served.ask("resources/unsubscribe", order)["result"] == Json::object());
  CHECK(served.ask("resources/subscribe", {{"uri", "guide://start"}})["result"] == Json::object());
}

TEST_CASE("a modern listener hears it, too", "[mcp][threads]") {
  Served served;
  served.append("order-7", "Placed");
  const Json uris = {"chronos://main/streams/order-7", "chronos://main@1/streams/order-7", "guide://start"};
  std::thread client([&] {
    served.modern("subscriptions/listen", {{"notifications", {{"resourceSubscriptions", uris}}}});
  });
  CHECK(served.sink->wait(0)["params"]["notifications"] ==
        Json{{"resourceSubscriptions", {"chronos://main/streams/order-7"}}});
  ToolCall call;
  call.tool = find_tool("append_events");
  std::string text = R"({"events":[{"stream":"order-7","type":"Paid","data":{}}]})";
  text.reserve(text.size() + kSimdPadding);
  call.arguments = ValidJson::trusted(text);
  call.principal = local_principal();
  REQUIRE(served.backend.call(call));
  CHECK(served.sink->wait(1)["params"]["uri"] == "chronos://main/streams/order-7");
  served.connection.end();
  client.join();
}

}  // namespace chronos::test
