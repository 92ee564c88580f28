// What the fuzz targets share: padded input and a check that names itself when it fails.
//
// A target feeds bytes to one decoder and demands more than "no crash": what is accepted must mean the same when it
// is written and read again, or when another parser reads it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/check.h"
#include "core/log.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size);

namespace chronos::test {

// A copy on the heap, so that the sanitizer sees each step past the promised padding.
class FuzzInput {
 public:
  FuzzInput(const uint8_t* bytes, size_t size) : size_(size), bytes_(reinterpret_cast<const char*>(bytes), size) {
    bytes_.append(kSimdPadding, '"');
    bytes_.shrink_to_fit();
  }
  std::string_view text() const { return {bytes_.data(), size_}; }

 private:
  size_t size_;
  std::string bytes_;
};

// Cuts an input into fields: a byte says how long the next one is.
class FuzzFields {
 public:
  explicit FuzzFields(std::string_view rest) : rest_(rest) {}
  bool empty() const { return rest_.empty(); }
  uint8_t byte() {
    if (rest_.empty()) return 0;
    const uint8_t value = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  std::string_view field() {
    const size_t size = std::min<size_t>(byte(), rest_.size());
    const std::string_view part = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return part;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace chronos::test
