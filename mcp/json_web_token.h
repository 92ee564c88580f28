// JSON Web Tokens of an issuer (RFC 7519, RFC 9068): what must be true of one before anything in it is believed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/types.h"
#include "mcp/json_web_key.h"

namespace chronos {

inline constexpr size_t kMostTokenBytes = 16'384;

// The part in front, not believed yet.
struct JwtHead {
  std::string algorithm;  // one that is_signature_algorithm()
  std::string key_id;     // "" when it names none
};
// kUnauthenticated for what is no token of three parts with a head that may be: another algorithm, something in it that
// must be understood (`crit`), a name twice.
Result<JwtHead> read_jwt_head(std::string_view token);

struct JwtExpectation {
  std::string issuer;
  std::string audience;
  Timestamp now;
  static constexpr int64_t kSkewMicroseconds = 30'000'000;  // by which two clocks may differ
};

struct JwtClaims {
  std::string subject;
  std::vector<std::string> scopes;
  Timestamp expires_at;
};
// kUnauthenticated, saying which, for a token that none of the keys signed, of another issuer, for another audience,
// over, not begun, without an end or a subject.  The message has nothing of the token in it.
Result<JwtClaims> verify_jwt(std::string_view token, const KeySet& keys, const JwtExpectation& expected);

}  // namespace chronos
