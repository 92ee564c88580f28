#include "mcp/http_service.h"

#include <algorithm>
#include <utility>

#include "mcp/call_metrics.h"
#include "mcp/chronos_catalog.h"
#include "mcp/http_openapi.h"
#include "mcp/http_tools.h"
#include "version.h"

namespace chronos {
namespace {

constexpr std::string_view kAllowedHeaders =
    "Authorization, Content-Type, Accept, Last-Event-ID, Mcp-Session-Id, Mcp-Protocol-Version, Mcp-Method, Mcp-Name";

HttpMcp::Options mcp_options(const HttpServiceOptions& options, Random& random) {
  return {options.session_key.empty() ? random_session_key(random) : options.session_key, options.max_body};
}

// What can be sent to a path.  Of one where nothing is, as of most: whoever is told so sees it when he asks.
std::string_view methods_of(std::string_view path) {
  if (path == kMcpPath) return "GET, POST, DELETE";
  if (path == kEventsPath) return "GET, POST";
  if (path.starts_with(kToolsPath) && path.size() > kToolsPath.size()) return "POST";
  return "GET, HEAD";
}

// True when it is refused.
bool refuses_method(HttpExchange& exchange, std::string_view allowed) {
  const std::string& method = exchange.head().method;
  if (method == allowed || (allowed == "GET" && method == "HEAD")) return false;
  exchange.answer_error(405,
                        {Code::kInvalidArgument, "Send " + std::string(allowed) + " here, not " + method + ".", ""},
                        {{"Allow", std::string(allowed)}});
  return true;
}

void answer_refusal(HttpExchange& exchange, const AccessRefusal& refusal) {
  HttpHeaders headers;
  if (!refusal.www_authenticate.empty()) headers.emplace_back("WWW-Authenticate", refusal.www_authenticate);
  if (refusal.retry_after_seconds) headers.emplace_back("Retry-After", std::to_string(*refusal.retry_after_seconds));
  exchange.answer_error(refusal.status, refusal.error, std::move(headers));
}

RequestFacts facts_of(const HttpExchange& exchange) {
  const HttpHead& head = exchange.head();
  RequestFacts facts;
  for (const auto& [name, value] : head.headers) {
    if (name != "authorization") continue;
    if (facts.authorization_headers++ == 0) facts.authorization = value;
  }
  facts.method = head.method;
  facts.path = head.path;
  facts.query = head.query;
  facts.peer = exchange.peer();
  facts.is_forwarded = head.find("forwarded") != nullptr || head.find("x-forwarded-for") != nullptr;
  facts.body_bytes = head.content_length;
  return facts;
}

}  // namespace

Result<std::unique_ptr<HttpService>> HttpService::start(const HttpServed& served, HttpServiceOptions options) {
  std::unique_ptr<HttpService> service(new HttpService(served, std::move(options)));
  HttpServer::Options listening;
  listening.address = service->options_.address;
  listening.port = service->options_.port;
  listening.limits = service->options_.limits;
  if (!service->options_.tls_certificate.empty()) {
    auto tls = TlsDoor::open(service->options_.tls_certificate, service->options_.tls_key);
    if (!tls) return tls.error();
    service->tls_ = std::move(*tls);
    listening.make_channel = [&door = *service->tls_](int fd) { return door.channel(fd); };
  }
  auto server = HttpServer::start(std::move(listening),
                                  [&service = *service](HttpExchange& exchange) { service.handle(exchange); });
  if (!server) return server.error();
  service->server_ = std::move(*server);
  service->is_started_.set_value();
  return service;
}

HttpService::HttpService(const HttpServed& served, HttpServiceOptions options)
    : served_(served),
      options_(std::move(options)),
      gate_({is_loopback_name(options_.address), options_.allow_hosts, options_.allow_origins}),
      tools_text_(R"({"tools":)" + tools_array(served.tools) + "}"),
      openapi_text_(openapi_text(served.tools, options_.local_store != nullptr)),
      mcp_(served.dispatcher, served.tools, served.random, mcp_options(options_, served.random)),
      events_(options_.local_store, served.backend) {}

HttpService::~HttpService() { stop(); }

uint16_t HttpService::port() const { return server_->port(); }

void HttpService::stop() {
  if (server_) server_->stop();
}

void HttpService::handle(HttpExchange& exchange) {
  if (const auto refusal = gate_.check(exchange.head())) {
    return exchange.answer_error(refusal->status, {Code::kPermissionDenied, refusal->message, ""});
  }
  for (auto& [name, value] : gate_.headers_for(exchange.head())) exchange.add_header(name, value);
  if (exchange.head().method == "OPTIONS") {
    const std::string methods(methods_of(exchange.head().path));
    return exchange.answer_empty(204, {{"Allow", methods + ", OPTIONS"},
                                       {"Access-Control-Allow-Methods", methods},
                                       {"Access-Control-Allow-Headers", std::string(kAllowedHeaders)},
                                       {"Access-Control-Max-Age", "3600"}});
  }
  const std::string& path = exchange.head().path;
  if (path == "/health") return answer_health(exchange);
  if (path == "/ready") return answer_ready(exchange);
  if (path.starts_with("/.well-known/")) return answer_well_known(exchange);
  if (const auto caller = admit(exchange)) route(exchange, *caller);
}

// Clients look here before they have a token: what is not there is no question of access.
void HttpService::answer_well_known(HttpExchange& exchange) {
  if (refuses_method(exchange, "GET")) return;
  const std::string& path = exchange.head().path;
  auto document = options_.access == nullptr ? std::nullopt : options_.access->metadata(path);
  if (document) return exchange.answer_json(200, *std::move(document));
  exchange.answer_error(404, {Code::kNotFound, "There is nothing at '" + path + "'.", ""});
}

// Nothing when it was refused, which is answered then.
std::optional<Admission> HttpService::admit(HttpExchange& exchange) {
  if (options_.access == nullptr) return Admission{.principal = local_principal()};
  auto decided = options_.access->admit(facts_of(exchange));
  if (const auto* refusal = std::get_if<AccessRefusal>(&decided)) {
    answer_refusal(exchange, *refusal);
    return std::nullopt;
  }
  auto& admission = std::get<Admission>(decided);
  exchange.set_may_go_on([access = options_.access, admission] { return access->is_still_good(admission); });
  return std::move(admission);
}

// True when the scopes of the caller's token are too few for the tool, which is answered then.
bool HttpService::refuses_tool(HttpExchange& exchange, const Admission& caller, std::string_view name) {
  const auto tool = std::find_if(served_.tools.begin(), served_.tools.end(),
                                 [&](const Tool& known) { return known.name == name; });
  if (options_.access == nullptr || tool == served_.tools.end()) return false;
  const auto refusal = options_.access->refuse_tool(facts_of(exchange), caller, *tool);
  if (refusal) answer_refusal(exchange, *refusal);
  return refusal.has_value();
}

void HttpService::route(HttpExchange& exchange, const Admission& caller) {
  const std::string& path = exchange.head().path;
  const size_t max_body = std::min<size_t>(options_.max_body, caller.max_request_bytes.value_or(SIZE_MAX));
  if (path == kMcpPath) return mcp_.handle(exchange, caller.principal, max_body);
  if (path == "/metrics") return answer_metrics(exchange);
  if (path == kEventsPath && options_.local_store) return events_.handle(exchange, caller.principal);
  if (path == "/openapi.json") {
    if (!refuses_method(exchange, "GET")) exchange.answer_json(200, openapi_text_);
    return;
  }
  if (path == kToolsPath) {
    if (!refuses_method(exchange, "GET")) exchange.answer_json(200, tools_text_);
    return;
  }
  if (path.starts_with(kToolsPath) && path[kToolsPath.size()] == '/') {
    const std::string_view name = std::string_view(path).substr(kToolsPath.size() + 1);
    if (refuses_tool(exchange, caller, name)) return;
    return answer_plain_call(exchange, name, {served_.tools, served_.backend, caller.principal, max_body});
  }
  exchange.answer_error(404, {Code::kNotFound, "There is nothing at '" + path + "'. /openapi.json has the paths.", ""});
}

void HttpService::answer_health(HttpExchange& exchange) {
  if (!refuses_method(exchange, "GET"))
    exchange.answer_json(200, R"({"status":"ok","version":")" CHRONOS_VERSION R"("})");
}

void HttpService::answer_ready(HttpExchange& exchange) {
  if (refuses_method(exchange, "GET")) return;
  if (options_.ready) {
    if (auto ready = options_.ready(); !ready) {
      return exchange.answer_error(503, {Code::kUnavailable, ready.error().message, ready.error().details});
    }
  }
  exchange.answer_json(200, R"({"status":"ready"})");
}

void HttpService::answer_metrics(HttpExchange& exchange) {
  if (refuses_method(exchange, "GET")) return;
  started_.wait();
  const HttpCounts counts = server_->counts();
  std::string text = options_.metrics ? options_.metrics() : "";
  append_metric(text, "chronos_http_connections_total", "counter", "Connections taken.", counts.accepted);
  append_metric(text, "chronos_http_refused_total", "counter", "Connections refused with 503.", counts.refused);
  append_metric(text, "chronos_http_malformed_total", "counter", "Requests that were no HTTP, or came too slowly.",
                counts.malformed);
  append_metric(text, "chronos_http_connections", "gauge", "Connections that are open.", counts.open);
  append_metric(text, "chronos_http_busy", "gauge", "Of these: with a request.", counts.busy);
  append_metric(text, "chronos_http_streams", "gauge", "Of these: with an answer that goes on.", counts.streams);
  append_metric(text, "chronos_mcp_sessions", "gauge", "Legacy sessions in memory.", mcp_.sessions());
  exchange.answer(200, "text/plain; version=0.0.4; charset=utf-8", std::move(text));
}

}  // namespace chronos
