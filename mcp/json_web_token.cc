#include "mcp/json_web_token.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "core/batch.h"
#include "mcp/digest.h"
#include "mcp/strict_json.h"

namespace chronos {
namespace {

using Json = nlohmann::json;

constexpr size_t kMostSubjectBytes = 200;
constexpr size_t kMostScopes = 100;
constexpr double kMostSeconds = 253'402'300'799;  // the end of the year 9999

Error refused(std::string what) { return Error{Code::kUnauthenticated, std::move(what), ""}; }

// Head, claims, signature; as they were sent.
std::optional<std::array<std::string_view, 3>> parts_of(std::string_view token) {
  const size_t first = token.find('.');
  if (token.size() > kMostTokenBytes || first == std::string_view::npos) return std::nullopt;
  const size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
  return std::array{token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1)};
}

std::optional<Json> object_of(std::string_view part) {
  const auto text = read_base64url(part);
  if (!text) return std::nullopt;
  auto json = read_strict_json(*text);
  if (!json || !json->is_object()) return std::nullopt;
  return json;
}

std::optional<std::string> text_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

// Seconds since 1970, whole or not.
std::optional<Timestamp> time_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  const double seconds = found->get<double>();
  if (!(seconds >= 0 && seconds <= kMostSeconds)) return std::nullopt;
  return Timestamp{static_cast<int64_t>(seconds * 1e6)};
}

bool is_for(const Json& claims, const std::string& audience) {
  const auto found = claims.find("aud");
  if (found == claims.end()) return false;
  if (found->is_string()) return found->get_ref<const std::string&>() == audience;
  return found->is_array() && std::any_of(found->begin(), found->end(), [&](const Json& one) {
           return one.is_string() && one.get_ref<const std::string&>() == audience;
         });
}

void add_words(std::vector<std::string>& to, std::string_view text) {
  while (!text.empty() && to.size() < kMostScopes) {
    const size_t end = std::min(text.find(' '), text.size());
    if (end > 0) to.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// `scope` is a text (RFC 8693); some issuers say `scp`, as a text or a list.
std::vector<std::string> scopes_of(const Json& claims) {
  std::vector<std::string> scopes;
  for (const char* name : {"scope", "scp"}) {
    const auto found = claims.find(name);
    if (found == claims.end()) continue;
    if (found->is_string()) add_words(scopes, found->get_ref<const std::string&>());
    if (!found->is_array()) continue;
    for (const Json& one : *found) {
      if (one.is_string()) add_words(scopes, one.get_ref<const std::string&>());
    }
  }
  return scopes;
}

bool is_access_token_type(std::string type) {
  std::transform(type.begin(), type.end(), type.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return type == "jwt" || type == "at+jwt" || type == "application/at+jwt";
}

Result<JwtHead> head_of(std::string_view part) {
  const auto json = object_of(part);
  if (!json) return refused("the token is malformed");
  if (json->contains("crit")) return refused("the token asks for something that this server does not know");
  if (json->contains("typ")) {
    const auto type = text_of(*json, "typ");
    if (!type || !is_access_token_type(*type)) return refused("the token is of another type than an access token");
  }
  JwtHead head;
  head.algorithm = text_of(*json, "alg").value_or("");
  if (!is_signature_algorithm(head.algorithm)) {
    return refused("the token is not signed by RS256, PS256 or ES256 or their like");
  }
  if (json->contains("kid")) {
    const auto id = text_of(*json, "kid");
    if (!id || id->empty()) return refused("the token is malformed");
    head.key_id = *id;
  }
  return head;
}

}  // namespace

Result<JwtHead> read_jwt_head(std::string_view token) {
  const auto parts = parts_of(token);
  if (!parts) return refused("the token is malformed");
  return head_of((*parts)[0]);
}

Result<JwtClaims> verify_jwt(std::string_view token, const KeySet& keys, const JwtExpectation& expected) {
  const auto parts = parts_of(token);
  if (!parts) return refused("the token is malformed");
  const auto head = head_of((*parts)[0]);
  if (!head) return head.error();
  const auto signature = read_base64url((*parts)[2]);
  const std::string_view signed_text = token.substr(0, (*parts)[0].size() + 1 + (*parts)[1].size());
  if (!signature || !keys.verify(head->key_id, head->algorithm, signed_text, *signature)) {
    return refused("the token is not signed by its issuer");
  }
  const auto claims = object_of((*parts)[1]);
  if (!claims) return refused("the token is malformed");
  if (text_of(*claims, "iss") != expected.issuer) return refused("the token is of another issuer");
  if (!is_for(*claims, expected.audience)) return refused("the token is for another audience");
  constexpr int64_t kSkew = JwtExpectation::kSkewMicroseconds;
  const auto expires = time_of(*claims, "exp");
  if (!expires) return refused("the token has no end");
  if (expires->value + kSkew <= expected.now.value) return refused("the token has expired");
  if (claims->contains("nbf")) {
    const auto begins = time_of(*claims, "nbf");
    if (!begins || begins->value - kSkew > expected.now.value) return refused("the token is not valid yet");
  }
  const auto subject = text_of(*claims, "sub");
  if (!subject || !check_name("sub", *subject, kMostSubjectBytes)) return refused("the token has no subject");
  return JwtClaims{*subject, scopes_of(*claims), Timestamp{expires->value + kSkew}};
}

}  // namespace chronos
