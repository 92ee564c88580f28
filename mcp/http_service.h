// Chronos over HTTP: MCP, plain tool calls and what operators ask, on one port.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/result.h"
#include "mcp/dispatcher.h"
#include "mcp/http_access.h"
#include "mcp/http_events.h"
#include "mcp/http_gate.h"
#include "mcp/http_mcp.h"
#include "mcp/http_server.h"
#include "mcp/http_tls.h"
#include "mcp/tool_backend.h"
#include "tools/tool.h"

namespace chronos {

struct HttpServiceOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: a free one
  std::vector<std::string> allow_hosts;
  std::vector<std::string> allow_origins;
  HttpLimits limits;
  size_t max_body = size_t{20} << 20;  // of a message or a call
  std::string session_key;             // SessionIds::kKeyBytes; empty: sessions end with the service
  HttpEvents::LocalStore local_store;  // null: /v1/events is not served
  // More for /metrics, in Prometheus' text format; may be null.
  std::function<std::string()> metrics;
  // Who is let in; null: everybody, as local.  Outlives the service.
  HttpAccess* access = nullptr;
  // Whether calls can be served now, and why not; null: they can.
  std::function<Result<void>()> ready;
  std::string tls_certificate;  // PEM files (mcp/http_tls.h); empty: no TLS
  std::string tls_key;
};

// What it serves: all outlive the service.
struct HttpServed {
  Dispatcher& dispatcher;
  std::span<const Tool> tools;
  ToolBackend& backend;
  Clock& clock;
  Random& random;
};

class HttpService {
 public:
  // Serves from now on.
  static Result<std::unique_ptr<HttpService>> start(const HttpServed& served, HttpServiceOptions options);
  // stop()s.
  ~HttpService();
  HttpService(const HttpService&) = delete;
  HttpService& operator=(const HttpService&) = delete;

  uint16_t port() const;
  // Answers or ends what is running, within 5 seconds, and returns (mcp/http_server.h).
  void stop();

 private:
  HttpService(const HttpServed& served, HttpServiceOptions options);
  void handle(HttpExchange& exchange);
  std::optional<Admission> admit(HttpExchange& exchange);
  bool refuses_tool(HttpExchange& exchange, const Admission& caller, std::string_view name);
  void route(HttpExchange& exchange, const Admission& caller);
  void answer_well_known(HttpExchange& exchange);
  void answer_health(HttpExchange& exchange);
  void answer_ready(HttpExchange& exchange);
  void answer_metrics(HttpExchange& exchange);

  const HttpServed served_;
  const HttpServiceOptions options_;
  const HttpGate gate_;
  const std::string tools_text_;
  const std::string openapi_text_;
  HttpMcp mcp_;
  const HttpEvents events_;
  std::unique_ptr<TlsDoor> tls_;
  std::unique_ptr<HttpServer> server_;  // there once it has started
  std::promise<void> is_started_;
  const std::shared_future<void> started_ = is_started_.get_future().share();
};

}  // namespace chronos
