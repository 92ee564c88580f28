#include "mcp/principal_text.h"

#include <cstring>

#include "mcp/frame_stream.h"

namespace chronos {
namespace {

void put(std::string& text, std::string_view part) {
  const auto size = static_cast<uint32_t>(part.size());
  char bytes[sizeof size];
  std::memcpy(bytes, &size, sizeof size);
  text.append(bytes, sizeof bytes).append(part);
}

}  // namespace

// The role's number, then where it may append ("f": to forks only), then strings: the name, the prefixes.
std::string principal_text(const Principal& principal) {
  std::string text;
  text += static_cast<char>('0' + static_cast<int>(principal.role));
  text += principal.forks_only ? 'f' : '-';
  put(text, principal.name);
  for (const std::string& prefix : principal.streams) put(text, prefix);
  return text;
}

std::optional<Principal> read_principal(std::string_view text) {
  if (text.size() < 2 || text[0] < '0' || text[0] > '3' || (text[1] != 'f' && text[1] != '-')) return std::nullopt;
  Principal principal;
  principal.role = static_cast<Role>(text[0] - '0');
  principal.forks_only = text[1] == 'f';
  PayloadReader strings(text.substr(2));
  const auto name = strings.next();
  if (!name) return std::nullopt;
  principal.name = *name;
  while (!strings.at_end()) {
    const auto prefix = strings.next();
    if (!prefix) return std::nullopt;
    principal.streams.emplace_back(*prefix);
  }
  return principal;
}

}  // namespace chronos
