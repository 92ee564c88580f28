// What is served beside MCP and tools, on a real store: events in and out, the description, the figures.
#include "mcp/http_events.h"

#include <signal.h>

#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "mcp/call_metrics.h"
#include "mcp/chronos_offer.h"
#include "mcp/http_service.h"
#include "mcp/shared_backend.h"
#include "tests/support/catch.h"
#include "tests/support/child_process.h"
#include "tests/support/http_client.h"
#include "tests/support/scratch_directory.h"
#include "tools/tool.h"

namespace chronos {
namespace {

using nlohmann::json;
using test::ChildProcess;
using test::HttpClient;
using test::HttpReply;
using test::ScratchDirectory;

// A service as `chronos serve` puts it together.
class StoreService {
 public:
  StoreService() : StoreService(std::make_shared<ScratchDirectory>()) {}
  explicit StoreService(std::shared_ptr<ScratchDirectory> directory)
      : directory_(std::move(directory)),
        backend_({.store = options(directory_->path()), .give_up = std::chrono::milliseconds(30'000)}),
        metrics_(backend_) {
    HttpServiceOptions options;
    options.local_store = [this] { return backend_.local_store(); };
    options.metrics = [this] { return metrics_.text(); };
    auto service =
        HttpService::start({dispatcher_, all_tools(), metrics_, system_clock(), system_random()}, std::move(options));
    REQUIRE(service);
    service_ = std::move(*service);
  }

  HttpService& service() { return *service_; }
  // Where another process may come, too.
  const std::shared_ptr<ScratchDirectory>& directory() const { return directory_; }
  std::unique_ptr<HttpClient> client() const { return std::make_unique<HttpClient>(service_->port()); }
  HttpReply post_lines(std::string_view query, std::string_view lines) {
    return client()->post("/v1/events" + std::string(query), lines, "Content-Type: application/x-ndjson\r\n");
  }

 private:
  static StoreOptions options(const std::string& directory) {
    StoreOptions made;
    made.directory = directory;
    return made;
  }
  const std::shared_ptr<ScratchDirectory> directory_;
  SharedBackend backend_;
  CallMetrics metrics_;
  Subscriptions subscriptions_;
  ChronosOffer offer_{all_tools(), metrics_, subscriptions_};
  Dispatcher dispatcher_{Dispatcher::Parts{offer_, subscriptions_, system_clock(), system_random()}};
  std::unique_ptr<HttpService> service_;
};

std::string lines(int from, int to) {
  std::string text;
  for (int i = from; i <= to; i++) {
    text += R"({"stream":"s-)" + std::to_string(i % 3) + R"(","type":"T","data":{"n":)" + std::to_string(i) + "}}\n";
  }
  return text;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

size_t count(const std::string& text, std::string_view part) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) found++;
  return found;
}

}  // namespace

TEST_CASE("a stream of events goes in exactly once, and comes out", "[http][threads]") {
  StoreService store;
  const HttpReply first = store.post_lines("", lines(1, 500));
  CHECK(first.status == 200);
  CHECK(json::parse(first.body) == json({{"imported", 500}, {"skipped", 0}}));
  CHECK(json::parse(store.post_lines("", lines(1, 600)).body) == json({{"imported", 100}, {"skipped", 500}}));
  const HttpReply all = store.client()->get("/v1/events");
  CHECK(all.header("content-type") == "application/x-ndjson");
  CHECK(count(all.body, "\n") == 600);
  CHECK(all.body.starts_with("{\"position\":1,"));
  CHECK(count(store.client()->get("/v1/events?stream=s-1&since=300").body, "\n") == 100);
  CHECK(count(store.client()->get("/v1/events?as_of=10").body, "\n") == 10);
  // Without a line end at the end, and in chunks that cut lines.
  auto client = store.client();
  client->send(
      "POST /v1/events?import_id=b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
      "Transfer-Encoding: chunked\r\n\r\n");
  std::string rest = lines(1, 50);
  rest.pop_back();
  for (size_t at = 0; at < rest.size(); at += 7) {
    const std::string part = rest.substr(at, 7);
    client->send(std::to_string(part.size()) + "\r\n" + part + "\r\n");
  }
  client->send("0\r\n\r\n");
  CHECK(json::parse(client->receive().body)["imported"] == 50);
}

TEST_CASE("a wrong line is named, and what came before it is kept", "[http][threads]") {
  StoreService store;
  const HttpReply wrong = store.post_lines("", lines(1, 4) + "{\"stream\":7}\n" + lines(5, 100'000));
  CHECK(wrong.status == 400);
  const json error = json::parse(wrong.body)["error"];
  CHECK(has(error["message"], "body:5:"));
  CHECK(error["details"]["imported"] == 4);
  CHECK(count(store.client()->get("/v1/events").body, "\n") == 4);
  CHECK(store.client()->post("/v1/events", lines(1, 2)).status == 415);
  CHECK(store.post_lines("?nonsense=1", "").status == 400);
  CHECK(store.post_lines("?fork=none", lines(1, 2)).status == 404);
  CHECK(store.post_lines("", "").status == 200);
  auto client = store.client();
  for (const char* query : {"?fork=none", "?since=x", "?follow=maybe", "?as_of=1&follow=true", "?as_of=9999", "?x=1",
                            "?since=1&since=2", "?fork=%ff"}) {
    CAPTURE(query);
    const HttpReply reply = client->get("/v1/events" + std::string(query));
    CHECK(reply.status >= 400);
    CHECK(reply.status < 500);
  }
  client->send(HttpClient::request("DELETE", "/v1/events", ""));
  CHECK(client->receive().status == 405);
}

TEST_CASE("an upload that breaks off keeps whole lines, and goes on when it comes again", "[http][threads]") {
  StoreService store;
  {
    auto client = store.client();
    client->send(
        "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
        "Content-Length: 1000000\r\n\r\n" +
        lines(1, 20) + "{\"stream\":\"s\",\"type\":\"T\",\"data\":{}}");
    client->close_output();
    CHECK(client->receive().status == 400);
  }
  CHECK(count(store.client()->get("/v1/events").body, "\n") == 20);
  CHECK(json::parse(store.post_lines("", lines(1, 30)).body) == json({{"imported", 10}, {"skipped", 20}}));
}

TEST_CASE("events are followed, and gone on with after the last one", "[http][threads]") {
  StoreService store;
  store.post_lines("", lines(1, 5));
  const auto follow = [&](StoreService& asked, const std::string& import_id, int head) {
    CAPTURE(head);
    const auto id = [](int position) { return "id: " + std::to_string(position) + "\n"; };
    auto follower = asked.client();
    follower->send(HttpClient::request("GET", "/v1/events", "",
                                       "Accept: text/event-stream\r\nLast-Event-ID: " + std::to_string(head - 2) +
                                           "\r\n"));
    CHECK(follower->receive_head().header("content-type") == "text/event-stream");
    std::string seen;
    const auto read_until = [&](const std::string& text) {
      while (!has(seen, text)) {
        const auto part = follower->receive_part();
        REQUIRE(part);
        seen += *part;
      }
    };
    read_until(id(head));
    CHECK(has(seen, "id: " + std::to_string(head - 1) + "\ndata: {\"position\":" + std::to_string(head - 1) + ","));
    CHECK(!has(seen, id(head - 2)));
    store.post_lines("?import_id=" + import_id, lines(1, 3));
    read_until(id(head + 3));
    CHECK(count(seen, id(head + 1)) == 1);
    CHECK(count(seen, "id: ") == 5);
    std::thread stopper([&] { asked.service().stop(); });
    while (follower->receive_part()) {
    }
    stopper.join();
  };
  StoreService other(store.directory());  // which has not got the store
  follow(other, "a", 5);
  follow(store, "b", 8);
}

TEST_CASE("the description names every tool, and figures are told", "[http]") {
  StoreService store;
  auto client = store.client();
  const json described = json::parse(client->get("/openapi.json").body);
  CHECK(described["openapi"] == "3.1.0");
  for (const Tool& tool : all_tools()) {
    const json& operation = described["paths"]["/v1/tools/" + std::string(tool.name)]["post"];
    CHECK(operation["operationId"] == tool.name);
    CHECK(operation["responses"]["200"]["content"]["application/json"]["schema"]["type"] == "object");
    CHECK(operation["requestBody"]["required"] == json::parse(tool.input_schema).contains("required"));
  }
  const json& refused = described["paths"]["/mcp"]["post"]["responses"]["415"];
  CHECK(refused["$ref"] == "#/components/responses/MessageError");
  CHECK(described["components"]["responses"].contains("MessageError"));
  for (const char* path : {"/v1/tools", "/v1/events", "/mcp", "/health", "/ready", "/metrics"}) {
    CAPTURE(path);
    CHECK(described["paths"].contains(path));
  }
  CHECK(client->post("/v1/tools/describe_store", "{}").status == 200);
  CHECK(client->post("/v1/tools/get_state", "{\"stream\":\"none\"}").status == 404);
  const HttpReply metrics = client->get("/metrics");
  CHECK(metrics.header("content-type").starts_with("text/plain"));
  CHECK(has(metrics.body, "chronos_calls_total{tool=\"describe_store\",status=\"ok\"} 1\n"));
  CHECK(has(metrics.body, "chronos_calls_total{tool=\"get_state\",status=\"not_found\"} 1\n"));
  CHECK(has(metrics.body, "chronos_call_seconds_count{tool=\"get_state\"} 1\n"));
  CHECK(has(metrics.body, "chronos_http_connections 1\n"));
}

TEST_CASE("the program serves, and ends in order at SIGTERM", "[processes]") {
  const ScratchDirectory directory;
  ChildProcess server({"/bin/sh", "-c", "exec \"$0\" serve --data \"$1\" --listen 127.0.0.1:0 2>&1", CHRONOS_BINARY,
                       directory.path("store")});
  const auto line = server.read_line();
  REQUIRE(line);
  CAPTURE(*line);
  const size_t at = line->find("127.0.0.1:");
  REQUIRE(at != std::string::npos);
  const auto port = static_cast<uint16_t>(std::stoi(line->substr(at + 10)));
  const std::string append = R"({"events":[{"stream":"a","type":"T","data":{}}]})";
  CHECK(HttpClient(port).post("/v1/tools/append_events", append).status == 200);
  HttpClient follower(port);
  follower.send(HttpClient::request("GET", "/v1/events", "", "Accept: text/event-stream\r\n"));
  CHECK(follower.receive_head().status == 200);
  CHECK(has(follower.receive_part().value_or(""), "id: 1\n"));
  HttpClient half(port);
  half.send("POST /v1/tools/append_events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{");
  HttpClient idle(port);
  CHECK(idle.get("/ready").status == 200);
  const std::string metrics = idle.get("/metrics").body;
  CHECK(has(metrics, "chronos_store_events 1\n"));
  CHECK(has(metrics, "# TYPE chronos_search_events gauge\nchronos_search_events "));
  CHECK(has(metrics, "chronos_search_failed 0\n"));

  server.kill(SIGTERM);
  while (follower.receive_part()) {
  }
  CHECK(idle.is_closed());
  CHECK(server.wait() == 0);
  ChildProcess exported({CHRONOS_BINARY, "export", "--data", directory.path("store")});
  CHECK(count(exported.read_all(), "\n") == 1);
  ChildProcess other({CHRONOS_BINARY, "serve", "--data", directory.path("store"), "--listen", "0.0.0.0:0"});
  CHECK(other.wait() == 2);
}

}  // namespace chronos
