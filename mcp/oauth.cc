#include "mcp/oauth.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "mcp/json_web_token.h"
#include "mcp/outgoing_http.h"

namespace chronos {
namespace {

constexpr std::string_view kWellKnown = "/.well-known/oauth-protected-resource";
// By role.
constexpr std::string_view kScopes[] = {"chronos:read", "chronos:write", "chronos:merge", "chronos:admin"};

std::optional<Role> role_of(const std::vector<std::string>& scopes) {
  std::optional<Role> role;
  for (size_t i = 0; i < std::size(kScopes); i++) {
    if (std::find(scopes.begin(), scopes.end(), kScopes[i]) != scopes.end()) role = static_cast<Role>(i);
  }
  return role;
}

}  // namespace

std::string scopes_of(Role role) {
  std::string text;
  for (size_t i = 0; i <= static_cast<size_t>(role); i++) text += (i == 0 ? "" : " ") + std::string(kScopes[i]);
  return text;
}

Result<std::unique_ptr<OAuth>> OAuth::open(const OAuthOptions& options, Disk& disk, Clock& clock) {
  const auto audience = parse_http_url(options.audience);
  if (!audience || options.audience.find_first_of("\"\\?#") != std::string::npos) {
    return Error{Code::kInvalidArgument,
                 "--oauth-audience must be the address of this server as clients know it, like "
                 "https://chronos.example.org/mcp, got '" +
                     options.audience + "'",
                 ""};
  }
  IssuerKeys::Options from;
  from.issuer = options.issuer;
  from.keys = options.keys;
  auto keys = IssuerKeys::open(std::move(from), disk);
  if (!keys) return keys.error();
  return std::unique_ptr<OAuth>(new OAuth(options, *std::move(keys), clock));
}

OAuth::OAuth(const OAuthOptions& options, std::unique_ptr<IssuerKeys> keys, Clock& clock)
    : options_(options), keys_(std::move(keys)), clock_(clock) {
  const size_t path_at = std::min(options_.audience.find('/', options_.audience.find("://") + 3),
                                  options_.audience.size());
  origin_ = options_.audience.substr(0, path_at);
  path_ = options_.audience.substr(path_at);
  if (path_ == "/") path_ = "";
  metadata_ = nlohmann::ordered_json{{"resource", options_.audience},
                                     {"authorization_servers", {options_.issuer}},
                                     {"scopes_supported", kScopes},
                                     {"bearer_methods_supported", {"header"}},
                                     {"resource_name", "Chronos"}}
                  .dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::variant<OAuthGrant, OAuthRefusal> OAuth::admit(std::string_view token) {
  const auto head = read_jwt_head(token);
  if (!head) return OAuthRefusal{.reason = head.error().message};
  const auto keys = keys_->keys_for(head->key_id);
  if (keys == nullptr) return OAuthRefusal{.is_unavailable = true, .reason = keys_->failure()};
  const auto claims = verify_jwt(token, *keys, {options_.issuer, options_.audience, clock_.now()});
  if (!claims) return OAuthRefusal{.reason = claims.error().message};
  const auto role = role_of(claims->scopes);
  if (!role) return OAuthRefusal{.lacks_scope = true, .reason = "the token has none of the scopes of this server"};
  return OAuthGrant{{"oauth:" + claims->subject, *role, {}, false}, claims->expires_at};
}

std::string OAuth::challenge(std::string_view scope) const {
  return "resource_metadata=\"" + origin_ + std::string(kWellKnown) + path_ + "\", scope=\"" + std::string(scope) +
         "\"";
}

std::optional<std::string> OAuth::metadata(std::string_view path) const {
  if (path == kWellKnown || path == std::string(kWellKnown) + path_) return metadata_;
  return std::nullopt;
}

}  // namespace chronos
