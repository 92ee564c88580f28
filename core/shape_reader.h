// Puts JSON texts back together that were taken apart by shapes (core/json_shape.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/varint.h"

namespace chronos {

// Any thread, once it was read.
class ShapeReader {
 public:
  ShapeReader() = default;
  ShapeReader(const ShapeReader&) = delete;
  ShapeReader& operator=(const ShapeReader&) = delete;

  // Takes what ShapeTable::to_bytes() wrote, and keeps a copy of it and what lies behind.  False when it is not that.
  // Once.
  bool read(ByteReader& from);
  // Takes one encoded text and appends the JSON it stands for.  False when it is not one: then what was appended means
  // nothing.
  bool decode(ByteReader& from, std::string& to) const;
  // Takes one and does nothing with it.
  bool skip(ByteReader& from) const;

 private:
  // Flat, and without what making a table needs: a text is put together from some thirty pieces, each of which should
  // cost a few instructions and hardly ever a fetch from memory.
  struct Place {
    std::string_view before;  // of the shape
    uint32_t first_value;     // in values_: those that have a code
    uint32_t values;
  };
  struct Shape {
    uint32_t first_place;  // in places_
    uint32_t places;
    std::string_view after;  // the last place
    size_t most;             // bytes that it and known values can come to
  };
  bool read_shape(ByteReader& from);
  void add_places(std::string_view text);
  template <typename Put>
  bool walk(ByteReader& from, const Shape& shape, Put put) const;

  std::string bytes_;  // which the views are of
  std::vector<Shape> shapes_;
  std::vector<Place> places_;
  std::vector<std::string_view> values_;
};

}  // namespace chronos
