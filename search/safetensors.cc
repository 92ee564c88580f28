#include "search/safetensors.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "core/log.h"
#include "core/valid_json.h"
#include "search/json_fields.h"

namespace chronos {
namespace {

constexpr uint64_t kMostHeader = uint64_t{1} << 24;
constexpr size_t kMostDimensions = 8;

template <typename T>
T read_as(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

std::optional<Tensor::Type> type_of(std::string_view name) {
  if (name == "F32") return Tensor::Type::kFloat32;
  if (name == "F16") return Tensor::Type::kFloat16;
  if (name == "I8") return Tensor::Type::kInt8;
  if (name == "F64") return Tensor::Type::kFloat64;
  if (name == "I32") return Tensor::Type::kInt32;
  if (name == "I64") return Tensor::Type::kInt64;
  return std::nullopt;
}

Error wrong(const std::string& what) { return {Code::kInvalidArgument, "safetensors: " + what, {}}; }

// Of a list of whole numbers; nothing when it is none, or too long.
std::optional<std::vector<uint64_t>> counts(std::optional<std::string_view> list, size_t most) {
  std::vector<uint64_t> all;
  const bool is_list = for_each_json_element(list, [&](std::string_view value) {
    const auto count = json_count(value);
    if (!count || all.size() == most) return false;
    all.push_back(*count);
    return true;
  });
  return is_list ? std::optional(all) : std::nullopt;
}

}  // namespace

float float_of_half(uint16_t half) {
  const uint32_t sign = uint32_t{half} >> 15 << 31;
  const uint32_t exponent = half >> 10 & 31;
  const uint32_t fraction = half & 1023;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000 | fraction << 13);
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return sign != 0 ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
}

uint64_t Tensor::size_of(Type type) {
  switch (type) {
    case Type::kInt8: return 1;
    case Type::kFloat16: return 2;
    case Type::kFloat32:
    case Type::kInt32: return 4;
    case Type::kFloat64:
    case Type::kInt64: return 8;
  }
  return 1;
}

float Tensor::number(uint64_t i) const {
  const char* const at = bytes.data() + i * size_of(type);
  switch (type) {
    case Type::kInt8: return read_as<int8_t>(at);
    case Type::kFloat16: return float_of_half(read_as<uint16_t>(at));
    case Type::kFloat32: return read_as<float>(at);
    case Type::kInt32: return static_cast<float>(read_as<int32_t>(at));
    case Type::kFloat64: return static_cast<float>(read_as<double>(at));
    case Type::kInt64: return static_cast<float>(read_as<int64_t>(at));
  }
  return 0;
}

void Tensor::copy(uint64_t i, size_t count, float* to) const {
  if (type == Type::kFloat32) {
    std::memcpy(to, bytes.data() + i * sizeof(float), count * sizeof(float));
    return;
  }
  for (size_t k = 0; k < count; k++) to[k] = number(i + k);
}

Result<SafeTensors> SafeTensors::parse(std::string_view bytes) {
  if (bytes.size() < sizeof(uint64_t)) return wrong("the file has " + std::to_string(bytes.size()) + " bytes");
  const auto header_size = read_as<uint64_t>(bytes.data());
  if (header_size > kMostHeader || header_size > bytes.size() - sizeof(uint64_t)) {
    return wrong("a header of " + std::to_string(header_size) + " bytes does not fit: the file is cut off, or none");
  }
  std::string header(bytes.substr(sizeof(uint64_t), header_size));
  header.append(kSimdPadding, ' ');
  const auto checked = validate_json(std::string_view(header).substr(0, header_size), 16);
  if (!checked) return wrong("the header is no JSON: " + checked.error().message);
  const std::string_view data = bytes.substr(sizeof(uint64_t) + header_size);
  SafeTensors made;
  std::string problem;
  const bool all = for_each_json_member(checked->text(), [&](std::string_view name, std::string_view value) {
    if (name == "__metadata__") return true;
    const auto type_name = json_text(json_member(value, "dtype"));
    const auto shape = counts(json_member(value, "shape"), kMostDimensions);
    const auto place = counts(json_member(value, "data_offsets"), 2);
    problem = "tensor '" + std::string(name) + "'";
    if (!type_name || !shape || !place || place->size() != 2) return false;
    problem += " lies outside of the file: it is cut off";
    if ((*place)[0] > (*place)[1] || (*place)[1] > data.size()) return false;
    const auto type = type_of(*type_name);
    if (!type) return true;
    uint64_t numbers = 1;
    problem = "tensor '" + std::string(name) + "' does not have the size of its shape";
    for (const uint64_t count : *shape) {
      if (count != 0 && numbers > data.size() / count) return false;
      numbers *= count;
    }
    const std::string_view in = data.substr((*place)[0], (*place)[1] - (*place)[0]);
    if (in.size() != numbers * Tensor::size_of(*type)) return false;
    made.tensors_.push_back({std::string(name), {*type, *shape, in}});
    return true;
  });
  if (!all) return wrong(problem.empty() ? "the header is no object" : problem);
  return made;
}

const Tensor* SafeTensors::find(std::string_view name) const {
  for (const Named& each : tensors_) {
    if (each.name == name) return &each.tensor;
  }
  return nullptr;
}

}  // namespace chronos
