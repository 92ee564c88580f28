// MCP over HTTP: which status when, streams, sessions.
#include "mcp/http_mcp.h"

#include <string>
#include <thread>
#include <vector>

#include "tests/support/served_tools.h"

// Last: its CHECK is the one meant here.
#include "tests/support/catch.h"

namespace chronos {
namespace {

using test::HttpClient;
using test::HttpReply;
using TestSession = test::ServedTools;

const std::string kAccept = "Accept: application/json, text/event-stream\r\n";
const std::string kMeta = R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
                          R"("io.modelcontextprotocol/clientCapabilities":{})";

std::string modern_headers(std::string_view method, std::string_view name = "") {
  std::string lines = kAccept + "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: " + std::string(method) + "\r\n";
  if (!name.empty()) lines += "Mcp-Name: " + std::string(name) + "\r\n";
  return lines;
}

std::string modern(std::string_view method, std::string_view more = "", std::string_view id = "1") {
  return R"({"jsonrpc":"2.0","id":)" + std::string(id) + R"(,"method":")" + std::string(method) + R"(","params":{)" +
         std::string(more) + kMeta + "}}}";
}

std::string modern_call(std::string_view tool, std::string_view id = "1") {
  return modern("tools/call", R"("name":")" + std::string(tool) + R"(",)", id);
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string legacy(std::string_view method, std::string_view params = "{}", std::string_view id = "1") {
  return R"({"jsonrpc":"2.0","id":)" + std::string(id) + R"(,"method":")" + std::string(method) + R"(","params":)" +
         std::string(params) + "}";
}

HttpReply initialize(HttpClient& client, std::string_view version = "2025-11-25") {
  const std::string params = R"({"protocolVersion":")" + std::string(version) +
                             R"(","capabilities":{},"clientInfo":{"name":"t","version":"1"}})";
  return client.post("/mcp", legacy("initialize", params), kAccept);
}

std::string session_header(const HttpReply& reply) {
  return kAccept + "Mcp-Session-Id: " + reply.header("mcp-session-id") + "\r\n";
}

// A call of a tool that reports progress, as a legacy or modern message.
const std::string kCountParams = R"({"name":"count","arguments":{},"_meta":{"progressToken":"p"}})";

// Parts of a stream until `text` was among them.
std::string parts_until(HttpClient& client, std::string_view text) {
  std::string all;
  while (!has(all, text)) {
    const auto part = client.receive_part();
    REQUIRE(part);
    all += *part;
  }
  return all;
}

}  // namespace

TEST_CASE("modern requests are answered one by one", "[http]") {
  TestSession session;
  auto client = session.client();
  const HttpReply discovered = client->post("/mcp", modern("server/discover"), modern_headers("server/discover"));
  CHECK(discovered.status == 200);
  CHECK(discovered.header("content-type") == "application/json");
  CHECK(discovered.header("mcp-session-id").empty());
  CHECK(has(discovered.body, "\"supportedVersions\":[\"2026-07-28\"]"));
  const HttpReply called = client->post("/mcp", modern_call("echo", "\"x\""), modern_headers("tools/call", "echo"));
  CHECK(called.status == 200);
  CHECK(has(called.body, "\"id\":\"x\""));
  CHECK(has(called.body, "\"resultType\":\"complete\""));
  const HttpReply told = client->post("/mcp", R"({"jsonrpc":"2.0","method":"notifications/nothing"})",
                                      "MCP-Protocol-Version: 2026-07-28\r\n");
  CHECK(told.status == 202);
  CHECK(told.body.empty());
}

TEST_CASE("the status of a modern request that the protocol refuses", "[http]") {
  TestSession session;
  auto client = session.client();
  const auto status = [&](const std::string& body, const std::string& headers) {
    const HttpReply reply = client->post("/mcp", body, headers);
    CAPTURE(reply.body);
    return std::to_string(reply.status) + " " + reply.body.substr(reply.body.find("\"code\":") + 7, 6);
  };
  const std::string good = modern_call("echo");
  const std::string headers = modern_headers("tools/call", "echo");
  CHECK(status("{", headers) == "400 -32700");
  CHECK(status("[1]", headers).starts_with("400 -32600"));
  CHECK(status(good, kAccept) == "400 -32020");
  CHECK(status(good, kAccept + "MCP-Protocol-Version: 2025-11-25\r\n") == "400 -32020");
  CHECK(status(modern("server/discover"), modern_headers("tools/list")) == "400 -32020");
  CHECK(status(modern("server/discover"), modern_headers("Server/Discover")) == "400 -32020");
  CHECK(status(good, modern_headers("tools/call")) == "400 -32020");
  CHECK(status(good, modern_headers("tools/call", "Echo")) == "400 -32020");
  CHECK(status(good, modern_headers("tools/call", "=?base64?ZWNobw==?=")).starts_with("200"));
  CHECK(status(good, modern_headers("tools/call", "=?base64?ZWNobw?=")) == "400 -32020");
  CHECK(status(modern("no/such"), modern_headers("no/such")) == "404 -32601");
  CHECK(status(modern("initialize"), modern_headers("initialize")) == "404 -32601");
  CHECK(status(modern_call("nothing"), modern_headers("tools/call", "nothing")) == "200 -32602");
  const std::string no_meta = legacy("tools/list");
  CHECK(status(no_meta, modern_headers("tools/list")) == "400 -32602");
  const std::string other = R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":)"
                            R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"v9"}}})";
  CHECK(status(other, kAccept + "MCP-Protocol-Version: v9\r\nMcp-Method: tools/list\r\n") == "400 -32022");
  CHECK(client->post("/mcp", good, headers + "Content-Type: text/plain\r\n").status == 415);
  const HttpReply got = client->get("/mcp", kAccept);
  CHECK(got.status == 405);
  CHECK(got.header("allow") == "POST");
}

TEST_CASE("a modern call with progress is answered by a stream", "[http]") {
  TestSession session;
  auto client = session.client();
  std::string call = modern_call("count");
  call.insert(call.find("\"io.modelcontextprotocol/protocolVersion"), "\"progressToken\":7,");
  client->send(HttpClient::request("POST", "/mcp", call,
                                   modern_headers("tools/call", "count") + "Content-Type: application/json\r\n"));
  const HttpReply head = client->receive_head();
  CHECK(head.status == 200);
  CHECK(head.header("content-type") == "text/event-stream");
  CHECK(has(head.header("cache-control"), "no-transform"));
  const std::string events = parts_until(*client, "\"result\"");
  CHECK(has(events, "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\""));
  CHECK(!has(events, "id: "));
  CHECK(!client->receive_part());
  CHECK(client->get("/health").status == 200);  // on the same connection
}

TEST_CASE("a modern client that goes away has cancelled", "[http][threads]") {
  TestSession session;
  auto client = session.client();
  client->send(HttpClient::request("POST", "/mcp", modern_call("hold"),
                                   modern_headers("tools/call", "hold") + "Content-Type: application/json\r\n"));
  session.backend().wait_for_holders(1);
  client->close();
  session.service().stop();  // would wait for the call, which nobody releases, were it not stopped
  CHECK(session.backend().holders_begun() == 1);
}

TEST_CASE("a legacy session: begun, used, ended", "[http]") {
  TestSession session;
  auto client = session.client();
  const HttpReply begun = initialize(*client);
  CHECK(begun.status == 200);
  CHECK(has(begun.body, "\"protocolVersion\":\"2025-11-25\""));
  const std::string id = begun.header("mcp-session-id");
  CHECK(id.size() > 32);
  const std::string with_session = session_header(begun);
  const std::string told = R"({"jsonrpc":"2.0","method":"notifications/initialized"})";
  CHECK(client->post("/mcp", told, with_session).status == 202);
  const HttpReply list = client->post("/mcp", legacy("tools/list"), with_session);
  CHECK(list.status == 200);
  CHECK(list.header("content-type") == "application/json");
  CHECK(!has(list.body, "resultType"));
  CHECK(client->post("/mcp", legacy("tools/call", R"({"name":"echo"})"), with_session).status == 200);
  CHECK(client->post("/mcp", legacy("tools/list"), kAccept).status == 400);
  CHECK(client->post("/mcp", legacy("tools/list"), kAccept + "Mcp-Session-Id: other\r\n").status == 404);
  CHECK(
      client->post("/mcp", legacy("tools/list"), "Accept: application/json\r\nMcp-Session-Id: " + id + "\r\n").status ==
      406);
  CHECK(client->post("/mcp", legacy("tools/list"), with_session + "MCP-Protocol-Version: 2024-11-05\r\n").status ==
        200);
  CHECK(client->post("/mcp", legacy("tools/list"), with_session + "MCP-Protocol-Version: 1999-01-01\r\n").status ==
        400);
  client->send(HttpClient::request("DELETE", "/mcp", "", with_session));
  CHECK(client->receive().status == 204);
  CHECK(client->post("/mcp", legacy("tools/list"), with_session).status == 404);
  CHECK(client->get("/mcp", with_session).status == 404);
  CHECK(initialize(*client).header("mcp-session-id") != id);
}

TEST_CASE("batches belong to the revisions that had them", "[http]") {
  TestSession session;
  auto client = session.client();
  const std::string batch = "[" + legacy("ping") + "," + legacy("tools/call", R"({"name":"echo"})", "2") + "]";
  const HttpReply answered = client->post("/mcp", batch, session_header(initialize(*client, "2025-03-26")));
  CHECK(answered.status == 200);
  CHECK(answered.body.starts_with("[{"));
  CHECK(client->post("/mcp", batch, session_header(initialize(*client, "2025-06-18"))).status == 400);
}

TEST_CASE("a session outlives the server, but not its key or its owner", "[http]") {
  HttpServiceOptions options;
  options.session_key = std::string(32, 'k');
  std::string with_session;
  {
    TestSession session(options);
    with_session = session_header(initialize(*session.client(), "2025-03-26"));
  }
  TestSession session(options);
  const std::string batch = "[" + legacy("ping") + "]";  // only in the revision that was negotiated
  CHECK(session.client()->post("/mcp", batch, with_session).status == 200);
  options.session_key = std::string(32, 'o');
  TestSession other(options);
  CHECK(other.client()->post("/mcp", batch, with_session).status == 404);
}

TEST_CASE("a session id is signed for one principal", "[http]") {
  const SessionIds ids(std::string(32, 'k'));
  test::CountingRandom random;
  const std::string id = ids.make({"2025-06-18", 0x2a}, "ann", random);
  REQUIRE(ids.read(id, "ann"));
  CHECK(ids.read(id, "ann")->version == "2025-06-18");
  CHECK(ids.read(id, "ann")->capabilities == 0x2a);
  CHECK(!ids.read(id, "ben"));
  CHECK(ids.make({"2025-06-18", 0x2a}, "ann", random) != id);
  for (size_t at = 0; at < id.size(); at++) {
    std::string changed = id;
    changed[at] = changed[at] == 'a' ? 'b' : 'a';
    if (changed != id) CHECK(!ids.read(changed, "ann"));
    CHECK(!ids.read(id.substr(0, at), "ann"));
  }
}

TEST_CASE("a legacy call with progress streams, primed for newer clients only", "[http]") {
  TestSession session;
  auto client = session.client();
  const std::string newer = session_header(initialize(*client, "2025-11-25"));
  const std::string older = session_header(initialize(*client, "2025-06-18"));
  const HttpReply primed = session.client()->post("/mcp", legacy("tools/call", kCountParams), newer);
  CHECK(primed.header("content-type") == "text/event-stream");
  CHECK(primed.body.starts_with("id: 1.0\nretry: 1000\ndata: \n\n"));
  CHECK(has(primed.body, "id: 1.1\ndata: {"));
  CHECK(has(primed.body, "\"result\""));
  const HttpReply plain = session.client()->post("/mcp", legacy("tools/call", kCountParams), older);
  CHECK(plain.body.starts_with("id: 1.1\ndata: {"));
}

TEST_CASE("a legacy client may come back for the rest of an answer", "[http][threads]") {
  TestSession session;
  const std::string with_session = session_header(initialize(*session.client()));
  std::atomic<int> steps = 0;
  session.backend().steps = 2;
  std::mutex mutex;
  std::condition_variable changed;
  bool is_away = false;
  session.backend().after_step = [&] {
    if (++steps != 1) return;
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return is_away; });
  };
  {
    auto client = session.client();
    client->send(HttpClient::request("POST", "/mcp", legacy("tools/call", kCountParams),
                                     with_session + "Content-Type: application/json\r\n"));
    client->receive_head();
    parts_until(*client, "id: 1.1");
  }
  auto back = session.client();
  back->send(HttpClient::request("GET", "/mcp", "", with_session + "Last-Event-ID: 1.0\r\n"));
  CHECK(back->receive_head().status == 200);
  CHECK(has(parts_until(*back, "id: 1.1"), "notifications/progress"));
  {
    const std::lock_guard lock(mutex);
    is_away = true;
  }
  changed.notify_all();
  CHECK(has(parts_until(*back, "\"result\""), "id: 1."));
  CHECK(!back->receive_part());
  // Once more, from the middle: it is kept for a while.
  const HttpReply again = session.client()->get("/mcp", with_session + "Last-Event-ID: 1.1\r\n");
  CHECK(has(again.body, "\"result\""));
  CHECK(!has(again.body, "id: 1.1\n"));
  for (const char* wrong : {"", "1", "x.1", "99.0", "1.-1", "1.0.0"}) {
    CAPTURE(wrong);
    CHECK(session.client()->get("/mcp", with_session + "Last-Event-ID: " + wrong + "\r\n").status == 400);
  }
}

TEST_CASE("an answer may be closed early and polled for", "[http]") {
  TestSession session;
  auto client = session.client();
  client->send(HttpClient::request("POST", "/v1/tools/echo", "{}", "Content-Type: application/json\r\n"));
  CHECK(client->receive().status == 200);
  EventLog log(3);
  log.send("{\"a\":\n1}");
  CHECK(log.last() == 1);
  CHECK(!log.finish("{}"));  // it was never begun as an answer
  CHECK(log.is_over());
}

TEST_CASE("the newest reader of what is unasked gets it; stopping ends it", "[http][threads]") {
  TestSession session;
  const std::string with_session = session_header(initialize(*session.client()));
  const std::string get = HttpClient::request("GET", "/mcp", "", with_session);
  auto first = session.client();
  first->send(get);
  CHECK(first->receive_head().header("content-type") == "text/event-stream");
  parts_until(*first, ":");
  auto second = session.client();
  second->send(get);
  second->receive_head();
  parts_until(*second, ":");
  while (first->receive_part()) {  // until it is replaced; there may be comments before
  }
  std::thread stopper([&] { session.service().stop(); });
  while (second->receive_part()) {
  }
  stopper.join();
}

TEST_CASE("silent streams carry comments", "[http][threads]") {
  HttpServiceOptions options;
  options.limits.comment_after = std::chrono::milliseconds(1);
  TestSession session(options);
  const std::string with_session = session_header(initialize(*session.client()));
  auto client = session.client();
  client->send(HttpClient::request("GET", "/mcp", "", with_session));
  client->receive_head();
  CHECK(has(parts_until(*client, ": keepalive"), ": keepalive\n\n"));
}

TEST_CASE("sessions that nobody ends are forgotten, and found again", "[http]") {
  test::CountingRandom random;
  HttpSessions sessions(std::string(32, 'k'), random);
  std::string first;
  for (size_t i = 0; i < HttpSessions::kMostSessions + 100; i++) {
    const auto session = std::make_shared<HttpSession>(local_principal());
    session->connection.negotiate("2025-06-18", {});
    const std::string id = sessions.add(session);
    if (i == 0) first = id;
  }
  CHECK(sessions.size() == HttpSessions::kMostSessions);
  const auto found = sessions.find(first, local_principal());
  REQUIRE(found);
  CHECK(found->connection.negotiated() == "2025-06-18");
  CHECK(sessions.end(first, local_principal()));
  CHECK(!sessions.find(first, local_principal()));
  CHECK(!sessions.end(first, local_principal()));
}

}  // namespace chronos
