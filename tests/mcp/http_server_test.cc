// Sockets, threads and limits; what clients do on purpose.
#include "mcp/http_server.h"

#include <string>
#include <thread>
#include <vector>

#include "tests/support/served_tools.h"

// Last: its CHECK is the one meant here.
#include "tests/support/catch.h"

namespace chronos {
namespace {

using std::chrono::milliseconds;
using test::HttpClient;
using test::HttpReply;
using test::ServedTools;

const std::string kCall =
    HttpClient::request("POST", "/v1/tools/echo", "{\"a\":1}", "Content-Type: application/json\r\n");

HttpServiceOptions with(HttpLimits limits) {
  HttpServiceOptions options;
  options.limits = limits;
  return options;
}

bool is_served(ServedTools& session) { return session.client()->get("/health").status == 200; }

// What a server says to `bytes`, and that it closes then.
int status_and_close(ServedTools& session, std::string_view bytes) {
  auto client = session.client();
  client->send(bytes);
  const HttpReply reply = client->receive();
  if (reply.status >= 400) {
    CHECK(reply.header("content-type") == "application/json");
    CHECK(reply.body.starts_with("{\"error\":{\"code\":"));
  }
  CHECK(client->is_closed());
  return reply.status;
}

}  // namespace

TEST_CASE("health and readiness", "[http]") {
  HttpServiceOptions options;
  bool is_ready = false;
  options.ready = [&]() -> Result<void> {
    if (is_ready) return {};
    return Error{Code::kCorrupt, "it is broken", ""};
  };
  ServedTools session(options);
  auto client = session.client();
  CHECK(client->get("/health").body.starts_with("{\"status\":\"ok\""));
  CHECK(client->get("/ready").status == 503);
  is_ready = true;
  CHECK(client->get("/ready").body == "{\"status\":\"ready\"}");
  const HttpReply nothing = client->get("/nothing");
  CHECK(nothing.status == 404);
  CHECK(nothing.header("content-type") == "application/json");
  CHECK(client->post("/health", "{}").status == 405);
  client->send("HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(client->receive_head().status == 200);
  CHECK(client->get("/health").status == 200);
}

TEST_CASE("requests sent at once are answered in their order", "[http]") {
  ServedTools session;
  auto client = session.client();
  std::string all;
  for (int i = 0; i < 300; i++) all += kCall + HttpClient::request("GET", "/health", "");
  std::thread sender([&] { client->send(all); });
  for (int i = 0; i < 300; i++) {
    REQUIRE(client->receive().body == "{\"echo\":{\"a\":1}}");
    REQUIRE(client->receive().body.starts_with("{\"status\""));
  }
  sender.join();
}

TEST_CASE("a request may arrive byte by byte, in chunks or after a promise", "[http]") {
  ServedTools session;
  auto client = session.client();
  for (const char byte : kCall) client->send({&byte, 1});
  CHECK(client->receive().body == "{\"echo\":{\"a\":1}}");
  const std::string head = "POST /v1/tools/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
  client->send(head + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n6\r\n\"a\":1}\r\n0\r\n\r\n");
  CHECK(client->receive().body == "{\"echo\":{\"a\":1}}");
  client->send(head + "Content-Length: 7\r\nExpect: 100-continue\r\n\r\n");
  client->send("{\"a\":1}");
  CHECK(client->receive().body == "{\"echo\":{\"a\":1}}");
  client->close_output();
  CHECK(client->is_closed());
}

TEST_CASE("a half-closed client gets its answer", "[http]") {
  ServedTools session;
  auto client = session.client();
  client->send(kCall);
  client->close_output();
  CHECK(client->receive().status == 200);
  CHECK(client->is_closed());
}

TEST_CASE("what is no request is refused, and the connection closed", "[http]") {
  ServedTools session;
  CHECK(status_and_close(session, "hello\r\n\r\n") == 400);
  CHECK(status_and_close(session, std::string("\x16\x03\x01\x02\x00\x01\x00\x0a", 8)) == 400);
  CHECK(status_and_close(session, "GET / HTTP/1.1\r\n\r\n") == 400);
  CHECK(status_and_close(session,
                         "POST /v1/tools/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == 400);
  const std::string chunked =
      "POST /v1/tools/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n";
  CHECK(status_and_close(session, chunked + "zz\r\n") == 400);
  CHECK(status_and_close(session, chunked + "2\r\n{}X\r\n0\r\n\r\n") == 400);
  CHECK(status_and_close(session, chunked + "-2\r\n{}\r\n0\r\n\r\n") == 400);
  CHECK(is_served(session));
}

TEST_CASE("heads and bodies that are too long are refused", "[http]") {
  HttpServiceOptions options;
  options.max_body = 1000;
  ServedTools session(options);
  CHECK(status_and_close(session, "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(40000, 'a') + "\r\n\r\n") ==
        431);
  CHECK(status_and_close(session, "GET /" + std::string(40000, 'a')) == 431);
  CHECK(status_and_close(session, "GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: localhost\r\n\r\n") == 414);
  const std::string head = "POST /v1/tools/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
  CHECK(status_and_close(session, head + "Content-Length: 300000000\r\n\r\n") == 413);
  std::string chunks = head + "Transfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 20; i++) chunks += "64\r\n" + std::string(100, ' ') + "\r\n";
  CHECK(status_and_close(session, chunks) == 413);
  CHECK(is_served(session));
}

TEST_CASE("clients that are too slow are let go, others are served meanwhile", "[http][threads]") {
  ServedTools session(with({.head_time = milliseconds(200), .body_time = milliseconds(200)}));
  auto no_head = session.client();
  no_head->send("GET / HT");
  auto no_body = session.client();
  no_body->send(
      "POST /v1/tools/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
      "9\r\n\r\n{");
  CHECK(is_served(session));
  CHECK(no_head->receive().status == 408);
  CHECK(no_body->receive().status == 408);
  CHECK(no_body->is_closed());
  CHECK(is_served(session));
}

TEST_CASE("connections that stay idle are closed", "[http][threads]") {
  ServedTools session(with({.idle_time = milliseconds(100)}));
  auto silent = session.client();
  auto used = session.client();
  used->send(HttpClient::request("GET", "/health", ""));  // it may have been idle for too long before
  used->receive();
  CHECK(silent->is_closed());
  CHECK(used->is_closed());
}

TEST_CASE("idle connections give their place, busy ones do not", "[http][threads]") {
  ServedTools session(with({.max_connections = 4}));
  std::vector<std::unique_ptr<HttpClient>> silent;
  for (int i = 0; i < 40; i++) silent.push_back(session.client());
  std::vector<std::unique_ptr<HttpClient>> busy;
  for (int i = 0; i < 4; i++) {
    busy.push_back(session.client());
    busy.back()->send(HttpClient::request("POST", "/v1/tools/hold", "{}", "Content-Type: application/json\r\n"));
    session.backend().wait_for_holders(i + 1);
  }
  const HttpReply refused = session.client()->receive();
  CHECK(refused.status == 503);
  CHECK(refused.header("retry-after") == "1");
  session.backend().release(4);
  for (auto& client : busy) CHECK(client->receive().status == 200);
  // As soon as the server has put one of them aside.
  for (int i = 0; i < 100'000 && !is_served(session); i++) std::this_thread::yield();
  CHECK(is_served(session));
}

TEST_CASE("many clients at once are each answered", "[http][threads]") {
  ServedTools session;
  std::vector<std::thread> threads;
  std::atomic<int> answered = 0;
  for (int t = 0; t < 8; t++) {
    threads.emplace_back([&] {
      auto client = session.client();
      for (int i = 0; i < 50; i++) {
        if (i % 10 == 9) client = session.client();
        if (client->post("/v1/tools/echo", "{}").body == "{\"echo\":{}}") answered++;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(answered == 400);
}

TEST_CASE("stopping answers writes, stops reads and closes what is idle", "[http][threads]") {
  ServedTools session(with({.read_grace = milliseconds(0), .stop_grace = milliseconds(60'000)}));
  auto idle = session.client();
  CHECK(idle->get("/health").status == 200);
  auto half = session.client();
  half->send(
      "POST /v1/tools/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
      "9\r\n\r\n{");
  auto reader = session.client();
  reader->send(HttpClient::request("POST", "/v1/tools/hold", "{}", "Content-Type: application/json\r\n"));
  auto writer = session.client();
  writer->send(HttpClient::request("POST", "/v1/tools/hold_write", "{}", "Content-Type: application/json\r\n"));
  session.backend().wait_for_holders(2);
  std::thread stopper([&] { session.service().stop(); });
  CHECK(reader->receive().status == 503);
  session.backend().release();
  const HttpReply written = writer->receive();
  CHECK(written.status == 200);
  CHECK(written.header("connection") == "close");
  CHECK(idle->is_closed());
  stopper.join();
}

TEST_CASE("only names and origins of this machine are let in", "[http]") {
  HttpServiceOptions options;
  options.allow_hosts = {"chronos.example"};
  options.allow_origins = {"https://app.example"};
  ServedTools session(options);
  auto client = session.client();
  const auto status = [&](const std::string& host, const std::string& origin) {
    client->send("GET /health HTTP/1.1\r\nHost: " + host + "\r\n" +
                 (origin.empty() ? "" : "Origin: " + origin + "\r\n") + "\r\n");
    return client->receive().status;
  };
  for (const char* host : {"localhost", "LOCALHOST:1", "127.0.0.1:80", "127.1.2.3", "[::1]:9", "chronos.example:1"}) {
    CAPTURE(host);
    CHECK(status(host, "") == 200);
  }
  for (const char* host :
       {"evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "[::2]", "[", "8.8.8.8"}) {
    CAPTURE(host);
    CHECK(status(host, "") == 403);
  }
  for (const char* origin : {"http://localhost:3000", "http://127.0.0.1", "https://[::1]:5", "https://app.example"}) {
    CAPTURE(origin);
    CHECK(status("localhost", origin) == 200);
  }
  for (const char* origin :
       {"http://evil.example", "null", "http://localhost.evil.example", "http://localhost@evil.example",
        "https://app.example.evil", "file://localhost", "localhost", "http://evil.example/localhost"}) {
    CAPTURE(origin);
    CHECK(status("localhost", origin) == 403);
  }
  client->send("OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:3000\r\n\r\n");
  const HttpReply preflight = client->receive();
  CHECK(preflight.status == 204);
  CHECK(preflight.header("access-control-allow-origin") == "http://localhost:3000");
  CHECK(preflight.header("allow") == "GET, POST, DELETE, OPTIONS");
  for (const auto& [path, allowed] : {std::pair{"/v1/events", "GET, POST, OPTIONS"},
                                      {"/v1/tools", "GET, HEAD, OPTIONS"},
                                      {"/v1/tools/echo", "POST, OPTIONS"},
                                      {"/health", "GET, HEAD, OPTIONS"}}) {
    CAPTURE(path);
    client->send("OPTIONS " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(client->receive().header("allow") == allowed);
  }
}

}  // namespace chronos
