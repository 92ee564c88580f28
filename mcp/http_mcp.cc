// The ladder of a POST, first failure answers:
//
//   Content-Type 415, length 413, JSON 400
//   modern (the message, or the header MCP-Protocol-Version, says so):
//     version in header and body 400, what _meta must have 400, the other headers 400, unknown method 404,
//     then the method runs: an answer, an error too, is 200
//   legacy:
//     Accept 406, version 400, session 400 or 404, then the method runs
//
// An answer is JSON when nothing comes before it, else a stream that begins with the first message.  A modern client
// that goes away has cancelled; a legacy one may come back for the rest, which is kept for it (mcp/http_event_log.h).
#include "mcp/http_mcp.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "mcp/revision.h"

namespace chronos {
namespace {

constexpr std::string_view kNoId = "null";

void refuse(HttpExchange& exchange, int status, std::string_view id, const RpcError& error) {
  exchange.answer_json(status, error_reply(id, error));
}

void refuse(HttpExchange& exchange, int status, std::string message, HttpHeaders headers = {}) {
  exchange.answer_json(status, error_reply(kNoId, {RpcCode::kInvalidRequest, std::move(message), ""}),
                       std::move(headers));
}

bool accepts(const HttpHead& head, std::string_view type) {
  const std::string any = std::string(type.substr(0, type.find('/'))) + "/*";
  return head.lists("accept", type) || head.lists("accept", any) || head.lists("accept", "*/*");
}

bool is_legacy_version(std::string_view version) {
  return std::find(std::begin(kLegacyVersions), std::end(kLegacyVersions), version) != std::end(kLegacyVersions);
}

bool is_modern(const HttpHead& head, const std::optional<Message>& message) {
  if (message && message->kind == Message::Kind::kRequest) {
    if (!message->params.meta.protocol_version.empty() || decide_era(*message).era == Era::kModern) return true;
  }
  return head.header("mcp-protocol-version") == kModernVersion;
}

// The answer to a modern request: a stream from its first message on.
class ModernSink final : public MessageSink {
 public:
  explicit ModernSink(HttpExchange& exchange) : exchange_(exchange) {}

  void send(std::string_view message) override {
    if (!exchange_.has_stream()) {
      exchange_.begin_stream(kEventStream, event_stream_headers());
      exchange_.set_comment(std::string(kSilentComment));
    }
    std::string event;
    append_event_data(event, message);
    exchange_.send(event);
  }

 private:
  HttpExchange& exchange_;
};

}  // namespace

HttpMcp::HttpMcp(Dispatcher& dispatcher, std::span<const Tool> tools, Random& random, Options options)
    : dispatcher_(dispatcher),
      rules_(tools),
      max_body_(options.max_body),
      sessions_(std::move(options.session_key), random) {}

void HttpMcp::handle(HttpExchange& exchange, const Principal& principal, size_t max_body) {
  const std::string& method = exchange.head().method;
  if (method == "POST") return post(exchange, principal, std::min(max_body, max_body_));
  const bool has_session = exchange.head().find("mcp-session-id") != nullptr;
  if (method == "GET" && has_session) return follow(exchange, principal);
  if (method == "DELETE" && has_session) {
    if (sessions_.end(std::string(exchange.head().header("mcp-session-id")), principal)) {
      return exchange.answer_empty(204);
    }
    return refuse(exchange, 404, "There is no such session. Send initialize.");
  }
  refuse(exchange, 405, "Send messages by POST.", {{"Allow", has_session ? "GET, POST, DELETE" : "POST"}});
}

void HttpMcp::post(HttpExchange& exchange, const Principal& principal, size_t max_body) {
  if (!exchange.head().is_type("application/json")) {
    return refuse(exchange, 415, "Send messages as Content-Type application/json.");
  }
  auto body = exchange.read_body(max_body);
  if (!body) return;
  LineOrError read = read_line(*body, Dispatcher::kMostLevels);
  if (read.error) {
    const bool has_no_id = exchange.head().header("mcp-protocol-version") == kModernVersion;
    return refuse(exchange, 400, has_no_id ? "" : kNoId, *read.error);
  }
  Received received{std::move(read.line), std::nullopt};
  if (!received.line.is_batch) received.message = read_message(received.text());
  if (is_modern(exchange.head(), received.message)) return post_modern(exchange, principal, received);
  post_legacy(exchange, principal, received);
}

void HttpMcp::post_modern(HttpExchange& exchange, const Principal& principal, const Received& received) {
  const Message::Kind kind = received.message ? received.message->kind : Message::Kind::kInvalid;
  std::string id;
  if (kind == Message::Kind::kRequest) {
    const Message& message = *received.message;
    id = message.id;
    if (message.params.meta.protocol_version.empty()) {
      const RpcError missing{RpcCode::kInvalidParams,
                             "params._meta must have 'io.modelcontextprotocol/protocolVersion' and "
                             "'io.modelcontextprotocol/clientCapabilities' in this revision.",
                             ""};
      return refuse(exchange, 400, id, missing);
    }
    if (auto wrong = HeaderRules::check_version(exchange.head(), message)) return refuse(exchange, 400, id, *wrong);
    if (!decide_era(message).error) {
      if (auto wrong = rules_.check(exchange.head(), message, received.text())) {
        return refuse(exchange, 400, id, *wrong);
      }
    }
  }
  Connection connection(principal);
  connection.saw_modern();
  Accepted accepted = dispatcher_.accept(connection, received.line, received.one());
  const int status = accepted.status();
  ModernSink sink(exchange);
  const std::stop_callback when_gone(exchange.gone(), [&] { connection.cancel(id); });
  const std::stop_callback when_stopping(exchange.stopping(), [&] { connection.end(); });
  const std::stop_callback when_overdue(exchange.overdue(), [&] { connection.stop_reads(); });
  const std::string reply = dispatcher_.run(connection, std::move(accepted), sink);
  if (exchange.has_stream()) {
    if (!reply.empty()) sink.send(reply);
  } else if (reply.empty()) {
    exchange.answer_empty(202);
  } else {
    exchange.answer_json(status, reply);
  }
}

void HttpMcp::post_legacy(HttpExchange& exchange, const Principal& principal, const Received& received) {
  const HttpHead& head = exchange.head();
  if (!accepts(head, "application/json") || !accepts(head, kEventStream)) {
    return refuse(exchange, 406, "Accept both application/json and text/event-stream.");
  }
  const std::string_view version = head.header("mcp-protocol-version");
  if (!version.empty() && !is_legacy_version(version)) {
    return refuse(exchange, 400, "The MCP-Protocol-Version '" + std::string(version) + "' is not known.");
  }
  const bool is_request = received.message && received.message->kind == Message::Kind::kRequest;
  if (is_request && received.message->method == "initialize") return initialize(exchange, principal, received);
  if (received.message && received.message->kind == Message::Kind::kInvalid) {
    return refuse(exchange, 400, received.message->id.empty() ? kNoId : received.message->id, received.message->error);
  }
  if (const auto session = session_of(exchange, principal)) answer(exchange, session, received);
}

// Null when the request was refused.
std::shared_ptr<HttpSession> HttpMcp::session_of(HttpExchange& exchange, const Principal& principal) {
  const std::string* id = exchange.head().find("mcp-session-id");
  if (id == nullptr) {
    refuse(exchange, 400, "The header Mcp-Session-Id is missing. Send the one that initialize was answered with.");
    return nullptr;
  }
  auto session = sessions_.find(*id, principal);
  if (session == nullptr) refuse(exchange, 404, "There is no such session. Send initialize.");
  return session;
}

// Whatever session the client may still think it has, this is a new one.
void HttpMcp::initialize(HttpExchange& exchange, const Principal& principal, const Received& received) {
  const auto session = std::make_shared<HttpSession>(principal);
  Accepted accepted = dispatcher_.accept(session->connection, received.line, received.one());
  const int status = accepted.status();
  EventLog nothing(0);
  std::string reply = dispatcher_.run(session->connection, std::move(accepted), nothing);
  HttpHeaders headers;
  if (!session->connection.negotiated().empty()) headers.emplace_back("Mcp-Session-Id", sessions_.add(session));
  exchange.answer_json(status, std::move(reply), std::move(headers));
}

void HttpMcp::answer(HttpExchange& exchange, const std::shared_ptr<HttpSession>& session, const Received& received) {
  Connection& connection = session->connection;
  std::unique_lock lock(session->accepting);
  Accepted accepted = dispatcher_.accept(connection, received.line, received.one());
  lock.unlock();
  const int status = accepted.status();
  const auto log = session->new_log();
  const bool primes = connection.negotiated() >= "2025-11-25";
  log->go_live(exchange, primes, [&] { session->remember(log); });
  const std::stop_callback when_stopping(exchange.stopping(), [&] { connection.end(); });
  const std::stop_callback when_overdue(exchange.overdue(), [&] { connection.stop_reads(); });
  std::string reply = dispatcher_.run(connection, std::move(accepted), *log);
  if (log->finish(reply)) return;
  if (!reply.empty()) return exchange.answer_json(status, std::move(reply));
  if (status == 202) return exchange.answer_empty(202);
  exchange.begin_stream(kEventStream, event_stream_headers());  // of a call that was cancelled: without an answer
}

// The stream for what the server says unasked, or for the rest of another one.
void HttpMcp::follow(HttpExchange& exchange, const Principal& principal) {
  if (!accepts(exchange.head(), kEventStream)) return refuse(exchange, 406, "Accept text/event-stream.");
  const auto session = session_of(exchange, principal);
  if (session == nullptr) return;
  std::shared_ptr<EventLog> log = session->unasked();
  uint64_t after = log->last();
  if (const std::string* last = exchange.head().find("last-event-id")) {
    const auto place = read_event_id(*last);
    log = place ? session->find_log(place->stream) : nullptr;
    if (log == nullptr) {
      return refuse(exchange, 400, "Last-Event-ID '" + *last + "' is none that can be gone on from. Leave it out.");
    }
    after = place->number;
  }
  session->connection.attach(session->unasked());
  exchange.begin_stream(kEventStream, event_stream_headers());
  exchange.set_comment(std::string(kSilentComment));
  exchange.send(": follow\n\n");
  log->follow(exchange, after);
}

}  // namespace chronos
