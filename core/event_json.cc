// Reads one event with simdjson's on-demand parser: one pass over text that is already known to be valid JSON, so that
// skipping is safe and `data`, the bulk of an event, is a slice found by counting brackets.  A string without a
// backslash is a slice too; others are unescaped into the parser's buffer.  About as much work for an event of
// 375 bytes as the validation before it.
#include "core/event_json.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "core/log.h"
#include "core/time_text.h"

namespace chronos {
namespace {

namespace ondemand = simdjson::ondemand;

enum class Member : uint8_t {
  kStream,
  kType,
  kData,
  kMetadata,
  kTags,
  kId,
  kCorrelationId,
  kCausationId,
  kValidAt,
  kEmbedding,
  kPosition,
  kVersion,
  kRecordedAt,
  kActor,
  kFork,
};
constexpr size_t kClientMembers = 10;
constexpr std::array<std::string_view, 15> kMemberNames = {
    "stream",    "type",     "data",    "metadata",    "tags",  "id",  "correlation_id", "causation_id", "valid_at",
    "embedding", "position", "version", "recorded_at", "actor", "fork"};

std::string_view name_of(Member member) { return kMemberNames[static_cast<size_t>(member)]; }

// A piece of the client's text for a message: at most 60 bytes, cut between characters.
std::string shortened(std::string_view text) {
  constexpr size_t kMost = 60;
  if (text.size() <= kMost) return std::string(text);
  size_t cut = kMost - 3;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) cut--;
  return std::string(text.substr(0, cut)) + "...";
}

Error wrong_value(std::string_view field, std::string_view received, std::string_view expected) {
  return Error{Code::kInvalidArgument,
               std::string(field) + " is " + shortened(received) + ", expected " + std::string(expected), ""};
}

Error unreadable(simdjson::error_code error) {
  return Error{Code::kInvalidArgument, std::string("the event is not readable JSON: ") + simdjson::error_message(error),
               ""};
}

std::string_view without_trailing_space(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == '\r' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

// The value's text, whatever its type.
Result<std::string_view> raw_value(ondemand::value value) {
  std::string_view raw;
  ondemand::json_type type;
  simdjson::error_code error = value.type().get(type);
  if (error) return unreadable(error);
  if (type == ondemand::json_type::object) {
    ondemand::object object;
    error = value.get_object().get(object);
    if (!error) error = object.raw_json().get(raw);
  } else if (type == ondemand::json_type::array) {
    ondemand::array array;
    error = value.get_array().get(array);
    if (!error) error = array.raw_json().get(raw);
  } else {
    raw = value.raw_json_token();
  }
  if (error) return unreadable(error);
  return without_trailing_space(raw);
}

Error wrong_type(std::string_view field, ondemand::value value, std::string_view expected) {
  auto raw = raw_value(value);
  if (!raw) return raw.error();
  return wrong_value(field, *raw, expected);
}

// The value must be a string; the view is into the text, or into the parser's buffer when it had escapes.
Result<std::string_view> string_value(std::string_view field, ondemand::value value) {
  std::string_view token = without_trailing_space(value.raw_json_token());
  if (token.front() != '"') return wrong_type(field, value, "a string");
  if (token.find('\\') == std::string_view::npos) return token.substr(1, token.size() - 2);
  std::string_view text;
  if (auto error = value.get_string().get(text)) return unreadable(error);
  return text;
}

// For the fields where absent and empty would otherwise look alike.
Result<std::string_view> nonempty_value(std::string_view field, ondemand::value value) {
  auto text = string_value(field, value);
  if (text && text->empty()) return wrong_value(field, "\"\"", "a non-empty string (leave the field out to give none)");
  return text;
}

// How many '{' and '[' there are, those in strings too, eight bytes at a time.
size_t count_opening(std::string_view text) {
  constexpr uint64_t kEach = 0x0101010101010101;
  size_t count = 0;
  size_t i = 0;
  while (i + 8 <= text.size()) {
    uint64_t lanes = 0;  // a count in every byte, so at most 255 rounds
    for (int round = 0; round < 255 && i + 8 <= text.size(); round++, i += 8) {
      uint64_t word;
      std::memcpy(&word, text.data() + i, 8);
      const uint64_t differs =
          (word | (kEach * 0x20)) ^ (kEach * '{');  // a zero byte where there is one: '[' | 0x20 is '{'
      lanes += (~(((differs & (kEach * 0x7f)) + kEach * 0x7f) | differs) >> 7) & kEach;
    }
    const uint64_t pairs = (lanes & 0x00ff00ff00ff00ff) + ((lanes >> 8) & 0x00ff00ff00ff00ff);
    count += (pairs * 0x0001000100010001) >> 48;
  }
  for (; i < text.size(); i++) count += static_cast<size_t>((text[i] | 0x20) == '{');
  return count;
}

Result<std::string_view> object_value(std::string_view field, ondemand::value value, size_t max_depth) {
  ondemand::object object;
  if (value.raw_json_token().front() != '{') return wrong_type(field, value, "a JSON object");
  std::string_view raw;
  auto error = value.get_object().get(object);
  if (!error) error = object.raw_json().get(raw);
  if (error) return unreadable(error);
  raw = without_trailing_space(raw);
  // Text with few opening brackets cannot be deep; counting them is much cheaper than following them.
  if (count_opening(raw) > max_depth && json_depth(ValidJson::trusted(raw)) > max_depth) {
    return Error{Code::kTooLarge,
                 std::string(field) + " is nested deeper than " + std::to_string(max_depth) +
                     " levels: flatten it or store the inner part as a string",
                 ""};
  }
  return raw;
}

Result<Timestamp> time_value(std::string_view field, ondemand::value value) {
  auto text = string_value(field, value);
  if (!text) return text.error();
  auto time = parse_time(*text);
  if (!time) return Error{time.error().code, std::string(field) + ": " + time.error().message, ""};
  return time;
}

std::string known_members(EventSource source) {
  std::string names;
  const size_t count = source == EventSource::kExport ? kMemberNames.size() : kClientMembers;
  for (size_t i = 0; i < count; i++) {
    if (i > 0) names += ", ";
    names += kMemberNames[i];
  }
  return names;
}

}  // namespace

struct EventDecoder::Fields {
  Fields(const Limits& the_limits, EventSource the_source) : limits(the_limits), source(the_source) {}

  Result<Member> member(ondemand::field& field);
  Result<void> take(Member member, ondemand::value value);
  Result<void> take_tags(ondemand::value value);
  Result<void> take_embedding(ondemand::value value);
  Result<void> check_complete();

  const Limits& limits;
  const EventSource source;
  ondemand::parser parser;
  std::vector<std::string_view> tags;
  std::vector<float> embedding;
  NewEvent event;
  std::optional<Timestamp> recorded_at;
  uint32_t seen = 0;
};

EventDecoder::EventDecoder(const Limits& limits, EventSource source)
    : fields_(std::make_unique<Fields>(limits, source)) {}
EventDecoder::~EventDecoder() = default;

Result<NewEvent> EventDecoder::decode(ValidJson json) {
  Fields& fields = *fields_;
  fields.event = {};
  fields.tags.clear();
  fields.embedding.clear();
  fields.recorded_at.reset();
  fields.seen = 0;

  const std::string_view text = json.text();
  ondemand::document document;
  const simdjson::padded_string_view padded(text.data(), text.size(), text.size() + kSimdPadding);
  if (auto error = fields.parser.iterate(padded).get(document)) return unreadable(error);
  ondemand::object object;
  if (document.get_object().get(object)) return wrong_value("the event", without_trailing_space(text), "a JSON object");
  for (auto item : object) {
    ondemand::field field;
    if (auto error = std::move(item).get(field)) return unreadable(error);
    auto member = fields.member(field);
    if (!member) return member.error();
    if (auto taken = fields.take(*member, field.value()); !taken) return taken.error();
  }
  if (auto complete = fields.check_complete(); !complete) return complete.error();
  return fields.event;
}

// Which member it is, unless it is unknown or came before.
Result<Member> EventDecoder::Fields::member(ondemand::field& field) {
  const char* raw = field.key().raw();
  const char* end = raw;
  while (*end != '"' && *end != '\\') end++;
  std::string_view name(raw, static_cast<size_t>(end - raw));
  if (*end == '\\') {
    if (auto error = field.unescaped_key().get(name)) return unreadable(error);
  }
  const size_t known = source == EventSource::kExport ? kMemberNames.size() : kClientMembers;
  const auto* found = std::find(kMemberNames.begin(), kMemberNames.begin() + known, name);
  if (found == kMemberNames.begin() + known) {
    return Error{Code::kInvalidArgument,
                 "unknown field '" + shortened(name) + "' in the event; known: " + known_members(source), ""};
  }
  const auto index = static_cast<size_t>(found - kMemberNames.begin());
  if ((seen & (1u << index)) != 0) {
    return Error{Code::kInvalidArgument, std::string(name) + " is given twice in the event: give it once", ""};
  }
  seen |= 1u << index;
  return static_cast<Member>(index);
}

Result<void> EventDecoder::Fields::take(Member member, ondemand::value value) {
  const std::string_view name = name_of(member);
  const auto keep = [](auto result, auto& to) -> Result<void> {
    if (!result) return result.error();
    to = *result;
    return {};
  };
  switch (member) {
    case Member::kStream: return keep(string_value(name, value), event.stream);
    case Member::kType: return keep(string_value(name, value), event.type);
    case Member::kData: return keep(object_value(name, value, limits.json_depth), event.data);
    case Member::kMetadata: return keep(object_value(name, value, limits.json_depth), event.metadata);
    case Member::kTags: return take_tags(value);
    case Member::kId: return keep(nonempty_value(name, value), event.id);
    case Member::kCorrelationId: return keep(nonempty_value(name, value), event.correlation_id);
    case Member::kCausationId: return keep(nonempty_value(name, value), event.causation_id);
    case Member::kValidAt: return keep(time_value(name, value), event.valid_at);
    case Member::kEmbedding: return take_embedding(value);
    case Member::kRecordedAt: return keep(time_value(name, value), recorded_at);
    case Member::kPosition:
    case Member::kVersion:
    case Member::kActor:
    case Member::kFork: return {};
  }
  return {};
}

Result<void> EventDecoder::Fields::take_tags(ondemand::value value) {
  if (value.raw_json_token().front() != '[') return wrong_type("tags", value, "an array of strings");
  ondemand::array array;
  if (auto error = value.get_array().get(array)) return unreadable(error);
  for (auto item : array) {
    ondemand::value element;
    if (auto error = std::move(item).get(element)) return unreadable(error);
    if (tags.size() == limits.tags) {
      return Error{Code::kTooLarge, "tags has more than " + std::to_string(limits.tags) + " entries: give fewer", ""};
    }
    auto tag = string_value("tags[" + std::to_string(tags.size()) + "]", element);
    if (!tag) return tag.error();
    tags.push_back(*tag);
  }
  event.tags = tags;
  return {};
}

Result<void> EventDecoder::Fields::take_embedding(ondemand::value value) {
  if (value.raw_json_token().front() != '[') return wrong_type("embedding", value, "an array of numbers");
  ondemand::array array;
  if (auto error = value.get_array().get(array)) return unreadable(error);
  for (auto item : array) {
    ondemand::value element;
    if (auto error = std::move(item).get(element)) return unreadable(error);
    if (embedding.size() == limits.embedding_floats) {
      return Error{
          Code::kTooLarge,
          "embedding has more than " + std::to_string(limits.embedding_floats) + " numbers: use a smaller model", ""};
    }
    double number = 0;
    const bool is_number = !element.get_double().get(number);
    if (!is_number || !std::isfinite(static_cast<float>(number))) {
      return wrong_type("embedding[" + std::to_string(embedding.size()) + "]", element,
                        "a number within a 32-bit float");
    }
    embedding.push_back(static_cast<float>(number));
  }
  if (embedding.empty())
    return wrong_value("embedding", "[]", "at least one number (leave the field out to give none)");
  event.embedding = embedding;
  return {};
}

Result<void> EventDecoder::Fields::check_complete() {
  for (Member required : {Member::kStream, Member::kType, Member::kData}) {
    if ((seen & (1u << static_cast<size_t>(required))) == 0) {
      return Error{Code::kInvalidArgument,
                   std::string(name_of(required)) + " is missing in the event; stream, type and data are required", ""};
    }
  }
  if (!event.valid_at) event.valid_at = recorded_at;
  return {};
}

}  // namespace chronos
