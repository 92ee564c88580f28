#include "search/event_text.h"

#include "core/json_walk.h"
#include "core/valid_json.h"

namespace chronos {
namespace {

// Of any JSON value; events' data is not nested deeper than their limit.
void add_strings(std::string_view json, size_t most_bytes, std::string& to) {
  if (to.size() >= most_bytes) return;
  if (json.front() == '"') {
    if (!to.empty()) to += '\n';
    to += is_plain_string(json) ? std::string(json.substr(1, json.size() - 2)) : unescape_json(json);
  } else if (json.front() == '{') {
    JsonWalk walk(ValidJson::trusted(json));
    walk.enter();
    for (std::string_view key; walk.next_member(key);) add_strings(walk.take(), most_bytes, to);
  } else if (json.front() == '[') {
    JsonWalk walk(ValidJson::trusted(json));
    walk.enter();
    while (walk.next_element()) add_strings(walk.take(), most_bytes, to);
  }
}

}  // namespace

std::string event_text(const Event& event, size_t most_bytes) {
  std::string text;
  add_strings(event.data(), most_bytes, text);
  if (text.empty()) text = event.type();
  if (text.size() > most_bytes) {
    size_t end = most_bytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) end--;
    text.resize(end);
  }
  return text;
}

}  // namespace chronos
