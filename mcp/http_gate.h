// Which requests are let in before anybody looks at what they ask: a page in a browser must not reach a server on the
// same machine (DNS rebinding, requests from other sites).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mcp/http_head.h"

namespace chronos {

// Immutable: any thread.
class HttpGate {
 public:
  struct Options {
    bool is_loopback = true;                 // listens on this machine's own addresses only
    std::vector<std::string> allow_hosts;    // names besides those of this machine, without ports
    std::vector<std::string> allow_origins;  // like https://example.org, besides this machine's
  };
  explicit HttpGate(Options options) : options_(std::move(options)) {}

  // Why the request is refused: its Host or Origin is none of those allowed.
  std::optional<HttpRefusal> check(const HttpHead& head) const;
  // What a browser must be told so that a page of an allowed origin sees the answer.
  HttpHeaders headers_for(const HttpHead& head) const;

 private:
  bool allows_origin(std::string_view origin) const;
  const Options options_;
};

// Whether it names this machine: localhost, 127.0.0.0/8, ::1.
bool is_loopback_name(std::string_view host);
// A Host header without its port and brackets.
std::string_view host_name(std::string_view host);

}  // namespace chronos
