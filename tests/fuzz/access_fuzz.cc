// Everything that decides who somebody is, fed by whoever comes: the Authorization header, tokens of an issuer and its
// keys, the file of tokens, a principal of another process.  No input can be a token: nobody has the key.
#include "core/log.h"
#include "mcp/http_access.h"
#include "mcp/json_web_token.h"
#include "mcp/outgoing_http.h"
#include "mcp/principal_text.h"
#include "mcp/strict_json.h"
#include "mcp/token_file.h"
#include "tests/fuzz/fuzz.h"

namespace chronos::test {
namespace {

// The public half of a key that was thrown away.
constexpr std::string_view kKeys =
    R"({"keys":[{"kty":"EC","crv":"P-256","kid":"k1","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})";

void try_token(std::string_view text) {
  static const KeySet kSet = *KeySet::parse(kKeys);
  static const JwtExpectation kExpected{"https://issuer.example", "https://chronos.example/mcp", Timestamp{0}};
  const auto head = read_jwt_head(text);
  if (head) CHECK(is_signature_algorithm(head->algorithm));
  CHECK(!verify_jwt(text, kSet, kExpected));
}

void try_header(std::string_view text) {
  const auto token = bearer_token(text);
  if (!token || !*token) return;
  // What is taken means the same when it is sent plainly.
  const std::string plain = "Bearer " + std::string(**token);
  const auto again = bearer_token(plain);
  CHECK(again && *again && **again == **token);
  try_token(**token);
}

void try_token_file(std::string_view text) {
  const auto tokens = parse_tokens(text);
  if (!tokens) return;
  const auto again = parse_tokens(tokens_text(*tokens));
  CHECK(again && *again == *tokens);
}

void try_principal(std::string_view text) {
  const auto principal = read_principal(text);
  if (principal) CHECK(principal_text(*principal) == text);
}

}  // namespace
}  // namespace chronos::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace chronos;
  using namespace chronos::test;
  const FuzzInput input(bytes, size);
  FuzzFields fields(input.text());
  const uint8_t kind = fields.byte();
  const std::string_view text = fields.rest();
  switch (kind % 6) {
    case 0: try_token(text); break;
    case 1: try_header(text); break;
    case 2: static_cast<void>(KeySet::parse(text).has_value()); break;
    case 3: try_token_file(text); break;
    case 4: try_principal(text); break;
    default: static_cast<void>(parse_http_url(text).has_value()); break;
  }
  return 0;
}
