#include "core/json_shape.h"

#include <algorithm>
#include <bit>
#include <utility>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace chronos {
namespace {

constexpr char kString = '\1';
constexpr char kOther = '\2';
// A shape that fewer texts have costs more than it saves; so does a value.
constexpr uint64_t kLeastShape = 4;
constexpr uint32_t kLeastValue = 8;
constexpr size_t kMostLearned = 65'536;  // different ones: a store where each text has its own shape learns nothing
constexpr size_t kLongestValue = 128;

size_t end_of_string(std::string_view json, size_t quote) {
  size_t at = quote + 1;
  for (;;) {
#ifdef __SSE2__
    while (at + sizeof(__m128i) <= json.size()) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(json.data() + at));
      const __m128i ends = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
      const __m128i escapes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
      const auto found = static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(ends, escapes)));
      at += found == 0 ? sizeof(__m128i) : static_cast<size_t>(std::countr_zero(found));
      if (found != 0) break;
    }
#endif
    if (json[at] == '"') return at;
    at += json[at] == '\\' ? 2 : 1;
  }
}

bool is_key(std::string_view json, size_t after) {
  while (after < json.size() && (json[after] == ' ' || (json[after] >= '\t' && json[after] <= '\r'))) after++;
  return after < json.size() && json[after] == ':';
}

}  // namespace

void take_apart(std::string_view json, ShapedText& to) {
  to.shape.clear();
  to.values.clear();
  size_t kept = 0;  // everything before it is in the shape or a value
  const auto take = [&](size_t begin, size_t end, char mark) {
    to.shape.append(json, kept, begin - kept);
    to.shape += mark;
    to.values.push_back(json.substr(begin, end - begin));
    kept = end;
  };
  for (size_t at = 0; at < json.size(); at++) {
    const char c = json[at];
    if (c == '"') {
      const size_t end = end_of_string(json, at);
      if (!is_key(json, end + 1)) take(at + 1, end, kString);
      at = end;
    } else if ((c >= '0' && c <= '9') || c == '-' || (c >= 'a' && c <= 'z')) {
      size_t end = at + 1;
      while (end < json.size() && json[end] > ' ' && json[end] != ',' && json[end] != '}' && json[end] != ']') end++;
      take(at, end, kOther);
      at = end - 1;
    }
  }
  to.shape.append(json, kept);
}

void ShapeTable::learn(const ShapedText& text) {
  const auto found = numbers_.find(text.shape);
  if (found == numbers_.end() && shapes_.size() >= kMostLearned) return;
  if (found == numbers_.end()) {
    numbers_.emplace(text.shape, static_cast<uint32_t>(shapes_.size() + 1));
    shapes_.emplace_back();
    shapes_.back().places.resize(text.values.size());
  }
  Shape& shape = shapes_[found == numbers_.end() ? shapes_.size() - 1 : found->second - 1];
  shape.seen++;
  for (size_t i = 0; i < text.values.size(); i++) {
    auto& seen = shape.places[i].seen;
    // The values of a place are few, or so many that they are not worth counting.
    if (text.values[i].size() > kLongestValue || seen.size() > 4 * kMostValues) continue;
    const auto known = seen.find(text.values[i]);
    if (known != seen.end()) {
      known->second++;
    } else {
      seen.emplace(text.values[i], 1);
    }
  }
}

void ShapeTable::settle() {
  std::vector<std::pair<uint64_t, const std::string*>> order;
  for (const auto& [text, number] : numbers_) {
    if (shapes_[number - 1].seen >= kLeastShape) order.emplace_back(shapes_[number - 1].seen, &text);
  }
  // The same table for the same texts, in whatever order a map has them.
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : *a.second < *b.second;
  });
  if (order.size() > kMostShapes) order.resize(kMostShapes);
  std::vector<Shape> kept(order.size());
  Numbers numbers;
  for (size_t i = 0; i < order.size(); i++) {
    Shape& learned = shapes_[numbers_.at(*order[i].second) - 1];
    kept[i].text = *order[i].second;
    kept[i].places.resize(learned.places.size());
    for (size_t k = 0; k < kept[i].places.size(); k++) {
      std::vector<std::pair<uint32_t, std::string>> values;
      for (const auto& [value, times] : learned.places[k].seen) {
        if (times >= kLeastValue) values.emplace_back(times, value);
      }
      std::sort(values.begin(), values.end(), [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first > b.first : a.second < b.second;
      });
      if (values.size() > kMostValues) values.resize(kMostValues);
      Place& place = kept[i].places[k];
      for (auto& [times, value] : values) {
        place.codes.emplace(value, static_cast<uint32_t>(place.values.size() + 1));
        place.values.push_back(std::move(value));
      }
    }
    numbers.emplace(kept[i].text, static_cast<uint32_t>(i + 1));
  }
  shapes_ = std::move(kept);
  numbers_ = std::move(numbers);
}

void ShapeTable::encode(const ShapedText& text, std::string_view whole, std::string& to) const {
  const auto found = numbers_.find(text.shape);
  if (found == numbers_.end()) {
    put_varint(to, 0);
    put_varint(to, whole.size());
    to += whole;
    return;
  }
  put_varint(to, found->second);
  const Shape& shape = shapes_[found->second - 1];
  for (size_t i = 0; i < text.values.size(); i++) {
    const std::string_view value = text.values[i];
    const Place& place = shape.places[i];
    if (!place.values.empty()) {
      const auto code = value.size() > kLongestValue ? place.codes.end() : place.codes.find(value);
      to += static_cast<char>(code == place.codes.end() ? 0 : code->second);
      if (code != place.codes.end()) continue;
    }
    put_varint(to, value.size());
    to += value;
  }
}

std::string ShapeTable::to_bytes() const {
  std::string bytes;
  const auto put_text = [&bytes](std::string_view text) {
    put_varint(bytes, text.size());
    bytes += text;
  };
  put_varint(bytes, shapes_.size());
  for (const Shape& shape : shapes_) {
    put_text(shape.text);
    for (const Place& place : shape.places) {
      put_varint(bytes, place.values.size());
      for (const std::string& value : place.values) put_text(value);
    }
  }
  return bytes;
}

bool ShapeTable::read(ByteReader& from) {
  const uint64_t shapes = from.number();
  if (shapes > kMostShapes) return false;
  shapes_.resize(shapes);
  for (Shape& shape : shapes_) {
    shape.text = from.text();
    numbers_.emplace(shape.text, static_cast<uint32_t>(numbers_.size() + 1));
    shape.places.resize(static_cast<size_t>(std::count_if(shape.text.begin(), shape.text.end(), is_place)));
    for (Place& place : shape.places) {
      const uint64_t values = from.number();
      if (from.bad() || values > kMostValues) return false;
      for (uint64_t i = 0; i < values; i++) {
        place.values.emplace_back(from.text());
        place.codes.emplace(place.values.back(), static_cast<uint32_t>(i + 1));
      }
    }
  }
  // Each shape is there once.
  return !from.bad() && numbers_.size() == shapes_.size();
}

}  // namespace chronos
