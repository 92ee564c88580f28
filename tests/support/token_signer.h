// An issuer of JSON Web Tokens for tests: keys of its own, signatures, and key sets with the public half.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct evp_pkey_st;

namespace chronos::test {

class TokenSigner {
 public:
  static TokenSigner rsa(unsigned bits = 2048);
  static TokenSigner ec(std::string_view curve);  // "P-256"

  // The public half; `more` are further members, like kid.
  nlohmann::json jwk(const nlohmann::json& more = nlohmann::json::object()) const;
  std::string pem() const;  // of the public half
  std::string sign(std::string_view algorithm, std::string_view text) const;
  std::string token(const nlohmann::json& head, const nlohmann::json& claims) const;
  // The same from texts, for what no JSON library writes.
  std::string token_of(std::string_view algorithm, std::string_view head, std::string_view claims) const;

 private:
  explicit TokenSigner(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
  std::shared_ptr<evp_pkey_st> key_;  // shared by copies
};

// A key set.
std::string key_set(const std::vector<nlohmann::json>& keys);
// A token "signed" with HMAC by whatever is taken for its secret.
std::string hmac_token(std::string_view secret, const nlohmann::json& head, const nlohmann::json& claims);

}  // namespace chronos::test
