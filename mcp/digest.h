// SHA-256 and comparison that tells nothing by the time it takes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chronos {

using Sha256 = std::array<uint8_t, 32>;

Sha256 sha256(std::string_view bytes);
// Takes the same time wherever they differ.
bool equal_in_constant_time(const Sha256& left, const Sha256& right);

std::string hex_of(const Sha256& digest);
// nullopt unless it is 64 lower-case digits.
std::optional<Sha256> digest_of_hex(std::string_view hex);

// Without padding (RFC 4648, section 5).
std::string base64url(std::string_view bytes);
// nullopt for anything that base64url() does not write: padding, other characters, stray bits at the end.
std::optional<std::string> read_base64url(std::string_view text);

}  // namespace chronos
