// How JSON is checked without being parsed.
//
// simdjson's first stage (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019, section 3.1) takes 64
// bytes at a time.  It sees that the text is UTF-8 and that strings end and have no control characters in them, and
// lists the places of brackets, colons, commas, and where each string, number and literal begins:
//
//   {"a" : "x, y", "n":[1,true]}
//   ^^   ^ ^     ^ ^  ^^^^^   ^^      and nothing of what is in a string
//
// Between two places there is only the rest of what begins at the first one, and space.  So what is left to do is to
// see that they follow one another as the grammar has it, that numbers and literals are some, and that what a backslash
// begins is an escape.  Its second stage, which we leave out, would unescape all strings and turn all numbers into
// binary ones, for nobody.
//
// A line feed cannot be in a string.  So many lines are indexed at once, as if they were one text, and each has the
// places that it would have alone; a mistake that reaches beyond its line, such as a quote that is missing, is one of
// the first stage, which makes nothing of all of them.
//
// Left to validate_json, since they are rare: exponents and long numbers (does their value fit a double?), surrogates,
// depth beyond 64, very long texts, and everything that is wrong, which it explains.
#include "core/valid_json_scan.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace chronos {
namespace {

// Of lines indexed at once: with their index about what fits the first cache.
constexpr size_t kPiece = size_t{32} << 10;
constexpr size_t kLongest = size_t{2} << 20;
constexpr size_t kDeepest = 64;  // a bit each
constexpr ptrdiff_t kMostDigits = 300;

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }

bool ends_here(const char* at, const char* end) {
  return at == end || *at == ',' || *at == '}' || *at == ']' || is_space(*at);
}

const char* behind_digits(const char* at, const char* end) {
  while (at != end && is_digit(*at)) at++;
  return at;
}

// Of a number whose value surely fits a double.
bool is_number(const char* at, const char* end) {
  if (*at == '-') at++;
  const char* const digits = at;
  at = behind_digits(at, end);
  if (at == digits || at - digits > kMostDigits || (*digits == '0' && at - digits > 1)) return false;
  if (at != end && *at == '.') {
    const char* const fraction = at + 1;
    at = behind_digits(fraction, end);
    if (at == fraction) return false;
  }
  return ends_here(at, end);
}

bool is_literal(const char* at, const char* end, std::string_view word) {
  return static_cast<size_t>(end - at) >= word.size() && std::memcmp(at, word.data(), word.size()) == 0 &&
         ends_here(at + word.size(), end);
}

bool is_scalar(const char* at, const char* end) {
  switch (*at) {
    case 't': return is_literal(at, end, "true");
    case 'f': return is_literal(at, end, "false");
    case 'n': return is_literal(at, end, "null");
    default: return is_number(at, end);
  }
}

// Outside of strings there is no backslash that is not met as the beginning, or in the middle, of something else.
bool escapes_are_good(std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  for (;;) {
    at = static_cast<const char*>(std::memchr(at, '\\', static_cast<size_t>(end - at)));
    if (at == nullptr) return true;
    if (end - at < 2) return false;
    switch (at[1]) {
      case '"':
      case '\\':
      case '/':
      case 'b':
      case 'f':
      case 'n':
      case 'r':
      case 't': at += 2; break;
      case 'u':
        if (end - at < 6 || !std::all_of(at + 2, at + 6, is_hex)) return false;
        if ((at[2] | 0x20) == 'd' && at[3] >= '8') return false;
        at += 6;
        break;
      default: return false;
    }
  }
}

}  // namespace

struct JsonScan::Indexer {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> implementation;

  bool index(std::string_view text) {
    if (implementation == nullptr || implementation->capacity() < text.size()) {
      const size_t capacity = std::bit_ceil(std::max<size_t>(text.size(), 1024));
      const auto failure =
          simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, 1, implementation);
      if (failure != simdjson::SUCCESS) return false;
    }
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
    if (implementation->stage1(bytes, text.size(), simdjson::stage1_mode::regular) != simdjson::SUCCESS) return false;
    places()[implementation->n_structural_indexes] = static_cast<uint32_t>(text.size());
    return true;
  }
  uint32_t* places() { return implementation->structural_indexes.get(); }
};

JsonScan::JsonScan() : indexer_(std::make_unique<Indexer>()) {}
JsonScan::~JsonScan() = default;

void JsonScan::begin(std::string_view text) {
  text_ = text;
  piece_ = text.substr(0, 0);
}

// From the line on as many as fit a piece, or it alone.
bool JsonScan::index(std::string_view line) {
  if (line.size() > kLongest) return false;
  piece_ = text_.substr(static_cast<size_t>(line.data() - text_.data()));
  if (piece_.size() > kPiece) piece_ = piece_.substr(0, piece_.rfind('\n', kPiece - 1) + 1);
  if (piece_.size() < line.size()) piece_ = line;
  is_good_ = indexer_->index(piece_);
  if (is_good_) next_ = indexer_->places();
  return is_good_;
}

bool JsonScan::take(std::string_view line, size_t max_depth) {
  member_count_ = 0;
  if (line.empty()) return false;
  const char* const piece_end = piece_.data() + piece_.size();
  if (line.data() < piece_end ? !is_good_ : !index(line)) return false;
  const auto begin = static_cast<uint32_t>(line.data() - piece_.data());
  const auto limit = static_cast<uint32_t>(begin + line.size());
  if (*next_ < begin) pass(begin);  // lines were left out
  has_more_members_ = false;
  const bool is_good = escapes_are_good(line) && walk(limit, std::min(max_depth, kDeepest)) && *next_ >= limit;
  if (!is_good) pass(limit);
  if (!is_good || has_more_members_) member_count_ = 0;
  return is_good;
}

// All before `limit`.
void JsonScan::pass(uint32_t limit) {
  next_ = std::lower_bound(static_cast<const uint32_t*>(indexer_->places()),
                           static_cast<const uint32_t*>(indexer_->places()) +
                               indexer_->implementation->n_structural_indexes,
                           limit);
}

std::string_view JsonScan::slice(uint32_t begin, uint32_t end) const {
  while (is_space(piece_[end - 1])) end--;
  return piece_.substr(begin, end - begin);
}

void JsonScan::begin_member(uint32_t key, uint32_t colon) {
  has_more_members_ = member_count_ == kMostMembers;
  if (!has_more_members_) members_[member_count_++].key = slice(key, colon);
}

// The key ahead and its colon.
bool JsonScan::take_key(uint32_t limit) {
  if (*next_ >= limit || piece_[*next_] != '"') return false;
  next_++;
  if (*next_ >= limit || piece_[*next_] != ':') return false;
  next_++;
  return true;
}

// One value, up to `limit`.
bool JsonScan::walk(uint32_t limit, size_t max_depth) {
  const char* const text = piece_.data();
  uint64_t kinds = 0;  // of the containers that are open, the innermost lowest: 1 for an object
  size_t depth = 0;
  size_t deepest = 0;         // in the member of the outermost object
  uint32_t value_begin = 0;   // of that member
  const auto open = [&](uint64_t kind) {
    kinds = kinds << 1 | kind;
    deepest = std::max(deepest, ++depth);
    return depth <= max_depth;
  };
  const auto take_key_here = [&] {
    const uint32_t* const key = next_;
    if (!take_key(limit)) return false;
    if (depth == 1) begin_member(key[0], key[1]);
    return true;
  };
  for (;;) {
    const uint32_t begin = *next_;  // of a value
    if (begin >= limit) return false;
    next_++;
    if (depth == 1) {
      value_begin = begin;
      deepest = 1;
    }
    if (text[begin] == '{') {
      if (!open(1)) return false;
      if (text[*next_] != '}') {
        if (!take_key_here()) return false;
        continue;
      }
    } else if (text[begin] == '[') {
      if (!open(0)) return false;
      if (text[*next_] != ']') continue;
    } else if (text[begin] != '"' && !is_scalar(text + begin, text + limit)) {
      return false;
    }
    for (;;) {  // what follows a value, or is in an empty container
      if (depth == 0) return true;
      const uint32_t end = *next_;
      if (end >= limit) return false;
      next_++;
      if (depth == 1 && member_count_ > 0 && !has_more_members_) {
        members_[member_count_ - 1].value = slice(value_begin, end);
        members_[member_count_ - 1].depth = deepest - 1;
      }
      if (text[end] == ',') {
        if ((kinds & 1) != 0 && !take_key_here()) return false;
        break;
      }
      if (text[end] != ((kinds & 1) != 0 ? '}' : ']')) return false;
      kinds >>= 1;
      depth--;
    }
  }
}

}  // namespace chronos
