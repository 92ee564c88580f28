// EXPIRY.STATE.SIGNATURE: microseconds in decimal, then hexadecimal digits.  The signature is HMAC-SHA-256 over all
// that comes before it, a line end, and what the request is.
#include "mcp/request_state.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <charconv>
#include <cstring>

#include "core/check.h"

namespace chronos {
namespace {

constexpr int64_t kLifetimeUs = int64_t{3600} * 1'000'000;
constexpr size_t kMostBytes = size_t{64} << 10;
constexpr std::string_view kDigits = "0123456789abcdef";

std::string to_hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

// "" for what is not hexadecimal.
std::string from_hex(std::string_view text) {
  std::string bytes;
  if (text.size() % 2 != 0) return bytes;
  for (size_t i = 0; i < text.size(); i += 2) {
    const size_t high = kDigits.find(text[i]);
    const size_t low = kDigits.find(text[i + 1]);
    if (high == kDigits.npos || low == kDigits.npos) return {};
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

Error refused() {
  return Error{Code::kInvalidArgument,
               "params.requestState is not one that this request was given, or it is too old. Send the request again "
               "without it.",
               ""};
}

}  // namespace

RequestState::RequestState(Clock& clock, Random& random) : clock_(clock) {
  for (int i = 0; i < 4; i++) {
    const uint64_t bits = random.next();
    key_.append(reinterpret_cast<const char*>(&bits), sizeof bits);
  }
}

std::string RequestState::sign(std::string_view request, std::string_view text) const {
  const std::string signed_text = std::string(text) + "\n" + std::string(request);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  const unsigned char* made = ::HMAC(::EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
                                     reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size(),
                                     digest, &size);
  CHECK(made != nullptr);
  return to_hex({reinterpret_cast<const char*>(digest), size});
}

std::string RequestState::seal(std::string_view request, std::string_view state) const {
  const std::string text = std::to_string(clock_.now().value + kLifetimeUs) + "." + to_hex(state);
  return text + "." + sign(request, text);
}

Result<std::string> RequestState::open(std::string_view request, std::string_view sealed) const {
  const size_t end = sealed.rfind('.');
  if (end == sealed.npos || sealed.size() > kMostBytes) return refused();
  const std::string_view text = sealed.substr(0, end);
  const std::string_view given = sealed.substr(end + 1);
  const std::string expected = sign(request, text);
  if (given.size() != expected.size() || ::CRYPTO_memcmp(given.data(), expected.data(), expected.size()) != 0) {
    return refused();
  }
  const size_t dot = text.find('.');
  int64_t expiry = 0;
  if (dot == text.npos || std::from_chars(text.data(), text.data() + dot, expiry).ec != std::errc()) return refused();
  if (clock_.now().value > expiry) return refused();
  return from_hex(text.substr(dot + 1));
}

}  // namespace chronos
