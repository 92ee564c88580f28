// MCP over Streamable HTTP, in every revision, at one path.
//
// Which era a message belongs to is seen from the message alone (mcp/revision.h).  A modern one is complete in itself.
// A legacy one belongs to a session.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/principal.h"
#include "mcp/dispatcher.h"
#include "mcp/http_exchange.h"
#include "mcp/http_header_rules.h"
#include "mcp/http_sessions.h"
#include "mcp/json_rpc.h"

namespace chronos {

inline constexpr std::string_view kMcpPath = "/mcp";

// Any thread.
class HttpMcp {
 public:
  struct Options {
    std::string session_key;  // SessionIds::kKeyBytes
    size_t max_body = 0;
  };
  // Requires: all outlive it.
  HttpMcp(Dispatcher& dispatcher, std::span<const Tool> tools, Random& random, Options options);

  // `max_body`: of a message of this caller; Options has one that counts for all.
  void handle(HttpExchange& exchange, const Principal& principal, size_t max_body = SIZE_MAX);
  size_t sessions() { return sessions_.size(); }

 private:
  // A body that was read: one message, or a batch.  Refers to its bytes.
  struct Received {
    IncomingLine line;
    std::optional<Message> message;  // when it is one
    std::string_view text() const { return line.messages.front(); }
    const Message* one() const { return message ? &*message : nullptr; }
  };
  void post(HttpExchange& exchange, const Principal& principal, size_t max_body);
  void post_modern(HttpExchange& exchange, const Principal& principal, const Received& received);
  void post_legacy(HttpExchange& exchange, const Principal& principal, const Received& received);
  void initialize(HttpExchange& exchange, const Principal& principal, const Received& received);
  void answer(HttpExchange& exchange, const std::shared_ptr<HttpSession>& session, const Received& received);
  void follow(HttpExchange& exchange, const Principal& principal);
  std::shared_ptr<HttpSession> session_of(HttpExchange& exchange, const Principal& principal);

  Dispatcher& dispatcher_;
  const HeaderRules rules_;
  const size_t max_body_;
  HttpSessions sessions_;
};

}  // namespace chronos
