#include "tools/json_writer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/valid_json.h"

namespace chronos {

// A comma is due after anything but an opening bracket or a colon: the text itself is all the state there is.
std::string& JsonWriter::next() {
  if (to_.size() > start_) {
    const char last = to_.back();
    if (last != '{' && last != '[' && last != ':') to_ += ',';
  }
  return to_;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  next() += '"';
  to_ += name;
  to_ += "\":";
  return *this;
}

JsonWriter& JsonWriter::string(std::string_view value) {
  append_json_string(next(), value);
  return *this;
}

JsonWriter& JsonWriter::integer(uint64_t value) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  next().append(digits.data(), end.ptr);
  return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
  next() += value ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::number(float value) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  next().append(digits.data(), end.ptr);
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  const size_t from = next().size();
  to_ += json;
  // Inside strings a line break is always escaped, so these can only stand between tokens.
  std::replace_if(
      to_.begin() + static_cast<std::ptrdiff_t>(from), to_.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return *this;
}

}  // namespace chronos
