#include "tools/example_fields.h"

#include <simdjson.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/log.h"
#include "core/valid_json.h"

namespace chronos {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr size_t kFields = 10;
constexpr size_t kNestedFields = 3;
constexpr size_t kNameBytes = 64;
constexpr size_t kCharacters = 40;
constexpr std::string_view kLeftOut = "...";

// Up to `most` characters of valid UTF-8.
std::string_view prefix(std::string_view text, size_t most) {
  size_t end = 0;
  for (size_t characters = 0; end < text.size(); end++) {
    const bool begins = (static_cast<unsigned char>(text[end]) & 0xc0) != 0x80;
    if (begins && characters++ == most) break;
  }
  return text.substr(0, end);
}

void write_text(JsonWriter& json, std::string_view text) {
  const std::string_view shown = prefix(text, kCharacters);
  if (shown.size() == text.size()) {
    json.string(text);
  } else {
    json.string(std::string(shown).append(kLeftOut));
  }
}

void write_key(JsonWriter& json, std::string_view name) {
  std::string quoted;
  append_json_string(quoted, name);
  json.key(std::string_view(quoted).substr(1, quoted.size() - 2));
}

void write_value(JsonWriter& json, ondemand::value value, bool nested);

void write_members(JsonWriter& json, ondemand::object object) {
  size_t written = 0;
  json.begin_object();
  for (auto field : object) {
    std::string_view name;
    ondemand::value value;
    if (written == kNestedFields || field.unescaped_key().get(name) || field.value().get(value)) break;
    if (name.size() > kNameBytes) continue;
    write_key(json, name);
    write_value(json, value, true);
    written++;
  }
  json.end_object();
}

void write_first(JsonWriter& json, ondemand::array array) {
  json.begin_array();
  for (auto element : array) {
    ondemand::value value;
    if (!element.get(value)) write_value(json, value, true);
    break;
  }
  json.end_array();
}

void write_value(JsonWriter& json, ondemand::value value, bool nested) {
  ondemand::object object;
  ondemand::array array;
  std::string_view text;
  ondemand::json_type type = ondemand::json_type::null;
  static_cast<void>(value.type().get(type));
  if (type == ondemand::json_type::object) {
    if (nested || value.get_object().get(object)) {
      json.string("{...}");
    } else {
      write_members(json, object);
    }
  } else if (type == ondemand::json_type::array) {
    if (nested || value.get_array().get(array)) {
      json.string("[...]");
    } else {
      write_first(json, array);
    }
  } else if (type == ondemand::json_type::string) {
    write_text(json, value.get_string().get(text) ? kLeftOut : text);
  } else {
    // A number, true, false or null; the token comes with the spaces behind it.
    text = value.raw_json_token();
    json.raw(text.substr(0, text.find_last_not_of(" \t\r\n") + 1));
  }
}

}  // namespace

void write_example_fields(JsonWriter& json, std::string_view data) {
  ondemand::parser parser;
  ondemand::document document;
  ondemand::object object;
  const simdjson::padded_string_view padded(data.data(), data.size(), data.size() + kSimdPadding);
  uint64_t left_out = 0;
  std::vector<std::string> written;
  json.key("fields").begin_object();
  if (!parser.iterate(padded).get(document) && !document.get_object().get(object)) {
    for (auto field : object) {
      std::string_view name;
      ondemand::value value;
      if (field.unescaped_key().get(name) || field.value().get(value)) break;
      if (std::find(written.begin(), written.end(), name) != written.end()) continue;
      if (written.size() == kFields || name.size() > kNameBytes) {
        left_out++;
        continue;
      }
      written.emplace_back(name);
      write_key(json, name);
      write_value(json, value, false);
    }
  }
  json.end_object();
  if (left_out > 0) json.key("more_fields").integer(left_out);
}

}  // namespace chronos
