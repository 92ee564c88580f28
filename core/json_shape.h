// The shapes of JSON texts: what many events have in common, keys and punctuation, apart from their values.
//
// A shape is a text with its values taken out, strings without their quotes, everything else whole.  Put back, they
// give the text, byte for byte.  For each place of a shape the table also knows the values that come often.  So a text
// of a known shape becomes a few bytes: which shape, and for each place which known value, or the bytes of another.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/log_format.h"
#include "core/varint.h"

namespace chronos {

// A text taken apart.  The values lie in the text.
struct ShapedText {
  std::string shape;  // \1 for what was in a string, \2 for another value
  std::vector<std::string_view> values;
};
// Requires: checked JSON.  Reuses what `to` holds.
void take_apart(std::string_view json, ShapedText& to);

class ShapeTable {
 public:
  ShapeTable() = default;
  ShapeTable(const ShapeTable&) = delete;
  ShapeTable& operator=(const ShapeTable&) = delete;

  // --- making one; one thread ---
  // Learns from texts like those to come.
  void learn(const ShapedText& text);
  // Keeps the shapes and values that come often; what was learned is used up.
  void settle();
  void encode(const ShapedText& text, std::string_view whole, std::string& to) const;
  // All of it, for a reader.
  std::string to_bytes() const;

  // --- reading; any thread ---
  // False when the bytes are not what to_bytes wrote.
  bool read(ByteReader& from);
  // Takes one encoded text and appends the JSON it stands for.  False when it is not one.
  bool decode(ByteReader& from, std::string& to) const;
  // Takes one and does nothing with it.
  bool skip(ByteReader& from) const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return hash_bytes(text); }
  };
  using Numbers = std::unordered_map<std::string, uint32_t, Hash, std::equal_to<>>;
  struct Place {
    std::vector<std::string> values;  // the n-th has code n + 1; 0 is any other, which follows
    Numbers codes;
    Numbers seen;  // while learning
  };
  struct Shape {
    std::string text;
    std::vector<std::string_view> between;  // what is before each place, and after the last
    std::vector<Place> places;
    uint64_t seen = 0;
  };
  static void cut(Shape& shape);
  template <typename Put>
  bool walk(ByteReader& from, Put put) const;

  std::vector<Shape> shapes_;  // the n-th has number n + 1; 0 is a text that follows whole
  Numbers numbers_;
};

}  // namespace chronos
