// The bearer tokens of a store: a file beside it, `tokens`, which has their SHA-256 and never a token (docs/FORMAT.md).
//
// The file is replaced as a whole, so that a reader sees the one before or the one after.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/disk.h"
#include "core/principal.h"
#include "core/result.h"
#include "core/types.h"
#include "mcp/digest.h"

namespace chronos {

struct Token {
  Principal principal;
  Sha256 digest = {};
  Timestamp created_at;
  std::optional<Timestamp> expires_at;
  std::optional<uint32_t> calls_per_minute;
  std::optional<uint64_t> max_request_bytes;

  bool operator==(const Token&) const = default;
};

// Every token that create_token() makes begins so; it is found by those who look for secrets in the wrong place.
inline constexpr std::string_view kTokenPrefix = "chronos_";

// nullopt when the store has no such file: it never had a token.
Result<std::optional<std::string>> read_token_file(Disk& disk, const std::string& directory);
// kCorrupt for bytes that are not whole, kInvalidArgument for those of a newer version.
Result<std::vector<Token>> parse_tokens(std::string_view text);
std::string tokens_text(const std::vector<Token>& tokens);

struct NewToken {
  Principal principal;
  std::optional<uint64_t> lifetime_seconds;
  std::optional<uint32_t> calls_per_minute;
  std::optional<uint64_t> max_request_bytes;
};

// The token, which is nowhere else from now on.  kConflict when there is one of this name, kInvalidArgument for a name
// that is not 1 to 64 letters, digits, '-', '_', '.' and '@', or is one of Chronos's own.
Result<std::string> create_token(Disk& disk, const std::string& directory, Clock& clock, Random& random,
                                 const NewToken& wanted);
// kNotFound when there is none of this name.
Result<void> revoke_token(Disk& disk, const std::string& directory, std::string_view name);

}  // namespace chronos
