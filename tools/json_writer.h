// Writes compact JSON to the end of a string, value by value, and puts the commas.
//
// Nothing is ever written as null: a member that has no value is left out.  Keys are written as given, so they must
// need no escaping.  Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace chronos {

class JsonWriter {
 public:
  // Requires: `to` outlives the writer, and nobody else appends to it but through next().
  explicit JsonWriter(std::string& to) : to_(to), start_(to.size()) {}

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);

  // Requires: valid UTF-8.
  JsonWriter& string(std::string_view value);
  JsonWriter& integer(uint64_t value);
  JsonWriter& boolean(bool value);
  // The shortest text that reads back as the same float.
  JsonWriter& number(float value);
  // Stored JSON, byte by byte; only line breaks between tokens become spaces, since an answer is one line.
  JsonWriter& raw(std::string_view json);

  // The text, with a comma where one is needed: exactly one value must be appended to it.
  std::string& next();
  // How much was written so far.
  size_t size() const { return to_.size() - start_; }

 private:
  JsonWriter& open(char bracket) {
    next() += bracket;
    return *this;
  }
  JsonWriter& close(char bracket) {
    to_ += bracket;
    return *this;
  }
  std::string& to_;
  size_t start_;
};

}  // namespace chronos
