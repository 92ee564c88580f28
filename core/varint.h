// Whole numbers in few bytes: LEB128, seven bits a byte, the lowest first, the high bit set on all but the last.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace chronos {

inline void put_varint(std::string& to, uint64_t value) {
  while (value >= 0x80) {
    to += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  to += static_cast<char>(value);
}

constexpr size_t varint_size(uint64_t value) { return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7; }

// Signed numbers of small size as small unsigned ones: 0, -1, 1, -2, ...
constexpr uint64_t zigzag(int64_t value) {
  return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
}
constexpr int64_t unzigzag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

// Reads one and steps behind it.  Requires: one is there.
inline uint64_t get_varint(const char*& at) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const auto byte = static_cast<unsigned char>(*at++);
    value |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) break;
  }
  return value;
}

// Takes numbers and bytes off the front of what may be anything: after the first that is not there it is bad, and all
// that follow are zero or empty.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  bool bad() const { return bad_; }
  // Nothing is left, and nothing was missing.
  bool finished() const { return !bad_ && rest_.empty(); }
  std::string_view rest() const { return rest_; }

  uint64_t number() {
    if (!rest_.empty() && static_cast<unsigned char>(rest_.front()) < 0x80) {
      const auto value = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      return value;
    }
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    fail();
    return 0;
  }
  unsigned char byte() {
    const std::string_view taken = bytes(1);
    return taken.empty() ? 0 : static_cast<unsigned char>(taken.front());
  }
  // One that is less than 2^32.
  uint32_t small_number() {
    const uint64_t value = number();
    if (value <= UINT32_MAX) return static_cast<uint32_t>(value);
    fail();
    return 0;
  }
  std::string_view bytes(uint64_t size) {
    if (size > rest_.size()) {
      fail();
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  // A number of bytes, and them.
  std::string_view text() { return bytes(number()); }

 private:
  void fail() {
    bad_ = true;
    rest_ = {};
  }
  std::string_view rest_;
  bool bad_ = false;
};

}  // namespace chronos
