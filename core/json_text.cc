// The small things done to JSON text once it is known to be valid.
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "core/valid_json.h"

namespace chronos {
namespace {

uint32_t hex4(const char* digits) {
  uint32_t value = 0;
  for (int i = 0; i < 4; i++) {
    const char c = digits[i];
    value = value * 16 + static_cast<uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return value;
}

void append_utf8(std::string& to, uint32_t point) {
  const auto byte = [&](uint32_t bits) { to.push_back(static_cast<char>(bits)); };
  if (point < 0x80) return byte(point);
  if (point < 0x800) {
    byte(0xc0 | point >> 6);
  } else {
    if (point < 0x10000) {
      byte(0xe0 | point >> 12);
    } else {
      byte(0xf0 | point >> 18);
      byte(0x80 | (point >> 12 & 0x3f));
    }
    byte(0x80 | (point >> 6 & 0x3f));
  }
  byte(0x80 | (point & 0x3f));
}

// Appends what the escape at `at` (its backslash) stands for, and returns what follows it.
const char* append_unescaped(std::string& to, const char* at) {
  switch (at[1]) {
    case 'b': to.push_back('\b'); break;
    case 'f': to.push_back('\f'); break;
    case 'n': to.push_back('\n'); break;
    case 'r': to.push_back('\r'); break;
    case 't': to.push_back('\t'); break;
    case 'u': {
      const uint32_t unit = hex4(at + 2);
      if (unit < 0xd800 || unit >= 0xdc00) {
        append_utf8(to, unit);
        return at + 6;
      }
      append_utf8(to, 0x10000 + ((unit - 0xd800) << 10) + (hex4(at + 8) - 0xdc00));
      return at + 12;
    }
    default: to.push_back(at[1]);  // quote, backslash, slash
  }
  return at + 2;
}

// How many bytes from `at` on go into a JSON string as they are; eight at a time.
size_t plain_run(const char* at, size_t size) {
  constexpr uint64_t kOnes = ~uint64_t{0} / 255;
  constexpr uint64_t kHighs = kOnes << 7;
  const auto zero_bytes = [](uint64_t word) { return (word - kOnes) & ~word & kHighs; };
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t word;
    std::memcpy(&word, at + i, 8);
    const uint64_t control = (word - kOnes * 0x20) & ~word & kHighs;
    if ((control | zero_bytes(word ^ kOnes * '"') | zero_bytes(word ^ kOnes * '\\')) != 0) break;
  }
  while (i < size && static_cast<unsigned char>(at[i]) >= 0x20 && at[i] != '"' && at[i] != '\\') i++;
  return i;
}

void append_escaped(std::string& to, char c) {
  static constexpr std::string_view kShort = "\"\"\\\\\bb\ff\nn\rr\tt";  // character, letter, character, letter ...
  for (size_t i = 0; i < kShort.size(); i += 2) {
    if (kShort[i] != c) continue;
    to.push_back('\\');
    to.push_back(kShort[i + 1]);
    return;
  }
  static constexpr char kHex[] = "0123456789abcdef";
  to += "\\u00";
  to.push_back(kHex[c >> 4]);
  to.push_back(kHex[c & 15]);
}

}  // namespace

size_t json_depth(ValidJson json) {
  size_t depth = 0;
  size_t deepest = 0;
  bool in_string = false;
  const std::string_view text = json.text();
  for (size_t i = 0; i < text.size(); i++) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') i++;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}' || c == ']') {
      depth--;
    }
  }
  return deepest;
}

std::string unescape_json(std::string_view token) {
  const char* at = token.data() + 1;
  const char* end = token.data() + token.size() - 1;
  std::string value;
  value.reserve(token.size() - 2);
  while (at < end) {
    const void* escape = std::memchr(at, '\\', static_cast<size_t>(end - at));
    const char* plain_end = escape == nullptr ? end : static_cast<const char*>(escape);
    value.append(at, plain_end);
    at = plain_end == end ? end : append_unescaped(value, plain_end);
  }
  return value;
}

void append_json_string(std::string& to, std::string_view text) {
  to.push_back('"');
  while (!text.empty()) {
    const size_t plain = plain_run(text.data(), text.size());
    to.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    append_escaped(to, text.front());
    text.remove_prefix(1);
  }
  to.push_back('"');
}

}  // namespace chronos
