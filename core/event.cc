#include "core/event.h"

#include <array>

#include "core/check.h"

namespace chronos {
namespace {

constexpr int64_t kMicrosPerMilli = 1000;
// RFC 9562, section 6.2, method 3: the 12 bits of rand_a hold the fraction of the millisecond.
uint64_t fraction_of(int64_t micros) { return static_cast<uint64_t>(micros) * 4096 / kMicrosPerMilli; }
int64_t micros_of(uint64_t fraction) { return static_cast<int64_t>((fraction * kMicrosPerMilli + 4095) / 4096); }

void put_hex(char*& to, uint64_t value, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) *to++ = "0123456789abcdef"[value >> shift & 15];
}

// -1 for anything but a lower-case hex digit: the store writes no other.
int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool get_hex(std::string_view text, uint64_t& value) {
  value = 0;
  for (const char c : text) {
    const int digit = hex_digit(c);
    if (digit < 0) return false;
    value = value << 4 | static_cast<uint64_t>(digit);
  }
  return true;
}

}  // namespace

std::string_view Commit::events() const {
  const CommitHead& h = head();
  const char* begin = body() + aligned(size_t{h.actor_size} + h.request_id_size + h.conditions_size);
  const char* end = record_ + sizeof(RecordHeader) + header().size;
  return {begin, static_cast<size_t>(end - begin)};
}

std::string Event::id() const {
  const std::string_view given = client_id();
  if (!given.empty()) return std::string(given);
  const CommitHead& head_of_commit = commit().head();
  return format_store_id({recorded_at(), (head_of_commit.id_seed + head().ordinal) & kIdCounterMask});
}

Timestamp Event::valid_at() const {
  if (!has_valid_at()) return recorded_at();
  Timestamp time;
  std::memcpy(&time.value, fields(), sizeof time.value);
  return time;
}

void Event::copy_embedding(float* to) const {
  const size_t skip = has_valid_at() ? size_t{8} : size_t{0};
  if (head().embedding_size > 0) std::memcpy(to, fields() + skip, size_t{head().embedding_size} * sizeof(float));
}

bool Event::has_tag(std::string_view tag) const {
  bool found = false;
  for_each_tag([&](std::string_view each) { found = found || each == tag; });
  return found;
}

std::string format_store_id(StoreId id) {
  const int64_t millis = id.recorded_at.value / kMicrosPerMilli;
  std::array<char, 36> text;
  char* to = text.data();
  put_hex(to, static_cast<uint64_t>(millis) >> 16, 8);
  *to++ = '-';
  put_hex(to, static_cast<uint64_t>(millis) & 0xffff, 4);
  *to++ = '-';
  put_hex(to, 0x7000 | fraction_of(id.recorded_at.value % kMicrosPerMilli), 4);
  *to++ = '-';
  put_hex(to, 0x8000 | id.counter >> 48, 4);
  *to++ = '-';
  put_hex(to, id.counter & 0xffff'ffff'ffff, 12);
  return std::string(text.data(), text.size());
}

std::optional<StoreId> parse_store_id(std::string_view id) {
  if (id.size() != 36 || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-') return std::nullopt;
  uint64_t high = 0;
  uint64_t low = 0;
  uint64_t rand_a = 0;
  uint64_t clock = 0;
  uint64_t node = 0;
  if (!get_hex(id.substr(0, 8), high) || !get_hex(id.substr(9, 4), low) || !get_hex(id.substr(14, 4), rand_a) ||
      !get_hex(id.substr(19, 4), clock) || !get_hex(id.substr(24, 12), node)) {
    return std::nullopt;
  }
  if (rand_a >> 12 != 7 || clock >> 14 != 2) return std::nullopt;
  const int64_t micros = micros_of(rand_a & 0xfff);
  if (fraction_of(micros) != (rand_a & 0xfff)) return std::nullopt;
  const int64_t millis = static_cast<int64_t>(high << 16 | low);
  return StoreId{Timestamp{millis * kMicrosPerMilli + micros}, (clock & 0x3fff) << 48 | node};
}

}  // namespace chronos
