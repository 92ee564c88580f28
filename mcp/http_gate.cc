#include "mcp/http_gate.h"

#include <algorithm>

namespace chronos {

std::string_view host_name(std::string_view host) {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

bool is_loopback_name(std::string_view host) {
  if (lower_case(host) == "localhost" || host == "::1") return true;
  const bool is_numeric = host.find_first_not_of("0123456789.") == std::string_view::npos;
  return host.starts_with("127.") && is_numeric;
}

// A server that others may reach is behind names that only the operator knows: without a list, any.
std::optional<HttpRefusal> HttpGate::check(const HttpHead& head) const {
  const std::string_view host = host_name(head.header("host"));
  const auto& hosts = options_.allow_hosts;
  const bool is_listed = std::find(hosts.begin(), hosts.end(), lower_case(host)) != hosts.end();
  const bool is_own = is_loopback_name(host) || (!options_.is_loopback && hosts.empty());
  if (!is_listed && !is_own) {
    return HttpRefusal{403,
                       "The Host '" + std::string(host) + "' is not one of this server's. Allow it with --allow-host."};
  }
  const std::string* origin = head.find("origin");
  if (origin != nullptr && !allows_origin(*origin)) {
    return HttpRefusal{403, "The Origin '" + *origin + "' is not allowed. Allow it with --allow-origin."};
  }
  return std::nullopt;
}

bool HttpGate::allows_origin(std::string_view origin) const {
  const auto& origins = options_.allow_origins;
  if (std::find(origins.begin(), origins.end(), origin) != origins.end()) return true;
  if (!options_.is_loopback) return false;
  const size_t scheme = origin.find("://");
  if (scheme == std::string_view::npos) return false;
  const std::string_view name = origin.substr(0, scheme);
  const std::string_view rest = origin.substr(scheme + 3);
  if ((name != "http" && name != "https") || rest.find_first_of("/@?#") != std::string_view::npos) return false;
  return is_loopback_name(host_name(rest));
}

HttpHeaders HttpGate::headers_for(const HttpHead& head) const {
  const std::string* origin = head.find("origin");
  if (origin == nullptr) return {};
  return {{"Access-Control-Allow-Origin", *origin},
          {"Vary", "Origin"},
          {"Access-Control-Expose-Headers", "Mcp-Session-Id, Mcp-Protocol-Version, WWW-Authenticate, Retry-After"}};
}

}  // namespace chronos
