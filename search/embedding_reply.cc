#include "search/embedding_reply.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>

#include "core/log.h"
#include "core/valid_json.h"
#include "search/json_fields.h"
#include "search/vector_segment.h"

namespace chronos {
namespace {

constexpr size_t kMostReason = 200;

Error wrong(const std::string& what) {
  return {Code::kUnavailable, "the embedding endpoint's reply is of no use: " + what, {}};
}

int value_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

std::optional<std::string> from_base64(std::string_view text) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  std::string bytes;
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const int value = value_of(c);
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>(bits >> held & 0xFF);
  }
  return bytes;
}

// Nothing when it is no vector.
std::optional<std::vector<float>> read_vector(std::optional<std::string_view> value) {
  std::vector<float> vector;
  if (const auto text = json_text(value)) {
    const auto bytes = from_base64(*text);
    if (!bytes || bytes->size() % sizeof(float) != 0) return std::nullopt;
    if (bytes->size() / sizeof(float) > VectorSegment::kMostDimension) return std::nullopt;
    vector.resize(bytes->size() / sizeof(float));
    if (!vector.empty()) std::memcpy(vector.data(), bytes->data(), bytes->size());
  } else {
    const bool all = for_each_json_element(value, [&](std::string_view each) {
      const auto number = json_number(each);
      if (!number || vector.size() == VectorSegment::kMostDimension) return false;
      vector.push_back(static_cast<float>(*number));
      return true;
    });
    if (!all) return std::nullopt;
  }
  if (vector.empty()) return std::nullopt;
  for (const float x : vector) {
    if (!std::isfinite(x)) return std::nullopt;
  }
  return vector;
}

}  // namespace

Result<std::vector<std::vector<float>>> read_embedding_reply(std::string_view body, size_t texts) {
  std::string padded(body);
  padded.append(kSimdPadding, ' ');
  const auto checked = validate_json(std::string_view(padded).substr(0, body.size()), 32);
  if (!checked) return wrong("it is no JSON (" + checked.error().message + ")");
  const auto data = json_member(checked->text(), "data");
  if (!data) return wrong("it has no 'data'");
  std::vector<std::vector<float>> vectors(texts);
  size_t met = 0;
  std::string problem = "'data' is no list";
  const bool all = for_each_json_element(data, [&](std::string_view item) {
    const auto told = json_member(item, "index");
    const uint64_t index = told ? json_count(told).value_or(texts) : met;
    problem = "data[" + std::to_string(met) + "] has an index that was not asked for, or is there twice";
    if (index >= texts || !vectors[index].empty()) return false;
    problem = "data[" + std::to_string(met) + "].embedding is no vector of finite numbers";
    auto vector = read_vector(json_member(item, "embedding"));
    if (!vector) return false;
    vectors[index] = *std::move(vector);
    problem = "its vectors have different dimensions";
    met++;
    return met == 1 || vectors[index].size() == vectors.front().size() || vectors.front().empty();
  });
  if (!all) return wrong(problem);
  if (met != texts) return wrong("it has " + std::to_string(met) + " vectors for " + std::to_string(texts) + " texts");
  for (const auto& vector : vectors) {
    if (vector.size() != vectors.front().size()) return wrong("its vectors have different dimensions");
  }
  return vectors;
}

std::string told_reason(std::string_view body) {
  std::string padded(body.substr(0, size_t{64} * 1024));
  const size_t size = padded.size();
  padded.append(kSimdPadding, ' ');
  std::string reason(body.substr(0, kMostReason));
  if (const auto checked = validate_json(std::string_view(padded).substr(0, size), 32)) {
    const auto error = json_member(checked->text(), "error");
    for (const auto& told : {json_text(error), json_text(json_member(error, "message")),
                             json_text(json_member(checked->text(), "message")),
                             json_text(json_member(checked->text(), "detail"))}) {
      if (!told) continue;
      reason = told->substr(0, kMostReason);
      break;
    }
  }
  for (char& c : reason) {
    if (c < ' ' || c > '~') c = ' ';
  }
  return reason;
}

}  // namespace chronos
