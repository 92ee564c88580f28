// Asking an HTTP endpoint, as of embeddings or keys: over TCP or TLS, one connection for each request.
//
// All of a request has one time limit, from the connection to the last byte, so that an endpoint which answers a byte
// at a time is given up like one that never does; a reply is read no further than it is wanted; and a stop ends it at
// once.  Redirects are not followed: an endpoint is where it was said to be.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "search/http_poster.h"

namespace chronos {

class OutgoingHttp : public HttpPoster {
 public:
  Result<HttpResponse> post(const HttpRequest& request, const std::stop_token& stop) override;
  // The same by GET; the body of the request is left out.
  static Result<HttpResponse> get(const HttpRequest& request, const std::stop_token& stop);
};

struct HttpUrl {
  bool is_secure = false;
  std::string host;  // a name or an address, without brackets
  std::string port;
  std::string target;  // path and query, at least "/"
  std::string authority;  // as the Host header has it
};
// kInvalidArgument for what is no http(s) URL.
Result<HttpUrl> parse_http_url(std::string_view url);

}  // namespace chronos
