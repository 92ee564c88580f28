// Questions to the client, in either era.
#include <thread>

#include "tests/support/fixture_session.h"

// Last: its CHECK is the one meant here.
#include "tests/support/catch.h"

namespace chronos::test {
namespace {

using Json = nlohmann::json;

const Json kAll = {{"elicitation", Json::object()}, {"sampling", Json::object()}, {"roots", Json::object()}};

Json accept(const Json& content) { return {{"action", "accept"}, {"content", content}}; }

std::string text_of(const Json& reply) { return reply["result"]["content"][0]["text"]; }

void initialize(FixtureSession& session, const Json& capabilities) {
  session.legacy("initialize", {{"protocolVersion", "2025-11-25"}, {"capabilities", capabilities}});
}

// Answers the question that comes as message `number` in a thread of its own.
std::thread answering(FixtureSession& session, size_t number, const Json& result) {
  return std::thread([&session, number, result] {
    const Json question = session.sink.wait(number);
    const Line line(Json{{"jsonrpc", "2.0"}, {"id", question["id"]}, {"result", result}}.dump());
    CollectingSink none;
    session.dispatcher.run(session.connection, session.dispatcher.accept(session.connection, line.text()), none);
  });
}

}  // namespace

TEST_CASE("a modern question is a result, and the request comes again with the answer", "[mcp]") {
  FixtureSession session(kAll);
  const std::string tool = "test_input_required_result_elicitation";
  const Json first = session.call(tool);
  CHECK(first["result"]["resultType"] == "input_required");
  CHECK(first["result"]["inputRequests"]["user_name"]["method"] == "elicitation/create");
  CHECK(!first["result"].contains("requestState"));
  CHECK(session.sink.count() == 0);  // nothing but the reply
  const Json second = session.call(tool, {{"inputResponses", {{"user_name", accept({{"name", "Ann"}})}, {"x", 1}}}});
  CHECK(second["result"]["resultType"] == "complete");
  CHECK(text_of(second) == "Hello, Ann!");
  for (const Json& wrong : {Json{{"wrong", accept({{"name", "Ann"}})}}, Json{{"user_name", 7}}, Json()}) {
    CHECK(session.call(tool, {{"inputResponses", wrong}})["result"]["resultType"] == "input_required");
  }
  CHECK(session.call(tool, {{"inputResponses", 7}})["error"]["code"] == -32602);
}

TEST_CASE("a request state is good for the request it was given, as it was given", "[mcp]") {
  FixtureSession session(kAll);
  const std::string tool = "test_input_required_result_request_state";
  const Json asked = session.call(tool, {{"arguments", {{"a", 1}, {"b", 2}}}})["result"];
  const std::string state = asked["requestState"];
  const Json answers = {{"confirm", accept({{"ok", true}})}};
  const auto retry = [&](const std::string& name, const Json& arguments, const std::string& given) {
    return session.call(name, {{"arguments", arguments}, {"inputResponses", answers}, {"requestState", given}});
  };
  CHECK(text_of(retry(tool, {{"b", 2}, {"a", 1}}, state)) == "state-ok");
  CHECK(retry(tool, {{"a", 1}}, state)["error"]["code"] == -32602);
  CHECK(retry("test_input_required_result_tampered_state", {{"a", 1}, {"b", 2}}, state)["error"]["code"] == -32602);
  CHECK(retry(tool, {{"a", 1}, {"b", 2}}, state + "-TAMPERED")["error"]["code"] == -32602);
  CHECK(session.status == 200);
}

TEST_CASE("what a client cannot answer is not asked", "[mcp]") {
  FixtureSession session(Json{{"sampling", Json::object()}});
  const Json reply = session.call("test_input_required_result_elicitation");
  CHECK(reply["error"]["code"] == -32021);
  CHECK(reply["error"]["data"]["requiredCapabilities"] == Json{{"elicitation", Json::object()}});
  const Json adapted = session.call("test_input_required_result_capabilities")["result"]["inputRequests"];
  CHECK(adapted.size() == 1);
  CHECK(adapted["greeting"]["method"] == "sampling/createMessage");
  FixtureSession nothing;
  CHECK(nothing.call("test_missing_capability")["error"]["data"]["requiredCapabilities"].contains("sampling"));
  CHECK(nothing.status == 400);
}

TEST_CASE("a legacy question is a request of ours, and its response the answer", "[mcp][threads]") {
  FixtureSession session;
  initialize(session, kAll);
  std::thread client = answering(session, 0, accept({{"name", "Ann"}}));
  const Json reply = session.legacy("tools/call", {{"name", "test_input_required_result_elicitation"}});
  client.join();
  CHECK(text_of(reply) == "Hello, Ann!");
  CHECK(!reply["result"].contains("resultType"));
  CHECK(session.sink.wait(0)["method"] == "elicitation/create");
}

TEST_CASE("legacy rounds follow each other, with the state kept here", "[mcp][threads]") {
  FixtureSession session;
  initialize(session, kAll);
  std::thread first = answering(session, 0, accept({{"name", "Ann"}}));
  std::thread second = answering(session, 1, accept({{"color", "red"}}));
  const Json reply = session.legacy("tools/call", {{"name", "test_input_required_result_multi_round"}});
  first.join();
  second.join();
  CHECK(text_of(reply) == "Both steps are done.");
}

TEST_CASE("a question to a client that is gone, or refuses, fails the request", "[mcp][threads]") {
  FixtureSession session;
  initialize(session, kAll);
  SECTION("gone while it is asked") {
    std::thread client([&] {
      session.sink.wait(0);
      session.connection.end();
    });
    const Json reply = session.legacy("tools/call", {{"name", "test_sampling"}, {"arguments", {{"prompt", "x"}}}});
    client.join();
    CHECK(reply["error"]["code"] == -32603);
  }
  SECTION("gone before") {
    session.connection.end();
    CHECK(session.legacy("tools/call", {{"name", "test_sampling"}})["error"]["code"] == -32603);
    CHECK(session.sink.count() == 0);
  }
  SECTION("refused") {
    std::thread client([&] {
      const Json question = session.sink.wait(0);
      const Json no = {{"code", -1}, {"message", "User rejected"}};
      const Line line(Json{{"jsonrpc", "2.0"}, {"id", question["id"]}, {"error", no}}.dump());
      CollectingSink none;
      session.dispatcher.run(session.connection, session.dispatcher.accept(session.connection, line.text()), none);
    });
    const Json reply = session.legacy("tools/call", {{"name", "test_sampling"}});
    client.join();
    CHECK(reply["error"]["message"].get<std::string>().find("User rejected") != std::string::npos);
  }
  SECTION("cancelled") {
    std::thread client([&] {
      session.sink.wait(0);
      session.connection.cancel(std::to_string(session.last_id()));
    });
    CHECK(session.legacy("tools/call", {{"name", "test_sampling"}}).is_null());
    client.join();
  }
}

TEST_CASE("a response to nothing is ignored", "[mcp]") {
  FixtureSession session;
  CHECK(session.send({{"jsonrpc", "2.0"}, {"id", "chronos-1"}, {"result", Json::object()}}).is_null());
  CHECK(session.status == 202);
}

}  // namespace chronos::test
