// Checking JSON, in two speeds.
//
// Nearly every text is good, so the way of a good text is short: a scan that knows what usual texts are made of
// (core/valid_json_scan.h).  What it does not say yes to is parsed by simdjson's DOM, which checks the grammar, UTF-8,
// escapes and numbers, and whose result is thrown away.  simdjson is stricter than we want to be in one place -
// integers beyond 64 bits - and its depth differs from ours: it does not count an empty container.  So its limit is set
// one lower than ours, where it can only be too strict; a text refused for depth or for a number is judged again, by
// nlohmann's SAX parser, which is slow, iterative, and counts as we do.  The same parser tells where a malformed text
// is wrong, which simdjson does not; that is done only for texts short enough that a client who sends rubbish costs us
// little.
//
// nlohmann reads two things that are no JSON - a byte order mark, and a NUL byte as the end of the text - so both are
// refused before it is asked.  An escaped surrogate without its other half is refused by both.
#include "core/valid_json.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>

#include "core/log.h"
#include "core/valid_json_scan.h"

namespace chronos {
namespace {

static_assert(kSimdPadding >= simdjson::SIMDJSON_PADDING);

// simdjson holds about 14 bytes per byte of capacity.  Up to this size a thread keeps its parser; a longer text gets
// a parser of its own, which costs little beside parsing it.
constexpr size_t kKeptCapacity = size_t{2} << 20;
// Up to this size a malformed text is read again to say where it is wrong.
constexpr size_t kExplainedSize = size_t{4} << 20;
constexpr size_t kExcerptSize = 24;
constexpr size_t kReasonSize = 200;  // a reason may quote a number of any length

simdjson::error_code parse(simdjson::dom::parser& parser, std::string_view text, size_t max_depth) {
  const size_t capacity = std::max(parser.capacity(), std::bit_ceil(std::max<size_t>(text.size(), 1024)));
  if (capacity != parser.capacity() || max_depth != parser.max_depth()) {
    if (const auto error = parser.allocate(capacity, max_depth); error != simdjson::SUCCESS) return error;
  }
  return parser.parse(text.data(), text.size(), false).error();
}

simdjson::error_code parse(std::string_view text, size_t max_depth) {
  if (text.size() > kKeptCapacity) {
    simdjson::dom::parser parser;
    return parse(parser, text, max_depth);
  }
  thread_local simdjson::dom::parser kept;
  return parse(kept, text, max_depth);
}

// Follows a text event by event: how deep it goes, and where and why it stops being JSON.
class Checker {
 public:
  explicit Checker(size_t max_depth) : max_depth_(max_depth) {}

  bool too_deep() const { return depth_ > max_depth_; }
  size_t error_byte() const { return error_byte_; }  // counted from 1
  const std::string& reason() const { return reason_; }

  // What nlohmann::json::sax_parse calls.
  bool null() { return true; }
  bool boolean(bool) { return true; }
  bool number_integer(int64_t) { return true; }
  bool number_unsigned(uint64_t) { return true; }
  bool number_float(double, const std::string&) { return true; }  // finite, or it would be parse_error
  bool string(std::string&) { return true; }
  bool binary(nlohmann::json::binary_t&) { return false; }
  bool key(std::string&) { return true; }
  bool start_object(size_t) { return ++depth_ <= max_depth_; }
  bool start_array(size_t) { return ++depth_ <= max_depth_; }
  bool end_object() { return depth_-- > 0; }
  bool end_array() { return depth_-- > 0; }
  bool parse_error(size_t byte, const std::string&, const nlohmann::json::exception& error) {
    error_byte_ = byte;
    // "[json.exception.parse_error.101] parse error at line 1, column 4: REASON; last read: 'raw bytes'; expected ..."
    std::string_view reason = error.what();
    if (const size_t id = reason.find("] "); id != reason.npos) reason.remove_prefix(id + 2);
    if (reason.starts_with("parse error at ")) reason.remove_prefix(reason.find(": ") + 2);
    reason_ = reason.substr(0, reason.find("; last read: "));
    return false;
  }

 private:
  size_t max_depth_;
  size_t depth_ = 0;
  size_t error_byte_ = 0;
  std::string reason_;
};

// The few bytes before `end`, made harmless: an error message must be printable whatever was sent.
std::string excerpt(std::string_view text, size_t end) {
  end = std::min(end, text.size());
  std::string shown(text.substr(end - std::min(end, kExcerptSize), std::min(end, kExcerptSize)));
  for (char& c : shown) {
    if (const auto byte = static_cast<unsigned char>(c); byte < 0x20 || byte >= 0x7f) c = '?';
  }
  return shown;
}

Error malformed(std::string_view text, size_t byte, std::string_view reason) {
  std::string message = "malformed JSON";
  if (byte > 0) message += " at byte " + std::to_string(byte);
  message.append(": ").append(reason.substr(0, kReasonSize));
  if (byte > 0 && !text.empty()) message += ", near '" + excerpt(text, byte) + "'";
  return {Code::kInvalidArgument, message + "; send one JSON text in UTF-8 (RFC 8259)", ""};
}

Error too_deep(size_t max_depth) {
  return {Code::kTooLarge,
          "the JSON is nested deeper than " + std::to_string(max_depth) + " levels; flatten it or split it up", ""};
}

// Judges a text by nlohmann's parser.
Result<ValidJson> check_slowly(std::string_view text, size_t max_depth) {
  if (text.starts_with("\xef\xbb\xbf")) return malformed(text, 1, "it begins with a byte order mark");
  if (const size_t nul = text.find('\0'); nul != text.npos) return malformed(text, nul + 1, "it contains a NUL byte");
  Checker checker(max_depth);
  const bool accepted = nlohmann::json::sax_parse(text.begin(), text.end(), &checker);
  if (checker.too_deep()) return too_deep(max_depth);
  if (!accepted) return malformed(text, checker.error_byte(), checker.reason());
  return ValidJson::trusted(text);
}

Error explain(std::string_view text, size_t max_depth, simdjson::error_code verdict) {
  if (text.size() <= kExplainedSize) {
    if (const auto slow = check_slowly(text, max_depth); !slow) return slow.error();
  }
  return malformed(text, 0, simdjson::error_message(verdict));
}

}  // namespace

Result<ValidJson> validate_json(std::string_view text, size_t max_depth) {
  thread_local JsonScan scan;
  scan.begin(text);
  if (scan.take(text, max_depth)) return ValidJson::trusted(text);
  switch (const auto verdict = parse(text, max_depth); verdict) {
    case simdjson::SUCCESS: return ValidJson::trusted(text);
    case simdjson::EMPTY: return malformed(text, 0, "it is empty");
    case simdjson::TAPE_ERROR:
    case simdjson::STRING_ERROR:
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR:
    case simdjson::UTF8_ERROR:
    case simdjson::UNESCAPED_CHARS:
    case simdjson::UNCLOSED_STRING: return explain(text, max_depth, verdict);
    case simdjson::CAPACITY:
    case simdjson::MEMALLOC:
      return Error{Code::kTooLarge,
                   "no memory to check a JSON text of " + std::to_string(text.size()) + " bytes; send a smaller one",
                   ""};
    default: return check_slowly(text, max_depth);  // depth, or a number: where we allow more
  }
}

}  // namespace chronos
