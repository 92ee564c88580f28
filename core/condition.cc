// Conditions as bytes.  They are stored with the commit that was appended under them, because a merge tries them
// again on another fork, and they are part of what makes a repeated request the same request.  So the same
// conditions must always give the same bytes, and bytes have only one meaning:
//
//   conditions:  nothing when there are none, else number, condition...
//   condition:   kind (1 byte), then by kind
//                  1 stream version: string (stream), number (version)
//                  2 stream exists:  string (stream)
//                  3 none match:     number (after this position), match
//                  4 some match:     match
//                  5 head:           number (position)
//   match:       number of items, item...
//   item:        strings (types), strings (tags), strings (streams), string (stream prefix)
//   strings:     number, string...
//   string:      number of bytes, bytes
//   number:      LEB128: seven bits a byte, lowest first, the high bit set on all but the last; shortest form only
#include "core/condition.h"

#include <algorithm>
#include <cstdint>

#include "core/batch.h"
#include "core/varint.h"

namespace chronos {
namespace {

void put_string(std::string& to, std::string_view text) {
  put_varint(to, text.size());
  to.append(text);
}

void put_strings(std::string& to, const std::vector<std::string>& texts) {
  put_varint(to, texts.size());
  for (const std::string& text : texts) put_string(to, text);
}

void put_match(std::string& to, const Match& match) {
  put_varint(to, match.size());
  for (const MatchItem& item : match) {
    put_strings(to, item.types);
    put_strings(to, item.tags);
    put_strings(to, item.streams);
    put_string(to, item.stream_prefix);
  }
}

void put_condition(std::string& to, const Condition& condition) {
  to.push_back(static_cast<char>(condition.kind));
  switch (condition.kind) {
    case Condition::Kind::kStreamVersion:
      put_string(to, condition.stream);
      return put_varint(to, condition.version.value);
    case Condition::Kind::kStreamExists: return put_string(to, condition.stream);
    case Condition::Kind::kNoneMatch: put_varint(to, condition.position.value); return put_match(to, condition.match);
    case Condition::Kind::kSomeMatch: return put_match(to, condition.match);
    case Condition::Kind::kHead: return put_varint(to, condition.position.value);
  }
}

// Takes values off the front; after the first wrong byte everything fails and yields nothing.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : rest_(bytes) {}

  bool failed() const { return failed_; }
  bool at_end() const { return rest_.empty(); }
  size_t bytes_left() const { return rest_.size(); }

  uint8_t byte() {
    if (rest_.empty()) return fail();
    const auto value = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  uint64_t number(uint64_t most) {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint8_t bits = byte();
      value |= uint64_t{bits & 0x7fu} << shift;
      if ((bits & 0x80) != 0) continue;
      const bool shortest = bits != 0 || shift == 0;
      const bool fits = shift < 63 || bits == 1;
      return shortest && fits && value <= most ? value : fail();
    }
    return fail();
  }
  std::string string() {
    const uint64_t size = number(rest_.size());
    if (size > rest_.size()) fail();  // the size itself took bytes
    if (failed_) return {};
    std::string text(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return text;
  }
  std::vector<std::string> strings() {
    std::vector<std::string> texts;
    for (uint64_t left = number(rest_.size()); left > 0 && !failed_; left--) texts.push_back(string());
    return texts;
  }
  Match match() {
    Match items;
    for (uint64_t left = number(rest_.size()); left > 0 && !failed_; left--) {
      MatchItem& item = items.emplace_back();
      item.types = strings();
      item.tags = strings();
      item.streams = strings();
      item.stream_prefix = string();
    }
    return items;
  }
  Condition condition();

 private:
  uint8_t fail() {
    failed_ = true;
    rest_ = {};
    return 0;
  }
  std::string_view rest_;
  bool failed_ = false;
};

Condition Decoder::condition() {
  Condition condition;
  condition.kind = static_cast<Condition::Kind>(byte());
  switch (condition.kind) {
    case Condition::Kind::kStreamVersion:
      condition.stream = string();
      condition.version = Version{static_cast<uint32_t>(number(UINT32_MAX))};
      return condition;
    case Condition::Kind::kStreamExists: condition.stream = string(); return condition;
    case Condition::Kind::kNoneMatch:
      condition.position = Position{number(UINT64_MAX)};
      condition.match = match();
      return condition;
    case Condition::Kind::kSomeMatch: condition.match = match(); return condition;
    case Condition::Kind::kHead: condition.position = Position{number(UINT64_MAX)}; return condition;
  }
  fail();
  return condition;
}

Error invalid(std::string message) { return {Code::kInvalidArgument, std::move(message), ""}; }

Result<void> check_names(const std::string& what, const std::vector<std::string>& names, size_t limit_bytes) {
  for (const std::string& name : names) {
    if (auto checked = check_name(what, name, limit_bytes); !checked) return checked;
  }
  return {};
}

Result<void> check_item(const std::string& what, const MatchItem& item) {
  const Limits limits;
  if (item.empty()) {
    return invalid(what + " is empty and would match everything; give it types, tags, streams or stream_prefix");
  }
  if (auto checked = check_names(what + ".types", item.types, limits.type_bytes); !checked) return checked;
  if (auto checked = check_names(what + ".tags", item.tags, limits.tag_bytes); !checked) return checked;
  if (auto checked = check_names(what + ".streams", item.streams, limits.stream_bytes); !checked) return checked;
  if (item.stream_prefix.empty()) return {};
  return check_name(what + ".stream_prefix", item.stream_prefix, limits.stream_bytes);
}

Result<void> check_position(const std::string& what, Position position) {
  if (position.value <= kMaxPosition) return {};
  return invalid(what + " is " + std::to_string(position.value) + ", beyond the last possible position " +
                 std::to_string(kMaxPosition) + "; use a position that an answer stated");
}

Result<void> check_condition(const std::string& what, const Condition& condition) {
  switch (condition.kind) {
    case Condition::Kind::kStreamVersion:
    case Condition::Kind::kStreamExists: return check_name(what + ".stream", condition.stream, Limits().stream_bytes);
    case Condition::Kind::kNoneMatch:
      if (auto checked = check_position(what + ".after", condition.position); !checked) return checked;
      return check_match(what + ".none_match", condition.match);
    case Condition::Kind::kSomeMatch: return check_match(what + ".some_match", condition.match);
    case Condition::Kind::kHead: return check_position(what + ".head", condition.position);
  }
  return invalid(what + " is of no known kind; use version, exists, none_match, some_match or head");
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool MatchItem::matches(const Event& event) const {
  if (!types.empty() && !contains(types, event.type())) return false;
  if (!streams.empty() && !contains(streams, event.stream())) return false;
  if (!event.stream().starts_with(stream_prefix)) return false;
  return std::all_of(tags.begin(), tags.end(), [&](const std::string& tag) { return event.has_tag(tag); });
}

bool matches(const Match& match, const Event& event) {
  return match.empty() ||
         std::any_of(match.begin(), match.end(), [&](const MatchItem& item) { return item.matches(event); });
}

std::string encode_conditions(const std::vector<Condition>& conditions) {
  std::string bytes;
  if (conditions.empty()) return bytes;
  put_varint(bytes, conditions.size());
  for (const Condition& condition : conditions) put_condition(bytes, condition);
  return bytes;
}

Result<std::vector<Condition>> decode_conditions(std::string_view bytes) {
  std::vector<Condition> conditions;
  if (bytes.empty()) return conditions;
  Decoder decoder(bytes);
  const uint64_t count = decoder.number(decoder.bytes_left());
  for (uint64_t i = 0; i < count && !decoder.failed(); i++) conditions.push_back(decoder.condition());
  if (decoder.failed() || !decoder.at_end() || count == 0) {
    return Error{Code::kCorrupt,
                 "the stored conditions of a commit (" + std::to_string(bytes.size()) +
                     " bytes) are damaged or from a newer version; run chronos verify",
                 ""};
  }
  return conditions;
}

Result<void> check_match(const std::string& what, const Match& match) {
  if (match.empty()) return invalid(what + " is an empty list; give at least one item");
  for (size_t i = 0; i < match.size(); i++) {
    if (auto checked = check_item(what + "[" + std::to_string(i) + "]", match[i]); !checked) return checked;
  }
  return {};
}

Result<void> check_conditions(const std::vector<Condition>& conditions) {
  const Limits limits;
  if (conditions.size() > limits.conditions) {
    return Error{Code::kTooLarge,
                 std::to_string(conditions.size()) + " conditions are more than the " +
                     std::to_string(limits.conditions) + " allowed; name the streams in fewer none_match items",
                 ""};
  }
  for (size_t i = 0; i < conditions.size(); i++) {
    auto checked = check_condition("conditions[" + std::to_string(i) + "]", conditions[i]);
    if (!checked) return checked;
  }
  if (const size_t size = encode_conditions(conditions).size(); size > limits.event_bytes) {
    return Error{Code::kTooLarge,
                 "the conditions take " + std::to_string(size) + " bytes, more than the " +
                     std::to_string(limits.event_bytes) + " allowed; shorten their lists",
                 ""};
  }
  return {};
}

}  // namespace chronos
