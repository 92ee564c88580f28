// Subscriptions in both eras, the log, and what is listed.
#include <thread>

#include "tests/support/fixture_session.h"

// Last: its CHECK is the one meant here.
#include "tests/support/catch.h"

namespace chronos::test {
namespace {

using Json = nlohmann::json;

constexpr const char* kSubscription = "io.modelcontextprotocol/subscriptionId";

}  // namespace

TEST_CASE("a listener is told what it asked for, as far as it is offered, until it ends", "[mcp][threads]") {
  FixtureSession session;
  Json reply;
  std::thread client([&] {
    const Json wanted = {{"toolsListChanged", true},
                         {"resourcesListChanged", true},
                         {"resourceSubscriptions", {"test://watched-resource", "test://static-text"}}};
    reply = session.modern("subscriptions/listen", {{"notifications", wanted}});
  });
  const Json acknowledged = session.sink.wait(0);
  CHECK(acknowledged["method"] == "notifications/subscriptions/acknowledged");
  CHECK(acknowledged["params"]["_meta"][kSubscription] == 1);
  const Json honoured = {{"toolsListChanged", true}, {"resourceSubscriptions", {"test://watched-resource"}}};
  CHECK(acknowledged["params"]["notifications"] == honoured);
  session.subscriptions.publish({Change::Kind::kPrompts, "", ""});
  session.subscriptions.publish({Change::Kind::kTools, "", ""});
  const Json tools = session.sink.wait(1);
  CHECK(tools["method"] == "notifications/tools/list_changed");
  CHECK(tools["params"]["_meta"][kSubscription] == 1);
  session.subscriptions.publish({Change::Kind::kResource, "test://watched-resource", ""});
  CHECK(session.sink.wait(2)["params"]["uri"] == "test://watched-resource");
  session.connection.end();
  client.join();
  CHECK(reply["result"]["resultType"] == "complete");
  CHECK(reply["result"]["_meta"][kSubscription] == 1);
}

TEST_CASE("a listener that is cancelled gets no reply, one without a client ends at once", "[mcp][threads]") {
  FixtureSession session;
  Json reply = 1;
  std::thread client([&] { reply = session.modern("subscriptions/listen", {{"notifications", Json::object()}}); });
  session.sink.wait(0);
  session.connection.cancel("1");
  client.join();
  CHECK(reply.is_null());
  session.connection.end();
  reply = session.modern("subscriptions/listen", {{"notifications", Json::object()}});
  CHECK(reply["result"]["resultType"] == "complete");
}

TEST_CASE("a listener needs a filter, and the tasks extension for tasks", "[mcp]") {
  FixtureSession session;
  CHECK(session.modern("subscriptions/listen")["error"]["code"] == -32602);
  const Json tasks = {{"notifications", {{"taskIds", {"x"}}}}};
  CHECK(session.modern("subscriptions/listen", tasks)["error"]["code"] == -32021);
  CHECK(session.status == 400);
}

TEST_CASE("a legacy client is told on its stream what it subscribed to, and changed lists once it is initialized",
          "[mcp]") {
  FixtureSession session;
  const auto stream = std::make_shared<CollectingSink>();
  session.connection.attach(stream);
  session.legacy("initialize", {{"protocolVersion", "2025-06-18"}, {"capabilities", Json::object()}});
  session.subscriptions.publish({Change::Kind::kTools, "", ""});
  CHECK(stream->messages.empty());
  session.send({{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}});
  session.subscriptions.publish({Change::Kind::kTools, "", ""});
  CHECK(stream->messages.size() == 1);
  const Json watched = {{"uri", "test://watched-resource"}};
  CHECK(session.legacy("resources/subscribe", watched)["result"] == Json::object());
  session.subscriptions.publish({Change::Kind::kResource, "test://watched-resource", ""});
  CHECK(stream->messages.size() == 2);
  CHECK(session.legacy("resources/unsubscribe", watched)["result"] == Json::object());
  session.subscriptions.publish({Change::Kind::kResource, "test://watched-resource", ""});
  CHECK(stream->messages.size() == 2);
  CHECK(session.legacy("resources/subscribe", {{"uri", 7}})["error"]["code"] == -32602);
}

TEST_CASE("a log entry is sent to those who asked for its level", "[mcp]") {
  FixtureSession session;
  const Json call = {{"name", "test_tool_with_logging"}};
  session.legacy("tools/call", call);
  CHECK(session.sink.count() == 0);
  CHECK(session.legacy("logging/setLevel", {{"level", "loud"}})["error"]["code"] == -32602);
  CHECK(session.legacy("logging/setLevel", {{"level", "warning"}})["result"] == Json::object());
  session.legacy("tools/call", call);
  CHECK(session.sink.count() == 0);
  session.legacy("logging/setLevel", {{"level", "info"}});
  session.legacy("tools/call", call);
  CHECK(session.sink.count() == 3);
  CHECK(session.sink.wait(0)["params"]["level"] == "info");
  session.call("test_tool_with_logging");  // a modern request has its own level, or none
  CHECK(session.sink.count() == 3);
  session.call("test_tool_with_logging", {{"_meta", {{"io.modelcontextprotocol/logLevel", "debug"}}}});
  CHECK(session.sink.count() == 6);
  const Json loud = {{"_meta", {{"io.modelcontextprotocol/logLevel", "loud"}}}};
  CHECK(session.call("test_tool_with_logging", loud)["error"]["code"] == -32602);
}

TEST_CASE("capabilities are those of methods that answer, in each era", "[mcp]") {
  FixtureSession session;
  const Json modern = session.modern("server/discover")["result"]["capabilities"];
  const Json legacy = session.legacy("initialize", {{"protocolVersion", "2025-11-25"}})["result"]["capabilities"];
  CHECK(modern["tools"]["listChanged"] == true);
  CHECK(modern["extensions"].contains("io.modelcontextprotocol/tasks"));
  CHECK(!legacy.contains("extensions"));
  CHECK(legacy["resources"] == Json{{"subscribe", true}});
  for (const char* method : {"tools/list", "resources/list", "resources/templates/list", "prompts/list"}) {
    CAPTURE(method);
    const Json listed = session.modern(method)["result"];
    CHECK(listed["ttlMs"].is_number_integer());
    CHECK(listed["cacheScope"] == "public");
    CHECK(!session.legacy(method)["result"].contains("ttlMs"));
    CHECK(session.modern(method, {{"cursor", "x"}})["error"]["code"] == -32602);
    CHECK(session.modern(method, {{"cursor", ""}}).contains("result"));
  }
  for (const char* method :
       {"ping", "initialize", "logging/setLevel", "resources/subscribe", "tasks/list", "tasks/result"}) {
    CAPTURE(method);
    CHECK(session.modern(method)["error"]["code"] == -32601);
    CHECK(session.status == 404);
  }
  CHECK(session.legacy("tasks/get", {{"taskId", "x"}})["error"]["code"] == -32601);
}

TEST_CASE("a resource that is not there is an error of the era", "[mcp]") {
  FixtureSession session;
  const Json nowhere = {{"uri", "test://nowhere"}};
  CHECK(session.modern("resources/read", nowhere)["error"]["code"] == -32602);
  CHECK(session.legacy("resources/read", nowhere)["error"]["code"] == -32002);
  CHECK(session.legacy("resources/read", nowhere)["error"]["data"]["uri"] == "test://nowhere");
  CHECK(session.modern("resources/read", {{"uri", "test://static-text"}})["result"]["ttlMs"] == 1000);
}

TEST_CASE("prompts and completions say what is wrong with a request", "[mcp]") {
  FixtureSession session;
  const auto code = [&](const char* method, const Json& params) {
    return session.modern(method, params)["error"]["code"];
  };
  CHECK(code("prompts/get", {{"name", "none"}}) == -32602);
  CHECK(code("prompts/get", {{"name", "test_prompt_with_arguments"}, {"arguments", {{"arg1", "x"}}}}) == -32602);
  CHECK(code("prompts/get", {{"name", "test_simple_prompt"}, {"arguments", {{"arg1", 7}}}}) == -32602);
  CHECK(code("prompts/get", {{"name", "test_simple_prompt"}, {"arguments", 7}}) == -32602);
  const Json argument = {{"name", "arg1"}, {"value", "test"}};
  CHECK(code("completion/complete", {{"argument", argument}}) == -32602);
  const Json unknown = {{"type", "ref/prompt"}, {"name", "none"}};
  CHECK(code("completion/complete", {{"ref", unknown}, {"argument", argument}}) == -32602);
  CHECK(code("completion/complete", {{"ref", {{"type", "ref/x"}}}, {"argument", argument}}) == -32602);
  const Json ref = {{"type", "ref/prompt"}, {"name", "test_prompt_with_arguments"}};
  const Json reply = session.modern("completion/complete", {{"ref", ref}, {"argument", argument}});
  const Json done = reply["result"]["completion"];
  CHECK(done["values"].size() == 2);
  CHECK(done["total"] == 2);
}

}  // namespace chronos::test
