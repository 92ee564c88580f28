// The shapes of JSON texts: what many events have in common, keys and punctuation, apart from their values.
//
// A shape is a text with its values taken out, strings without their quotes, everything else whole.  Put back, they
// give the text, byte for byte (core/shape_reader.h).  For each place of a shape the table also knows the values that
// come often.  So a text of a known shape becomes a few bytes: which shape, and for each place which known value, or
// the bytes of another.
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

// One thread.
class ShapeTable {
 public:
  // What a table has at most.
  static constexpr size_t kMostShapes = 4096;
  static constexpr size_t kMostValues = 250;  // of a place: a code is a byte

  ShapeTable() = default;
  ShapeTable(const ShapeTable&) = delete;
  ShapeTable& operator=(const ShapeTable&) = delete;

  // Learns from texts like those to come.
  void learn(const ShapedText& text);
  // Keeps the shapes and values that come often; what was learned is used up.
  void settle();
  void encode(const ShapedText& text, std::string_view whole, std::string& to) const;
  // All of it, for a reader.
  std::string to_bytes() const;
  // Takes what to_bytes() wrote, to encode more texts.  False when it is not that.  Once, and instead of learning.
  bool read(ByteReader& from);
  // Whether it stands for a value in a shape.
  static constexpr bool is_place(char c) { return c == '\1' || c == '\2'; }

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
    std::vector<Place> places;
    uint64_t seen = 0;
  };

  std::vector<Shape> shapes_;  // the n-th has number n + 1; 0 is a text that follows whole
  Numbers numbers_;
};

}  // namespace chronos
