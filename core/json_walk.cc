// Walking text that is known to be good.
//
// States and filters keep slices of a text, walk a slice again later, and walk two texts side by side to compare
// them.  simdjson's on-demand front end allows none of this: one walk at a time, over a whole text it has indexed
// first.  Checked text needs no index: a string ends at the first quote that no backslash precedes, a container
// where its brackets balance, anything else at a delimiter.  That needs no parser per thread, and passing over a
// container is several times as fast as visiting what is in it.  The price: a nested value that is taken and entered
// later is passed over twice.
//
// Numbers are compared by value without a big-number library.  As doubles first: rounding never turns the order of
// two numbers around, so unequal doubles decide.  Equal doubles decide nothing (2^53 + 1 rounds to 2^53), so then
// the digits do: both are brought to the form 0.DIGITS x 10^E without zeros at either end of the digits.
#include "core/json_walk.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

namespace chronos {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

struct Decimal {
  bool is_negative = false;
  std::string digits;    // none for zero
  int64_t exponent = 0;  // of 0.DIGITS
};

Decimal decimal_of(std::string_view token) {
  Decimal number;
  size_t i = 0;
  if (token[0] == '-') {
    number.is_negative = true;
    i++;
  }
  bool after_point = false;
  for (; i < token.size() && (is_digit(token[i]) || token[i] == '.'); i++) {
    if (token[i] == '.') {
      after_point = true;
      continue;
    }
    if (number.digits.empty() && token[i] == '0') {
      if (after_point) number.exponent--;
      continue;
    }
    number.digits.push_back(token[i]);
    if (!after_point) number.exponent++;
  }
  while (!number.digits.empty() && number.digits.back() == '0') number.digits.pop_back();
  if (number.digits.empty()) return {};
  if (i == token.size()) return number;
  i++;  // the e
  const bool down = token[i] == '-';
  if (token[i] == '-' || token[i] == '+') i++;
  // Exponents beyond this size are all the same: no text is long enough to make up for them with digits.
  constexpr int64_t kHuge = int64_t{1} << 40;
  int64_t given = 0;
  for (; i < token.size(); i++) given = std::min(kHuge, given * 10 + (token[i] - '0'));
  number.exponent += down ? -given : given;
  return number;
}

std::strong_ordering compare_decimals(const Decimal& left, const Decimal& right) {
  const auto sign = [](const Decimal& n) { return n.digits.empty() ? 0 : n.is_negative ? -1 : 1; };
  if (sign(left) != sign(right)) return sign(left) <=> sign(right);
  if (sign(left) == 0) return std::strong_ordering::equal;
  // A longer run of digits with the same beginning is the larger one, as it is with strings.
  const std::strong_ordering magnitude =
      left.exponent != right.exponent ? left.exponent <=> right.exponent : left.digits.compare(right.digits) <=> 0;
  return left.is_negative ? 0 <=> magnitude : magnitude;
}

double nearest_double(std::string_view token) {
  double value = 0;  // stays 0 when the number is too small for a double
  std::from_chars(token.data(), token.data() + token.size(), value);
  return value;
}

enum class Kind { kString, kObject, kArray, kNumber, kLiteral };

Kind kind_of(std::string_view token) {
  switch (token.front()) {
    case '"': return Kind::kString;
    case '{': return Kind::kObject;
    case '[': return Kind::kArray;
    case 't':
    case 'f':
    case 'n': return Kind::kLiteral;
    default: return Kind::kNumber;
  }
}

bool equal_strings(std::string_view left, std::string_view right) {
  if (is_plain_string(left) && is_plain_string(right)) return left == right;
  return unescape_json(left) == unescape_json(right);
}

bool equal_arrays(std::string_view left, std::string_view right) {
  JsonWalk a(ValidJson::trusted(left));
  JsonWalk b(ValidJson::trusted(right));
  a.enter();
  b.enter();
  for (;;) {
    const bool more = a.next_element();
    if (more != b.next_element()) return false;
    if (!more) return true;
    if (!json_equal(a.take(), b.take())) return false;
  }
}

using Members = std::vector<std::pair<std::string, std::string_view>>;

// By key, each key once.
Members sorted_members(std::string_view object) {
  Members members;
  JsonWalk walk(ValidJson::trusted(object));
  walk.enter();
  for (std::string_view key; walk.next_member(key);) members.emplace_back(unescape_json(key), walk.take());
  const auto by_key = [](const auto& a, const auto& b) { return a.first < b.first; };
  std::stable_sort(members.begin(), members.end(), by_key);
  size_t kept = 0;
  for (auto& member : members) {
    if (kept > 0 && members[kept - 1].first == member.first) kept--;
    if (&members[kept] != &member) members[kept] = std::move(member);
    kept++;
  }
  members.resize(kept);
  return members;
}

bool equal_objects(std::string_view left, std::string_view right) {
  const auto same = [](const auto& a, const auto& b) { return a.first == b.first && json_equal(a.second, b.second); };
  const Members a = sorted_members(left);
  const Members b = sorted_members(right);
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
}

// A bit for each of 64 bytes, the first one the lowest.
struct Block {
  uint64_t quotes = 0;
  uint64_t backslashes = 0;
  uint64_t opening = 0;  // { and [
  uint64_t closing = 0;  // } and ]
};

// What the walk needs of a processor: its blocks, and two counts.  Every processor can do this.
struct PlainSteps {
#if defined(__x86_64__)
  static Block read_block(const char* at) {
    Block block;
    const auto equal = [](__m128i bytes, char c) {
      return static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)))));
    };
    for (int i = 0; i < 64; i += 16) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + i));
      const __m128i folded = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
      block.quotes |= equal(bytes, '"') << i;
      block.backslashes |= equal(bytes, '\\') << i;
      block.opening |= equal(folded, '{') << i;
      block.closing |= equal(folded, '}') << i;
    }
    return block;
  }
#else
  static Block read_block(const char* at) {
    Block block;
    for (int i = 0; i < 64; i++) {
      block.quotes |= uint64_t{at[i] == '"'} << i;
      block.backslashes |= uint64_t{at[i] == '\\'} << i;
      block.opening |= uint64_t{at[i] == '{' || at[i] == '['} << i;
      block.closing |= uint64_t{at[i] == '}' || at[i] == ']'} << i;
    }
    return block;
  }
#endif

  // Without the instruction for it (Warren, "Hacker's Delight", section 5-1).
  static size_t count_bits(uint64_t bits) {
    bits -= (bits >> 1) & 0x5555555555555555;
    bits = (bits & 0x3333333333333333) + ((bits >> 2) & 0x3333333333333333);
    bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return (bits * 0x0101010101010101) >> 56;
  }

  // From each quote that opens a string up to, not with, the one that closes it.
  static uint64_t between(uint64_t quotes) {
    for (int shift = 1; shift < 64; shift *= 2) quotes ^= quotes << shift;
    return quotes;
  }
};

#if defined(__x86_64__)

// The same for processors with AVX2, POPCNT and PCLMULQDQ: nearly all since 2013.
#define CHRONOS_WIDE [[gnu::target("avx2,bmi,popcnt,pclmul")]]
struct WideSteps {
  CHRONOS_WIDE static Block read_block(const char* at) {
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + 32));
    const __m256i fold = _mm256_set1_epi8(0x20);
    const __m256i low_folded = _mm256_or_si256(low, fold);
    const __m256i high_folded = _mm256_or_si256(high, fold);
    return {equal(low, high, '"'), equal(low, high, '\\'), equal(low_folded, high_folded, '{'),
            equal(low_folded, high_folded, '}')};
  }
  CHRONOS_WIDE static size_t count_bits(uint64_t bits) { return static_cast<size_t>(_mm_popcnt_u64(bits)); }
  // A product without carries with all ones adds up, at each bit, the ones up to it.
  CHRONOS_WIDE static uint64_t between(uint64_t quotes) {
    const __m128i product =
        _mm_clmulepi64_si128(_mm_set_epi64x(0, static_cast<int64_t>(quotes)), _mm_set1_epi8(static_cast<char>(-1)), 0);
    return static_cast<uint64_t>(_mm_cvtsi128_si64(product));
  }

 private:
  CHRONOS_WIDE static uint64_t equal(__m256i low, __m256i high, char c) {
    const __m256i wanted = _mm256_set1_epi8(c);
    const auto first = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)));
    const auto second = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)));
    return first | uint64_t{second} << 32;
  }
};

bool is_wide() {
  static const bool has_all = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                              __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("pclmul");
  return has_all;
}

#endif

// The bytes that a backslash escapes.  `first_is_escaped` says so of the block's first byte, and then of the next
// block's.
uint64_t escaped_bits(uint64_t backslashes, bool& first_is_escaped) {
  uint64_t escaped = first_is_escaped ? 1 : 0;
  first_is_escaped = false;
  for (uint64_t rest = backslashes & ~escaped; rest != 0;) {
    const uint64_t lowest = rest & (~rest + 1);
    first_is_escaped = lowest >> 63 != 0;
    escaped |= lowest << 1;
    rest &= ~(lowest | lowest << 1);
  }
  return escaped;
}

using Skipped = SkippedContainer;

// 64 bytes at a time, a bit for each (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019, section 3.1):
// the quotes that no backslash escapes turn into the bits between them, the brackets outside are counted, and only in
// the block where the container can end they are looked at one by one.
template <typename Steps>
[[gnu::always_inline]] inline Skipped skip(const char* at) {
  uint64_t in_string = 0;   // all bits: a string reaches into the block
  bool is_escaped = false;  // the block's first byte is
  size_t depth = 0;
  size_t containers = 0;
  for (const char* block = at;; block += 64) {
    const Block bytes = Steps::read_block(block);
    const uint64_t quotes = bytes.quotes & ~escaped_bits(bytes.backslashes, is_escaped);
    const uint64_t strings = Steps::between(quotes) ^ in_string;
    in_string = (strings >> 63) * ~uint64_t{0};
    const uint64_t opening = bytes.opening & ~strings;
    uint64_t closing = bytes.closing & ~strings;
    const size_t opened = Steps::count_bits(opening);
    const size_t closed = Steps::count_bits(closing);
    if (closed >= depth) {
      for (size_t k = 1; closing != 0; k++, closing &= closing - 1) {
        const uint64_t before = (closing & (~closing + 1)) - 1;
        const size_t opened_before = Steps::count_bits(opening & before);
        if (depth + opened_before != k) continue;
        return {block + std::countr_zero(closing) + 1, containers + opened_before};
      }
    }
    depth += opened - closed;
    containers += opened;
  }
}

#if defined(__x86_64__)
CHRONOS_WIDE Skipped skip_widely(const char* at) { return skip<WideSteps>(at); }
#endif

}  // namespace

SkippedContainer skip_container_plainly(const char* at) { return skip<PlainSteps>(at); }

void JsonWalk::skip_container() {
#if defined(__x86_64__)
  const Skipped skipped = is_wide() ? skip_widely(at_) : skip_container_plainly(at_);
#else
  const Skipped skipped = skip_container_plainly(at_);
#endif
  at_ = skipped.end;
  containers_taken_ = skipped.containers;
}

void JsonWalk::skip_plain() {
  while (at_ != end_ && *at_ != ',' && *at_ != '}' && *at_ != ']' && *at_ != ' ' && *at_ != '\n' && *at_ != '\t' &&
         *at_ != '\r') {
    at_++;
  }
}

std::strong_ordering compare_json_numbers(std::string_view left, std::string_view right) {
  if (left == right) return std::strong_ordering::equal;
  const double a = nearest_double(left);
  const double b = nearest_double(right);
  if (a < b) return std::strong_ordering::less;
  if (a > b) return std::strong_ordering::greater;
  return compare_decimals(decimal_of(left), decimal_of(right));
}

bool json_equal(std::string_view left, std::string_view right) {
  if (left == right) return true;
  const Kind kind = kind_of(left);
  if (kind != kind_of(right)) return false;
  switch (kind) {
    case Kind::kString: return equal_strings(left, right);
    case Kind::kObject: return equal_objects(left, right);
    case Kind::kArray: return equal_arrays(left, right);
    case Kind::kNumber: return compare_json_numbers(left, right) == 0;
    case Kind::kLiteral: return false;
  }
  return false;
}

}  // namespace chronos
