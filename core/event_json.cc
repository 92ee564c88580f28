// Reads one event by walking text that is already known to be valid JSON (core/json_walk.h): a key or string without a
// backslash is a slice of the text, and so is `data`, the bulk of an event, which is passed over by counting brackets.
// Other strings are unescaped into the decoder's buffer.
#include "core/event_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <deque>
#include <string>
#include <vector>

#include "core/json_walk.h"
#include "core/time_text.h"

namespace chronos {
namespace {

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

std::string_view without_space_around(std::string_view text) {
  constexpr std::string_view kSpace = " \n\r\t";
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  return text.substr(0, text.find_last_not_of(kSpace) + 1);
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

  Result<void> take(const JsonMember& given);
  Result<Member> member(std::string_view key);
  std::optional<Member> usual_member(std::string_view key);
  Result<std::string_view> string(std::string_view field, std::string_view token);
  Result<std::string_view> nonempty(std::string_view field, std::string_view token);
  Result<std::string_view> object(std::string_view field, const JsonMember& given) const;
  Result<Timestamp> time(std::string_view field, std::string_view token);
  Result<void> take_tags(std::string_view array);
  Result<void> take_embedding(std::string_view array);
  Result<void> check_complete();
  // The characters of a string token.
  std::string_view characters(std::string_view token);

  const Limits& limits;
  const EventSource source;
  std::deque<std::string> unescaped;  // they must not move
  std::vector<std::string_view> tags;
  std::vector<float> embedding;
  NewEvent event;
  std::optional<Timestamp> recorded_at;
  uint32_t seen = 0;
  // Of the last event, the member at each place: most events of a client have the same ones in the same order.
  std::array<Member, kMemberNames.size()> usual{};
  size_t count = 0;  // of members taken
};

EventDecoder::EventDecoder(const Limits& limits, EventSource source)
    : fields_(std::make_unique<Fields>(limits, source)) {}
EventDecoder::~EventDecoder() = default;

void EventDecoder::clear() {
  Fields& fields = *fields_;
  fields.event = {};
  if (!fields.unescaped.empty()) fields.unescaped.clear();
  fields.tags.clear();
  fields.embedding.clear();
  fields.recorded_at.reset();
  fields.seen = 0;
  fields.count = 0;
}

Result<NewEvent> EventDecoder::decode(ValidJson json) {
  clear();
  JsonWalk walk(json);
  if (walk.peek() != '{') return wrong_value("the event", without_space_around(json.text()), "a JSON object");
  walk.enter();
  for (JsonMember given; walk.next_member(given.key);) {
    const bool is_container = walk.peek() == '{' || walk.peek() == '[';
    given.value = walk.take();
    given.depth = is_container ? walk.containers_taken() : 0;
    if (auto taken = fields_->take(given); !taken) return taken.error();
  }
  if (auto complete = fields_->check_complete(); !complete) return complete.error();
  return fields_->event;
}

Result<NewEvent> EventDecoder::decode(std::span<const JsonMember> members) {
  clear();
  for (const JsonMember& given : members) {
    if (auto taken = fields_->take(given); !taken) return taken.error();
  }
  if (auto complete = fields_->check_complete(); !complete) return complete.error();
  return fields_->event;
}

std::string_view EventDecoder::Fields::characters(std::string_view token) {
  if (is_plain_string(token)) return token.substr(1, token.size() - 2);
  return unescaped.emplace_back(unescape_json(token));
}

// The one that was at this place in the event before, if it is that.
std::optional<Member> EventDecoder::Fields::usual_member(std::string_view key) {
  if (count >= usual.size()) return std::nullopt;
  const Member member = usual[count];
  const uint32_t bit = 1u << static_cast<size_t>(member);
  if (key.substr(1, key.size() - 2) != name_of(member) || (seen & bit) != 0) return std::nullopt;
  seen |= bit;
  count++;
  return member;
}

// Which member it is, unless it is unknown or came before.
Result<Member> EventDecoder::Fields::member(std::string_view key) {
  if (const auto usual_one = usual_member(key)) return *usual_one;
  const std::string_view name = characters(key);
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
  if (count < usual.size()) usual[count++] = static_cast<Member>(index);
  return static_cast<Member>(index);
}

Result<void> EventDecoder::Fields::take(const JsonMember& given) {
  const auto member = this->member(given.key);
  if (!member) return member.error();
  const std::string_view name = name_of(*member);
  const std::string_view value = given.value;
  const auto keep = [](auto result, auto& to) -> Result<void> {
    if (!result) return result.error();
    to = *result;
    return {};
  };
  switch (*member) {
    case Member::kStream: return keep(string(name, value), event.stream);
    case Member::kType: return keep(string(name, value), event.type);
    case Member::kData: return keep(object(name, given), event.data);
    case Member::kMetadata: return keep(object(name, given), event.metadata);
    case Member::kTags: return take_tags(value);
    case Member::kId: return keep(nonempty(name, value), event.id);
    case Member::kCorrelationId: return keep(nonempty(name, value), event.correlation_id);
    case Member::kCausationId: return keep(nonempty(name, value), event.causation_id);
    case Member::kValidAt: return keep(time(name, value), event.valid_at);
    case Member::kEmbedding: return take_embedding(value);
    case Member::kRecordedAt: return keep(time(name, value), recorded_at);
    case Member::kPosition:
    case Member::kVersion:
    case Member::kActor:
    case Member::kFork: return {};
  }
  return {};
}

Result<std::string_view> EventDecoder::Fields::string(std::string_view field, std::string_view token) {
  if (token.front() != '"') return wrong_value(field, token, "a string");
  return characters(token);
}

// For the fields where absent and empty would otherwise look alike.
Result<std::string_view> EventDecoder::Fields::nonempty(std::string_view field, std::string_view token) {
  auto text = string(field, token);
  if (text && text->empty()) return wrong_value(field, "\"\"", "a non-empty string (leave the field out to give none)");
  return text;
}

Result<std::string_view> EventDecoder::Fields::object(std::string_view field, const JsonMember& given) const {
  const std::string_view token = given.value;
  if (token.front() != '{') return wrong_value(field, token, "a JSON object");
  if (given.depth > limits.json_depth && json_depth(ValidJson::trusted(token)) > limits.json_depth) {
    return Error{Code::kTooLarge,
                 std::string(field) + " is nested deeper than " + std::to_string(limits.json_depth) +
                     " levels: flatten it or store the inner part as a string",
                 ""};
  }
  return token;
}

Result<Timestamp> EventDecoder::Fields::time(std::string_view field, std::string_view token) {
  auto text = string(field, token);
  if (!text) return text.error();
  auto time = parse_time(*text);
  if (!time) return Error{time.error().code, std::string(field) + ": " + time.error().message, ""};
  return time;
}

Result<void> EventDecoder::Fields::take_tags(std::string_view array) {
  if (array.front() != '[') return wrong_value("tags", array, "an array of strings");
  JsonWalk walk(ValidJson::trusted(array));
  walk.enter();
  while (walk.next_element()) {
    if (tags.size() == limits.tags) {
      return Error{Code::kTooLarge, "tags has more than " + std::to_string(limits.tags) + " entries: give fewer", ""};
    }
    const std::string_view token = walk.take();
    if (token.front() != '"') return wrong_value("tags[" + std::to_string(tags.size()) + "]", token, "a string");
    tags.push_back(characters(token));
  }
  event.tags = tags;
  return {};
}

Result<void> EventDecoder::Fields::take_embedding(std::string_view array) {
  if (array.front() != '[') return wrong_value("embedding", array, "an array of numbers");
  JsonWalk walk(ValidJson::trusted(array));
  walk.enter();
  while (walk.next_element()) {
    if (embedding.size() == limits.embedding_floats) {
      return Error{
          Code::kTooLarge,
          "embedding has more than " + std::to_string(limits.embedding_floats) + " numbers: use a smaller model", ""};
    }
    const std::string_view token = walk.take();
    double number = 0;  // stays 0 when it is too small for a double; too large for one is no valid JSON to us
    const bool is_number = token.front() == '-' || (token.front() >= '0' && token.front() <= '9');
    if (is_number) std::from_chars(token.data(), token.data() + token.size(), number);
    if (!is_number || !std::isfinite(static_cast<float>(number))) {
      return wrong_value("embedding[" + std::to_string(embedding.size()) + "]", token,
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
