#include "mcp/http_session_id.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <iterator>
#include <utility>

#include "core/log_format.h"
#include "mcp/revision.h"

namespace chronos {
namespace {

constexpr std::string_view kFileName = "http.key";
constexpr std::string_view kMagic{"CHRONKEY", 8};
constexpr size_t kFileBytes = 48;  // magic, key, checksum
constexpr size_t kSignatureBytes = 16;
constexpr char kVersionOfIds = '1';

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string random_bytes(size_t count, Random& random) {
  std::string bytes;
  while (bytes.size() < count) {
    const uint64_t next = random.next();
    bytes.append(reinterpret_cast<const char*>(&next), sizeof next);
  }
  bytes.resize(count);
  return bytes;
}

// The text up to the next '.', which is taken off; nullopt when there is none.
std::optional<std::string_view> take_field(std::string_view& rest) {
  const size_t dot = rest.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view field = rest.substr(0, dot);
  rest.remove_prefix(dot + 1);
  return field;
}

template <typename Number>
bool parse(std::string_view text, Number* number) {
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, *number, 16);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

Result<std::string> read_key(Disk& disk, const std::string& path) {
  auto file = disk.open(path, OpenMode::kRead);
  if (!file) return file.error();
  std::array<char, kFileBytes> bytes;
  const auto got = (*file)->read(0, bytes.data(), bytes.size());
  if (!got) return got.error();
  uint64_t checksum = 0;
  const std::string_view signed_part(bytes.data(), kFileBytes - sizeof checksum);
  std::memcpy(&checksum, bytes.data() + signed_part.size(), sizeof checksum);
  if (*got != kFileBytes || !signed_part.starts_with(kMagic) || checksum != hash_bytes(signed_part)) {
    return Error{Code::kCorrupt, path + " is damaged: remove it, and sessions of clients begin anew", ""};
  }
  return std::string(signed_part.substr(kMagic.size()));
}

}  // namespace

std::string SessionIds::signature(std::string_view text, std::string_view principal) const {
  std::string message(text);
  message.append(1, '\0').append(principal);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  ::HMAC(::EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
         reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest.data(), &size);
  return hex({reinterpret_cast<const char*>(digest.data()), kSignatureBytes});
}

std::string SessionIds::make(const SessionFacts& facts, std::string_view principal, Random& random) const {
  const auto* const known = std::find(std::begin(kLegacyVersions), std::end(kLegacyVersions), facts.version);
  CHECK(known != std::end(kLegacyVersions));
  std::array<char, 24> numbers;
  char* end = numbers.data();
  // Counted from the oldest, so that new revisions do not change what an id says.
  end = std::to_chars(end, numbers.data() + numbers.size(), std::end(kLegacyVersions) - known, 16).ptr;
  *end++ = '.';
  end = std::to_chars(end, numbers.data() + numbers.size(), facts.capabilities, 16).ptr;
  std::string text(1, kVersionOfIds);
  text.append(".").append(numbers.data(), end).append(".").append(hex(random_bytes(16, random)));
  return text + "." + signature(text, principal);
}

std::optional<SessionFacts> SessionIds::read(std::string_view id, std::string_view principal) const {
  constexpr size_t kLongest = 128;
  const size_t last = id.rfind('.');
  if (id.size() > kLongest || last == std::string_view::npos) return std::nullopt;
  const std::string expected = signature(id.substr(0, last), principal);
  const std::string_view given = id.substr(last + 1);
  if (given.size() != expected.size() || ::CRYPTO_memcmp(given.data(), expected.data(), expected.size()) != 0) {
    return std::nullopt;
  }
  // From here on it is what make() wrote, now or in another version of Chronos.
  std::string_view rest = id;
  const auto kind = take_field(rest);
  const auto version = take_field(rest);
  const auto capabilities = take_field(rest);
  size_t from_the_oldest = 0;
  SessionFacts facts;
  if (!kind || !version || !capabilities || *kind != std::string_view(&kVersionOfIds, 1)) return std::nullopt;
  if (!parse(*version, &from_the_oldest) || !parse(*capabilities, &facts.capabilities)) return std::nullopt;
  if (from_the_oldest == 0 || from_the_oldest > std::size(kLegacyVersions)) return std::nullopt;
  facts.version = *(std::end(kLegacyVersions) - from_the_oldest);
  return facts;
}

std::string random_session_key(Random& random) { return random_bytes(SessionIds::kKeyBytes, random); }

// Written under a name of its own first: another process never reads half a key, and the first one written counts.
Result<std::string> session_key_of(Disk& disk, const std::string& directory, Random& random) {
  const std::string path = directory + "/" + std::string(kFileName);
  auto key = read_key(disk, path);
  if (key || key.error().code != Code::kNotFound) return key;
  const std::string draft = path + "." + hex(random_bytes(8, random));
  std::string bytes(kMagic);
  bytes += random_session_key(random);
  const uint64_t checksum = hash_bytes(bytes);
  bytes.append(reinterpret_cast<const char*>(&checksum), sizeof checksum);
  {
    auto file = disk.open(draft, OpenMode::kCreate);
    if (!file) return file.error();
    const std::string_view part = bytes;
    if (auto written = (*file)->write(0, {&part, 1}); !written) return written.error();
    if (auto synced = (*file)->sync(); !synced) return synced.error();
  }
  const auto linked = disk.link(draft, path);
  if (linked && !*linked) {  // a file has one name here
    if (auto renamed = disk.rename(draft, path); !renamed) return renamed.error();
  } else if (auto removed = disk.remove(draft); !removed) {
    return removed.error();
  }
  return read_key(disk, path);  // ours, or that of who was faster
}

}  // namespace chronos
