// What search asks of the network: to post something somewhere, and to give up in time.
//
// Two implementations: OutgoingHttp (mcp/outgoing_http.h) and the scripted one of tests.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"

namespace chronos {

struct HttpRequest {
  std::string url;  // http:// or https://
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::chrono::milliseconds timeout{30'000};  // for all of it
  size_t max_response_bytes = size_t{16} << 20;
};

struct HttpResponse {
  int status = 0;
  std::string body;
  std::optional<std::chrono::seconds> retry_after;
};

// Any thread.
class HttpPoster {
 public:
  virtual ~HttpPoster() = default;
  // An answer with any status is a result.  kUnavailable when there is none in time, it was stopped, or the answer is
  // larger than is wanted or no HTTP.
  virtual Result<HttpResponse> post(const HttpRequest& request, const std::stop_token& stop) = 0;
};

}  // namespace chronos
