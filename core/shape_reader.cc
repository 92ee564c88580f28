#include "core/shape_reader.h"

#include <algorithm>

#include "core/json_shape.h"
#include "core/short_copy.h"

namespace chronos {

void ShapeReader::add_places(std::string_view text) {
  size_t begin = 0;
  for (size_t at = 0; at < text.size(); at++) {
    if (!ShapeTable::is_place(text[at])) continue;
    places_.push_back({text.substr(begin, at - begin), 0, 0});
    begin = at + 1;
  }
  shapes_.back().after = text.substr(begin);
}

bool ShapeReader::read_shape(ByteReader& from) {
  const std::string_view text = from.text();
  const auto first_place = static_cast<uint32_t>(places_.size());
  shapes_.push_back({first_place, 0, {}, text.size()});
  add_places(text);
  Shape& shape = shapes_.back();
  shape.places = static_cast<uint32_t>(places_.size()) - first_place;
  for (uint32_t i = 0; i < shape.places; i++) {
    Place& place = places_[first_place + i];
    const uint64_t values = from.number();
    if (from.bad() || values > ShapeTable::kMostValues) return false;
    place.first_value = static_cast<uint32_t>(values_.size());
    place.values = static_cast<uint32_t>(values);
    size_t longest = 0;
    for (uint64_t k = 0; k < values; k++) {
      values_.push_back(from.text());
      longest = std::max(longest, values_.back().size());
    }
    shape.most += longest;
  }
  return !from.bad();
}

bool ShapeReader::read(ByteReader& from) {
  bytes_ = from.rest();  // how many of them are the table's is known behind it
  ByteReader table(bytes_);
  const uint64_t shapes = table.number();
  if (shapes > ShapeTable::kMostShapes) return false;
  for (uint64_t i = 0; i < shapes; i++) {
    if (!read_shape(table)) return false;
  }
  from.bytes(bytes_.size() - table.rest().size());
  return !table.bad();
}

template <typename Put>
bool ShapeReader::walk(ByteReader& from, const Shape& shape, Put put) const {
  const Place* const end = places_.data() + shape.first_place + shape.places;
  for (const Place* place = end - shape.places; place < end; place++) {
    put(place->before);
    const uint32_t code = place->values == 0 ? 0 : from.byte();
    if (code > place->values) return false;
    put(code == 0 ? from.text() : values_[place->first_value + code - 1]);
  }
  put(shape.after);
  return !from.bad();
}

bool ShapeReader::decode(ByteReader& from, std::string& to) const {
  const uint64_t number = from.number();
  if (number == 0) {
    to += from.text();
    return !from.bad();
  }
  if (number > shapes_.size()) return false;
  const Shape& shape = shapes_[number - 1];
  const size_t begin = to.size();
  to.resize(begin + shape.most + from.rest().size());
  char* at = to.data() + begin;
  const bool is_good = walk(from, shape, [&at](std::string_view part) {
    copy_short(at, part);
    at += part.size();
  });
  to.resize(static_cast<size_t>(at - to.data()));
  return is_good;
}

bool ShapeReader::skip(ByteReader& from) const {
  const uint64_t number = from.number();
  if (number == 0) {
    from.text();
    return !from.bad();
  }
  return number <= shapes_.size() && walk(from, shapes_[number - 1], [](std::string_view) {});
}

}  // namespace chronos
