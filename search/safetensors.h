// The tensors in a safetensors file, as they lie there.
//
// The format: 8 bytes that say how long the header is, the header, a JSON object that tells of each tensor its type,
// shape and place, and then the numbers (huggingface.co/docs/safetensors).  A file is somebody else's: nothing it says
// of itself is believed before it was seen to fit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace chronos {

struct Tensor {
  enum class Type { kFloat32, kFloat16, kInt8, kFloat64, kInt32, kInt64 };
  Type type = Type::kFloat32;
  std::vector<uint64_t> shape;
  std::string_view bytes;  // as many as type and shape ask for; at any address

  uint64_t numbers() const { return bytes.size() / size_of(type); }
  static uint64_t size_of(Type type);
  // Requires: i < numbers().
  float number(uint64_t i) const;
  // Copies `count` numbers from the i-th on.  Requires: they are there.
  void copy(uint64_t i, size_t count, float* to) const;
};

class SafeTensors {
 public:
  // kInvalidArgument, with what is wrong.  Requires: the bytes outlive it.
  static Result<SafeTensors> parse(std::string_view bytes);

  // Null when there is none of the name, or of a type that is not read here.
  const Tensor* find(std::string_view name) const;

 private:
  struct Named {
    std::string name;
    Tensor tensor;
  };
  std::vector<Named> tensors_;
};

// IEEE 754 binary16.
float float_of_half(uint16_t half);

}  // namespace chronos
