// Steps through JSON that has been checked, and compares values in it.
//
// Nothing is parsed into anything: keys and values are slices of the text.  The rule: only checked text comes in
// (a ValidJson, with readable bytes behind it), so a step never looks for mistakes.
#pragma once

#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/valid_json.h"

namespace chronos {

// A place in a text: before a value, or inside an array or object.  One thread.
class JsonWalk {
 public:
  explicit JsonWalk(ValidJson json) : at_(json.text().data()), end_(at_ + json.text().size()) { skip_space(); }

  // The first character of the value ahead, which tells its kind.  Requires: a value is ahead.
  char peek() const { return *at_; }

  // Takes the value ahead, whole.
  std::string_view take() {
    const char* begin = at_;
    switch (*at_) {
      case '"': skip_string(); break;
      case '{':
      case '[': skip_container(); break;
      default: skip_plain();
    }
    return {begin, static_cast<size_t>(at_ - begin)};
  }

  // How many arrays and objects the array or object taken last has in it, itself included: its depth or more.
  size_t containers_taken() const { return containers_taken_; }

  // Steps into the array or object ahead; then, until it says false, next_member() or next_element() leads to the
  // value of each member or element, which must be taken (or entered and left) before the next one.
  void enter() { at_++; }
  bool next_member(std::string_view& key) {
    if (!next_element()) return false;
    const char* begin = at_;
    skip_string();
    key = {begin, static_cast<size_t>(at_ - begin)};
    skip_space();
    at_++;  // the colon
    skip_space();
    return true;
  }
  bool next_element() {
    skip_space();
    if (*at_ == ',') {
      at_++;
      skip_space();
    }
    if (*at_ != '}' && *at_ != ']') return true;
    at_++;
    return false;
  }

 private:
  void skip_space() {
    while (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r') at_++;
  }
  void skip_string();
  void skip_container();
  void skip_plain();  // a number or a literal

  const char* at_;
  const char* end_;  // needed only where a number is the whole text
  size_t containers_taken_ = 0;
};

// Passes over the array or object that begins at `at`: what take() does on processors without wider steps, here to be
// tested on others.
struct SkippedContainer {
  const char* end;
  size_t containers;  // in it, itself included
};
SkippedContainer skip_container_plainly(const char* at);

// Numbers by their exact value, strings by their characters, arrays in order, objects without; of duplicate keys
// the last counts.
bool json_equal(std::string_view left, std::string_view right);

// The order of two number tokens by their exact value, whatever their length: 1 = 1.0 = 10e-1.
std::strong_ordering compare_json_numbers(std::string_view left, std::string_view right);

// Whether the token is a string without escapes: then its value is what lies between the quotes.
inline bool is_plain_string(std::string_view token) { return std::memchr(token.data(), '\\', token.size()) == nullptr; }

inline void JsonWalk::skip_string() {
  // Eight bytes at a time up to a quote or a backslash (the zero-byte trick; exact for the lowest one found).
  constexpr uint64_t kOnes = ~uint64_t{0} / 255;
  constexpr uint64_t kHighs = kOnes << 7;
  at_++;
  for (;;) {
    uint64_t word;
    std::memcpy(&word, at_, 8);
    const uint64_t quote = word ^ kOnes * '"';
    const uint64_t backslash = word ^ kOnes * '\\';
    const uint64_t found = (((quote - kOnes) & ~quote) | ((backslash - kOnes) & ~backslash)) & kHighs;
    if (found == 0) {
      at_ += 8;
      continue;
    }
    at_ += std::countr_zero(found) / 8;
    if (*at_++ == '"') return;
    at_++;  // what the backslash escapes
  }
}

}  // namespace chronos
