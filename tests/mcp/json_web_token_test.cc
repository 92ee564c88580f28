#include "mcp/json_web_token.h"

#include <nlohmann/json.hpp>
#include <string>

#include "mcp/digest.h"
#include "tests/support/catch.h"
#include "tests/support/token_signer.h"

namespace chronos::test {
namespace {

using Json = nlohmann::json;

const JwtExpectation kExpected{
    "https://issuer.example", "https://chronos.example/mcp", Timestamp{1'800'000'000'000'000}};

Json claims(const Json& more = Json::object()) {
  Json all = {{"iss", kExpected.issuer}, {"aud", kExpected.audience}, {"sub", "ann"},
              {"exp", 1'800'000'600},    {"scope", "chronos:read x"}};
  all.update(more);
  return all;
}

Json without(const char* name) {
  Json all = claims();
  all.erase(name);
  return all;
}

// Keys take a while to make: once for all.
const TokenSigner& rsa() {
  static const TokenSigner kSigner = TokenSigner::rsa();
  return kSigner;
}
const TokenSigner& ec() {
  static const TokenSigner kSigner = TokenSigner::ec("P-256");
  return kSigner;
}
KeySet keys(const std::vector<Json>& all) {
  auto set = KeySet::parse(key_set(all));
  REQUIRE(set);
  return *std::move(set);
}
const KeySet& ec_keys() {
  static const KeySet kSet = keys({ec().jwk({{"kid", "k1"}})});
  return kSet;
}

std::string refusal(const std::string& token, const KeySet& set = ec_keys()) {
  const auto verified = verify_jwt(token, set, kExpected);
  if (verified) return "accepted";
  CHECK(verified.error().code == Code::kUnauthenticated);
  return verified.error().message;
}

std::string signed_with(const Json& all) { return ec().token({{"alg", "ES256"}, {"kid", "k1"}}, all); }

}  // namespace

TEST_CASE("Every algorithm that is allowed verifies what it signed, and nothing else", "[oauth]") {
  const TokenSigner p384 = TokenSigner::ec("P-384");
  const TokenSigner p521 = TokenSigner::ec("P-521");
  const KeySet set = keys({rsa().jwk(), ec().jwk(), p384.jwk(), p521.jwk()});
  const std::pair<const char*, const TokenSigner*> all[] = {
      {"RS256", &rsa()}, {"RS384", &rsa()}, {"RS512", &rsa()}, {"PS256", &rsa()}, {"PS384", &rsa()},
      {"PS512", &rsa()}, {"ES256", &ec()},  {"ES384", &p384},  {"ES512", &p521}};
  for (const auto& [algorithm, signer] : all) {
    const auto verified = verify_jwt(signer->token({{"alg", algorithm}, {"typ", "at+jwt"}}, claims()), set, kExpected);
    REQUIRE(verified);
    CHECK(verified->subject == "ann");
    CHECK(verified->scopes == std::vector<std::string>{"chronos:read", "x"});
    CHECK(verified->expires_at.value == 1'800'000'630'000'000);
    // Signed one way, said to be signed another.
    const std::string other = std::string(algorithm).starts_with("RS") ? "PS256" : "RS256";
    CHECK(refusal(signer->token_of(algorithm, Json{{"alg", other}}.dump(), claims().dump()), set) ==
          "the token is not signed by its issuer");
  }
}

TEST_CASE("A token with any byte changed is refused", "[oauth]") {
  const std::string token = signed_with(claims());
  CHECK(refusal(token) == "accepted");
  for (size_t at = 0; at < token.size(); at++) {
    for (const char other : {'A', 'B', '.'}) {
      if (token[at] == other) continue;
      std::string changed = token;
      changed[at] = other;
      if (refusal(changed) == "accepted") FAIL("byte " << at << " may be " << other);
    }
  }
  // The last character has bits that mean nothing: they must be zero.
  for (const char other : std::string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=")) {
    if (other != token.back()) CHECK(refusal(token.substr(0, token.size() - 1) + other) != "accepted");
  }
  for (size_t size = 0; size < token.size(); size++) CHECK(refusal(token.substr(0, size)) != "accepted");
  CHECK(refusal(token + ".") == "the token is malformed");
  CHECK(refusal(token + "A") != "accepted");
}

TEST_CASE("A token cannot choose to be unsigned, or signed with what everybody knows", "[oauth]") {
  const KeySet set = keys({rsa().jwk({{"kid", "k1"}})});
  for (const char* none : {"none", "None", "NONE", "nOnE", ""}) {
    const std::string text = rsa().token_of("RS256", Json{{"alg", none}}.dump(), claims().dump());
    CHECK(refusal(text, set) != "accepted");
    CHECK(refusal(text.substr(0, text.rfind('.') + 1), set) != "accepted");
  }
  for (const char* algorithm : {"HS256", "RS256", "ES256"}) {
    const Json head = {{"alg", algorithm}, {"kid", "k1"}};
    CHECK(refusal(hmac_token(rsa().pem(), head, claims()), set) != "accepted");
    CHECK(refusal(hmac_token(rsa().jwk()["n"].get<std::string>(), head, claims()), set) != "accepted");
    CHECK(refusal(hmac_token(rsa().jwk().dump(), head, claims()), set) != "accepted");
    CHECK(refusal(hmac_token("", head, claims()), set) != "accepted");
  }
  // A key that the token brings along is not looked at.
  const TokenSigner own = TokenSigner::ec("P-256");
  CHECK(refusal(own.token({{"alg", "ES256"}, {"jwk", own.jwk()}, {"kid", "k1"}}, claims())) ==
        "the token is not signed by its issuer");
  // A signature of zeros is none.
  const std::string text = base64url(R"({"alg":"ES256"})") + "." + base64url(claims().dump()) + ".";
  CHECK(refusal(text + base64url(std::string(64, '\0'))) != "accepted");
}

TEST_CASE("A token counts for its issuer, its audience and its time only", "[oauth]") {
  CHECK(refusal(signed_with(claims({{"iss", "https://issuer.example/"}}))) == "the token is of another issuer");
  CHECK(refusal(signed_with(without("iss"))) == "the token is of another issuer");
  for (const Json& audience : {Json("https://chronos.example"), Json("https://chronos.example/mcp/"), Json(7),
                               Json::array(), Json({"a", "b"}), Json({{"https://chronos.example/mcp", 1}})}) {
    CHECK(refusal(signed_with(claims({{"aud", audience}}))) == "the token is for another audience");
  }
  CHECK(refusal(signed_with(without("aud"))) == "the token is for another audience");
  CHECK(refusal(signed_with(claims({{"aud", {"other", kExpected.audience}}}))) == "accepted");

  CHECK(refusal(signed_with(claims({{"exp", 1'799'999'970}}))) == "the token has expired");
  CHECK(refusal(signed_with(claims({{"exp", 1'799'999'971}}))) == "accepted");  // clocks differ a little
  CHECK(refusal(signed_with(claims({{"exp", 1'799'999'970.5}}))) == "accepted");
  for (const Json& end : {Json("1800000600"), Json(-1), Json(1e300), Json(nullptr), Json::array()}) {
    CHECK(refusal(signed_with(claims({{"exp", end}}))) == "the token has no end");
  }
  CHECK(refusal(signed_with(without("exp"))) == "the token has no end");
  CHECK(refusal(signed_with(claims({{"nbf", 1'800'000'031}}))) == "the token is not valid yet");
  CHECK(refusal(signed_with(claims({{"nbf", "soon"}}))) == "the token is not valid yet");
  CHECK(refusal(signed_with(claims({{"nbf", 1'800'000'030}}))) == "accepted");

  CHECK(refusal(signed_with(without("sub"))) == "the token has no subject");
  for (const char* subject : {"", "a\nb"}) {
    CHECK(refusal(signed_with(claims({{"sub", subject}}))) == "the token has no subject");
  }
  CHECK(refusal(signed_with(claims({{"sub", std::string(201, 'a')}}))) == "the token has no subject");
}

TEST_CASE("What two readers could read differently is refused", "[oauth]") {
  const std::string head = R"({"alg":"ES256","kid":"k1"})";
  const std::string all = claims().dump();
  const auto refused = [](const std::string& a, const std::string& b) {
    return refusal(ec().token_of("ES256", a, b));
  };
  CHECK(refused(head, all) == "accepted");
  CHECK(refused(head, R"({"sub":"root",)" + all.substr(1)) == "the token is malformed");
  CHECK(refused(head, R"({"a":{"b":1,"b":2},)" + all.substr(1)) == "the token is malformed");
  CHECK(refused(head, R"({"a":{"b":1},"c":{"b":2},)" + all.substr(1)) == "accepted");
  CHECK(refused(R"({"alg":"none",)" + head.substr(1), all) == "the token is malformed");
  CHECK(refused(R"({"crit":["b64"],"b64":false,)" + head.substr(1), all).find("does not know") != std::string::npos);
  CHECK(refused(R"({"typ":"dpop+jwt",)" + head.substr(1), all).find("another type") != std::string::npos);
  CHECK(refused(R"({"typ":7,)" + head.substr(1), all) != "accepted");
  CHECK(refused(R"({"alg":"ES256","kid":7})", all) == "the token is malformed");
  CHECK(refused(head, "[" + all + "]") == "the token is malformed");
  CHECK(refused(head, all + " x") == "the token is malformed");
  CHECK(refused(head, R"({"a":)" + std::string(5000, '[') + std::string(5000, ']') + "," + all.substr(1)) ==
        "the token is malformed");
  CHECK(refused(head, R"({"a":")" + std::string(17'000, 'a') + "\"," + all.substr(1)) == "the token is malformed");
}

TEST_CASE("A key verifies what it is for", "[oauth]") {
  const std::string token = signed_with(claims());
  CHECK(refusal(token, keys({ec().jwk()})) == "the token is not signed by its issuer");  // it names k1
  CHECK(refusal(token, keys({ec().jwk({{"kid", "k2"}})})) == "the token is not signed by its issuer");
  CHECK(refusal(token, keys({ec().jwk({{"kid", "k1"}, {"alg", "ES384"}})})) == "the token is not signed by its issuer");
  const TokenSigner other = TokenSigner::ec("P-256");
  CHECK(refusal(token, keys({other.jwk({{"kid", "k1"}})})) == "the token is not signed by its issuer");
  CHECK(refusal(token, keys({other.jwk({{"kid", "k1"}}), ec().jwk({{"kid", "k1"}, {"alg", "ES256"}})})) == "accepted");
  // One that names none is tried with all.
  CHECK(refusal(ec().token({{"alg", "ES256"}}, claims()), keys({rsa().jwk(), other.jwk(), ec().jwk()})) == "accepted");
}

TEST_CASE("Key sets of strangers: what is no good key is passed over, what is no set refused", "[oauth]") {
  const Json good = ec().jwk();
  std::vector<Json> bad;
  bad.push_back(ec().jwk({{"use", "enc"}}));
  bad.push_back(ec().jwk({{"key_ops", {"sign"}}}));
  bad.push_back(ec().jwk({{"crv", "P-384"}}));
  bad.push_back(ec().jwk({{"crv", "secp256k1"}}));
  bad.push_back(ec().jwk({{"x", good["y"]}, {"y", good["x"]}}));  // no point of the curve
  bad.push_back(ec().jwk({{"x", ""}}));
  bad.push_back(TokenSigner::rsa(1024).jwk());
  bad.push_back(rsa().jwk({{"n", rsa().jwk()["n"].get<std::string>() + "="}}));
  bad.push_back(rsa().jwk({{"e", ""}}));
  bad.push_back(rsa().jwk({{"n", base64url(std::string(2000, '\xff'))}}));
  bad.push_back({{"kty", "oct"}, {"k", "c2VjcmV0"}});
  bad.push_back({{"kty", 7}});
  bad.push_back("text");
  for (const Json& key : bad) {
    CHECK_FALSE(KeySet::parse(key_set({key})));
    const auto beside = KeySet::parse(key_set({key, good}));
    REQUIRE(beside);
    CHECK(beside->size() == 1);
  }
  for (const char* nonsense : {"", "{", "[]", "7", R"({"keys":{}})", R"({"keys":[]})", "<html>"}) {
    CHECK_FALSE(KeySet::parse(nonsense));
  }
  CHECK_FALSE(KeySet::parse(R"({"keys":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}"));
  CHECK_FALSE(KeySet::parse(std::string(KeySet::kMostBytes + 1, ' ')));
  CHECK(KeySet::parse(key_set(std::vector<Json>(1000, good)))->size() == KeySet::kMostKeys);
}

TEST_CASE("base64url is read as it is written and in no other way", "[oauth]") {
  std::string bytes;
  for (int i = 0; i < 300; i++) {
    const std::string text = base64url(bytes);
    CHECK(read_base64url(text) == bytes);
    CHECK_FALSE(read_base64url(text + "="));
    CHECK_FALSE(read_base64url(text + "+"));
    bytes += static_cast<char>(i * 37);
  }
  CHECK(base64url("\xfb\xff") == "-_8");
  CHECK_FALSE(read_base64url("-_9"));
  CHECK_FALSE(read_base64url("A"));
}

}  // namespace chronos::test
