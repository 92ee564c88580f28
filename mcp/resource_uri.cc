#include "mcp/resource_uri.h"

#include <simdjson.h>

#include <charconv>

namespace chronos {
namespace {

constexpr uint64_t kMostPosition = (uint64_t{1} << 53) - 1;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// One part, decoded: not empty, UTF-8, no control characters, and no '/' that was not encoded.
std::optional<std::string> decode(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); i++) {
    char c = text[i];
    if (c == '/' || c == '?' || c == '#') return std::nullopt;
    if (c == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high << 4 | low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return std::nullopt;
    bytes += c;
  }
  if (bytes.empty() || !simdjson::validate_utf8(bytes)) return std::nullopt;
  return bytes;
}

std::optional<uint64_t> decode_position(std::string_view text) {
  uint64_t number = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || wrong != std::errc() || end != text.data() + text.size() || number > kMostPosition) {
    return std::nullopt;
  }
  return number;
}

// Takes `prefix` off the front; false when it is not there.
bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::optional<ResourceUri> parse_guide(std::string_view topic) {
  const std::optional<std::string> name = decode(topic);
  if (!name) return std::nullopt;
  return ResourceUri{ResourceUri::Kind::kGuide, "", std::nullopt, *name};
}

std::optional<ResourceUri> parse_event(std::string_view fork, std::string_view rest) {
  const std::optional<std::string> name = decode(fork);
  const std::optional<uint64_t> position = decode_position(rest);
  if (!name || !position || *position == 0) return std::nullopt;
  return ResourceUri{ResourceUri::Kind::kEvent, *name, position, ""};
}

std::optional<ResourceUri> parse_stream(std::string_view address, std::string_view rest) {
  ResourceUri uri;
  const size_t at = address.find('@');
  if (at != address.npos) {
    uri.position = decode_position(address.substr(at + 1));
    if (!uri.position) return std::nullopt;
  }
  const std::optional<std::string> fork = decode(address.substr(0, at));
  const std::optional<std::string> name = decode(rest);
  if (!fork || !name) return std::nullopt;
  uri.fork = *fork;
  uri.name = *name;
  return uri;
}

}  // namespace

std::optional<ResourceUri> parse_resource_uri(std::string_view uri) {
  if (take(uri, "guide://")) return parse_guide(uri);
  if (!take(uri, "chronos://")) return std::nullopt;
  const size_t slash = uri.find('/');
  if (slash == uri.npos) return std::nullopt;
  const std::string_view address = uri.substr(0, slash);
  std::string_view rest = uri.substr(slash);
  if (take(rest, "/streams/")) return parse_stream(address, rest);
  if (take(rest, "/events/")) return parse_event(address, rest);
  return std::nullopt;
}

}  // namespace chronos
