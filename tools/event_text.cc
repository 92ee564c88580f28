// The text of an event.
//
// Stored JSON is spliced as it is.  For a summary it is walked once, token by token, only when it is long enough to
// hold a string worth shortening: the walker keeps the path of where it is as one JSON Pointer that grows and shrinks,
// copies everything between long strings in one piece, and never builds a tree.  It trusts its input (checked when it
// was written), so it needs no error paths, and its recursion is bounded by the depth limit of payloads.
#include "tools/event_text.h"

#include "core/time_text.h"
#include "core/valid_json.h"

namespace chronos {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// The end of the string token that begins at `from`, one past its closing quote.
size_t string_end(std::string_view text, size_t from) {
  size_t at = from + 1;
  while (text[at] != '"') at += text[at] == '\\' ? 2 : 1;
  return at + 1;
}

// The size in bytes of the first `characters` code points.
size_t prefix_bytes(std::string_view utf8, size_t characters) {
  size_t at = 0;
  while (at < utf8.size()) {
    if ((static_cast<unsigned char>(utf8[at]) & 0xC0) != 0x80 && characters-- == 0) break;
    at++;
  }
  return at;
}

size_t count_characters(std::string_view utf8) {
  size_t count = 0;
  for (const char c : utf8) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

class Shortener {
 public:
  Shortener(std::string_view text, std::string& to, std::vector<std::string>& shortened)
      : text_(text), to_(to), shortened_(shortened) {}

  void run() {
    value();
    copy_until(text_.size());
  }

 private:
  void copy_until(size_t end) {
    const size_t from = to_.size();
    to_.append(text_, copied_, end - copied_);
    for (size_t i = from; i < to_.size(); i++) {
      if (to_[i] == '\n' || to_[i] == '\r') to_[i] = ' ';
    }
    copied_ = end;
  }

  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) at_++;
  }

  void value() {
    skip_space();
    switch (text_[at_]) {
      case '{': members(); break;
      case '[': elements(); break;
      case '"': string(); break;
      default:
        while (at_ < text_.size() && !is_space(text_[at_]) &&
               std::string_view(",]}").find(text_[at_]) == std::string::npos) {
          at_++;
        }
    }
    skip_space();
  }

  void members() {
    at_++;
    skip_space();
    while (text_[at_] != '}') {
      const size_t end = string_end(text_, at_);
      const size_t path_size = path_.size();
      push(unescape_json(text_.substr(at_, end - at_)));
      at_ = end;
      skip_space();
      at_++;  // the colon
      value();
      path_.resize(path_size);
      if (text_[at_] == ',') at_++;
      skip_space();
    }
    at_++;
  }

  void elements() {
    at_++;
    skip_space();
    for (size_t i = 0; text_[at_] != ']'; i++) {
      const size_t path_size = path_.size();
      push(std::to_string(i));
      value();
      path_.resize(path_size);
      if (text_[at_] == ',') at_++;
      skip_space();
    }
    at_++;
  }

  void string() {
    const size_t begin = at_;
    at_ = string_end(text_, at_);
    if (at_ - begin - 2 <= kShortenOver) return;  // has no more characters than bytes
    const std::string whole = unescape_json(text_.substr(begin, at_ - begin));
    const size_t characters = count_characters(whole);
    if (characters <= kShortenOver) return;
    copy_until(begin);
    std::string shorter = whole.substr(0, prefix_bytes(whole, kShortenTo));
    shorter += "...[" + std::to_string(characters - kShortenTo) + " more characters]";
    append_json_string(to_, shorter);
    copied_ = at_;
    shortened_.push_back(path_);
  }

  // RFC 6901: ~ and / in a name are written ~0 and ~1.
  void push(std::string_view name) {
    path_ += '/';
    for (const char c : name) {
      if (c == '~') {
        path_ += "~0";
      } else if (c == '/') {
        path_ += "~1";
      } else {
        path_ += c;
      }
    }
  }

  std::string_view text_;
  std::string& to_;
  std::vector<std::string>& shortened_;
  std::string path_;
  size_t at_ = 0;
  size_t copied_ = 0;
};

void write_tags(JsonWriter& json, const Event& event) {
  if (event.tag_count() == 0) return;
  json.key("tags").begin_array();
  event.for_each_tag([&](std::string_view tag) { json.string(tag); });
  json.end_array();
}

void write_embedding(JsonWriter& json, const Event& event) {
  if (event.embedding_size() == 0) return;
  std::vector<float> floats(event.embedding_size());
  event.copy_embedding(floats.data());
  json.key("embedding").begin_array();
  for (const float f : floats) json.number(f);
  json.end_array();
}

}  // namespace

void write_shortened(JsonWriter& json, std::string_view text, std::vector<std::string>& shortened) {
  if (text.size() <= kShortenOver + 2) {
    json.raw(text);
    return;
  }
  Shortener(text, json.next(), shortened).run();
}

void write_event_members(JsonWriter& json, const Event& event, Detail detail) {
  json.key("position").integer(event.position().value);
  json.key("version").integer(event.version().value);
  json.key("stream").string(event.stream());
  json.key("type").string(event.type());
  json.key("id").string(event.id());
  json.key("recorded_at").string(format_time(event.recorded_at()));
  json.key("actor").string(event.actor());
  std::vector<std::string> shortened;
  json.key("data");
  if (detail == Detail::kSummary) {
    write_shortened(json, event.data(), shortened);
  } else {
    json.raw(event.data());
  }
  write_tags(json, event);
  if (!event.metadata().empty()) json.key("metadata").raw(event.metadata());
  if (!event.correlation_id().empty()) json.key("correlation_id").string(event.correlation_id());
  if (!event.causation_id().empty()) json.key("causation_id").string(event.causation_id());
  if (event.valid_at() != event.recorded_at()) json.key("valid_at").string(format_time(event.valid_at()));
  if (detail == Detail::kFull) write_embedding(json, event);
  if (shortened.empty()) return;
  json.key("shortened").begin_array();
  for (const std::string& pointer : shortened) json.string(pointer);
  json.end_array();
}

void append_event(std::string& to, const Event& event, Detail detail) {
  JsonWriter json(to);
  json.begin_object();
  write_event_members(json, event, detail);
  json.end_object();
}

}  // namespace chronos
