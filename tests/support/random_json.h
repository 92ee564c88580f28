// Random JSON text that looks for trouble: escapes in keys and values, characters of every length, numbers of
// every form and size, duplicate keys, empty containers, odd white space.  Same seed, same text.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace chronos::testing {

// The seed of a random test: from the environment variable CHRONOS_SEED, or `otherwise`.  Print it with INFO.
inline uint64_t json_seed(uint64_t otherwise) {
  const char* given = std::getenv("CHRONOS_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 0) : otherwise;
}

struct JsonShape {
  size_t members = 5;      // at most, of one object or array
  size_t depth = 4;        // of containers within containers
  bool any_number = true;  // false: only numbers a double or a 64-bit integer holds exactly
  bool duplicate_keys = true;
  unsigned null_percent = 10;
};

class RandomJson {
 public:
  RandomJson(uint64_t seed, JsonShape shape) : random_(seed), shape_(shape) {}

  size_t below(size_t n) { return random_() % n; }
  bool percent(unsigned p) { return below(100) < p; }

  std::string object() { return object(shape_.depth); }
  std::string value() { return value(shape_.depth); }
  // A key out of few, so that patches meet; sometimes written with escapes.
  std::string key() {
    static const std::vector<std::string_view> kKeys = {"a",
                                                        "b",
                                                        "c",
                                                        "d",
                                                        "key",
                                                        "",
                                                        "a/b",
                                                        "~",
                                                        "~1",
                                                        "\\u0061",
                                                        "\\u006b\\u0065y",
                                                        "\xc3\xa9",
                                                        "\\u00e9",
                                                        "\\ud83d\\ude00",
                                                        "\xf0\x9f\x98\x80",
                                                        "\\\"",
                                                        "\\\\",
                                                        "0",
                                                        "1",
                                                        "-",
                                                        "a b",
                                                        "\\/",
                                                        "/",
                                                        "\\n"};
    return '"' + std::string(kKeys[below(kKeys.size())]) + '"';
  }
  std::string string() {
    static const std::vector<std::string_view> kPieces = {"a",
                                                          "word",
                                                          " ",
                                                          "\\\"",
                                                          "\\\\",
                                                          "\\/",
                                                          "\\b\\f\\n\\r\\t",
                                                          "\\u0000",
                                                          "\\u001F",
                                                          "\\u00e9",
                                                          "\xc3\xa9",
                                                          "\xe2\x82\xac",
                                                          "\xf0\x9f\x98\x80",
                                                          "\\uD83D\\uDE00",
                                                          "{",
                                                          "}",
                                                          "[",
                                                          "]",
                                                          ",",
                                                          ":",
                                                          "/",
                                                          "~",
                                                          "\x7f",
                                                          "0123456789abcdef"};
    std::string text = "\"";
    for (size_t n = below(6); n > 0; n--) text += kPieces[below(kPieces.size())];
    return text + '"';
  }
  std::string number() {
    static const std::vector<std::string_view> kPlain = {"0",
                                                         "-0",
                                                         "0.0",
                                                         "1",
                                                         "1.0",
                                                         "10e-1",
                                                         "1E0",
                                                         "-1",
                                                         "2",
                                                         "0.1",
                                                         "100",
                                                         "1e2",
                                                         "1.5",
                                                         "9007199254740993",
                                                         "-9223372036854775808"};
    static const std::vector<std::string_view> kOdd = {"18446744073709551615",
                                                       "18446744073709551616",
                                                       "123456789012345678901234567890",
                                                       "-9223372036854775809",
                                                       "1e-400",
                                                       "1.7976931348623157e308",
                                                       "0.30000000000000000000000000000000000000000000000004",
                                                       "5e-324"};
    if (shape_.any_number && percent(20)) return std::string(kOdd[below(kOdd.size())]);
    if (percent(50)) return std::string(kPlain[below(kPlain.size())]);
    return std::to_string(static_cast<int64_t>(below(2000)) - 1000) +
           (percent(30) ? "." + std::to_string(below(100)) : "");
  }

 private:
  std::string space() {
    static const std::vector<std::string_view> kSpaces = {"", "", "", "", " ", "  ", "\n", "\t", "\r\n"};
    return std::string(kSpaces[below(kSpaces.size())]);
  }
  std::string value(size_t depth) {
    if (percent(shape_.null_percent)) return "null";
    switch (below(depth > 0 ? 7 : 4)) {
      case 0: return "true";
      case 1: return "false";
      case 2: return number();
      case 3: return string();
      case 4: return array(depth - 1);
      default: return object(depth - 1);
    }
  }
  std::string array(size_t depth) {
    std::string text = "[" + space();
    const size_t count = below(shape_.members + 1);
    for (size_t i = 0; i < count; i++) text += (i > 0 ? "," + space() : "") + value(depth) + space();
    return text + "]";
  }
  std::string object(size_t depth) {
    std::string text = "{" + space();
    const size_t count = below(shape_.members + 1);
    const size_t first_key = below(1000);
    for (size_t i = 0; i < count; i++) {
      const std::string name = shape_.duplicate_keys ? key() : "\"k" + std::to_string(first_key + i) + "\"";
      text += (i > 0 ? "," + space() : "") + name + space() + ":" + space() + value(depth) + space();
    }
    return text + "}";
  }

  std::mt19937_64 random_;
  JsonShape shape_;
};

// A copy of a text with the readable bytes behind it that parsers want; they are set to what would mislead one.
class PaddedText {
 public:
  explicit PaddedText(std::string_view text) : size_(text.size()), bytes_(text) { bytes_.append(64, '"'); }
  std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  size_t size_;
  std::string bytes_;
};

}  // namespace chronos::testing
