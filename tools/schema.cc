#include "tools/schema.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace chronos {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kKeywords[] = {"type",      "properties", "required", "additionalProperties",
                                          "items",     "enum",       "minimum",  "maximum",
                                          "minLength", "maxLength",  "minItems", "maxItems",
                                          "title",     "description"};

// A misspelled keyword would be published and never enforced.
void check_keywords(const Json& schema) {
  for (const auto& [keyword, value] : schema.items()) {
    CHECK(std::find(std::begin(kKeywords), std::end(kKeywords), keyword) != std::end(kKeywords));
    if (keyword == "properties") {
      for (const auto& property : value) check_keywords(property);
    }
    if (keyword == "items" || (keyword == "additionalProperties" && value.is_object())) check_keywords(value);
  }
}

bool is_integer(const Json& value) {
  if (value.is_number_integer()) return true;
  return value.is_number_float() && std::trunc(value.get<double>()) == value.get<double>();
}

bool has_type(const Json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "integer") return is_integer(value);
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  CHECK(type == "null");
  return value.is_null();
}

std::string type_text(const std::string& type) {
  if (type == "boolean") return "true or false";
  if (type == "null") return "null";
  return (type == "object" || type == "array" || type == "integer" ? "an " : "a ") + type;
}

// " between 1 and 1000", " of at least 1", or nothing.
std::string range_text(const Json& schema, const char* least, const char* most, const char* unit) {
  const bool from = schema.contains(least);
  const bool to = schema.contains(most);
  if (!from && !to) return "";
  if (from && to) return " between " + schema[least].dump() + " and " + schema[most].dump() + unit;
  return (from ? " of at least " + schema[least].dump() : " of at most " + schema[most].dump()) + unit;
}

std::string counted_text(const Json& schema, const char* least, const char* most, const char* unit) {
  if (schema.contains(least) && schema.contains(most)) {
    return " of " + schema[least].dump() + " to " + schema[most].dump() + unit;
  }
  return range_text(schema, least, most, unit);
}

std::string expected_text(const Json& schema) {
  if (schema.contains("enum")) {
    std::string names;
    for (const auto& name : schema["enum"]) names += (names.empty() ? "one of " : ", ") + name.dump();
    return names;
  }
  std::vector<std::string> types;
  if (schema["type"].is_array()) {
    types = schema["type"].get<std::vector<std::string>>();
  } else {
    types.push_back(schema["type"].get<std::string>());
  }
  std::string text;
  for (const std::string& type : types) {
    if (!text.empty()) text += " or ";
    text += type_text(type);
    if (type == "integer" || type == "number") text += range_text(schema, "minimum", "maximum", "");
    if (type == "string") text += counted_text(schema, "minLength", "maxLength", " characters");
    if (type == "array") text += counted_text(schema, "minItems", "maxItems", " items");
  }
  return text;
}

bool type_fits(const Json& value, const Json& schema) {
  if (!schema.contains("type")) return true;
  const Json& type = schema["type"];
  if (type.is_string()) return has_type(value, type.get_ref<const std::string&>());
  return std::any_of(type.begin(), type.end(),
                     [&](const Json& one) { return has_type(value, one.get_ref<const std::string&>()); });
}

size_t characters(const std::string& utf8) {
  return static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

bool size_fits(size_t size, const Json& schema, const char* least, const char* most) {
  return (!schema.contains(least) || size >= schema[least].get<size_t>()) &&
         (!schema.contains(most) || size <= schema[most].get<size_t>());
}

bool number_fits(const Json& value, const Json& schema) {
  return (!schema.contains("minimum") || value >= schema["minimum"]) &&
         (!schema.contains("maximum") || value <= schema["maximum"]);
}

// The value itself, not its members.
bool fits(const Json& value, const Json& schema) {
  if (!type_fits(value, schema)) return false;
  if (schema.contains("enum")) {
    const Json& allowed = schema["enum"];
    if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) return false;
  }
  if (value.is_number()) return number_fits(value, schema);
  if (value.is_string()) {
    return size_fits(characters(value.get_ref<const std::string&>()), schema, "minLength", "maxLength");
  }
  if (value.is_array()) return size_fits(value.size(), schema, "minItems", "maxItems");
  return true;
}

std::string received_text(const Json& value, const Json& schema) {
  if (value.is_null()) return "null: leave it out instead";
  if (value.is_array() && type_fits(value, schema)) return std::to_string(value.size()) + " items";
  if (value.is_string() && type_fits(value, schema) && !schema.contains("enum")) {
    const size_t count = characters(value.get_ref<const std::string&>());
    if (count == 0) return "an empty one: leave it out or fill it in";
    if (count > 60) return std::to_string(count) + " characters";
  }
  return shown(value);
}

// Without its full stop: "e.g. order-7" does not end one.
std::string first_sentence(const std::string& text) {
  for (size_t i = 0; i + 2 < text.size(); i++) {
    if (text[i] == '.' && text[i + 1] == ' ' && text[i + 2] >= 'A' && text[i + 2] <= 'Z') return text.substr(0, i);
  }
  return text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
}

Error invalid(std::string message) { return Error{Code::kInvalidArgument, std::move(message), ""}; }

class Checker {
 public:
  explicit Checker(std::string_view what) : what_(what) {}

  // `path` is empty for the root.
  Result<void> value(const Json& value, const Json& schema, const std::string& path) const {
    if (!fits(value, schema)) {
      const std::string name = path.empty() ? std::string(what_) : path;
      return invalid(name + " must be " + expected_text(schema) + ", got " + received_text(value, schema));
    }
    if (value.is_object()) return members(value, schema, path);
    if (!value.is_array() || !schema.contains("items")) return {};
    for (size_t i = 0; i < value.size(); i++) {
      auto checked = this->value(value[i], schema["items"], path + "[" + std::to_string(i) + "]");
      if (!checked) return checked;
    }
    return {};
  }

 private:
  Result<void> members(const Json& object, const Json& schema, const std::string& path) const {
    static const Json kNone = Json::object();
    const Json& properties = schema.contains("properties") ? schema["properties"] : kNone;
    const Json& others = schema.contains("additionalProperties") ? schema["additionalProperties"] : kNone;
    for (const auto& [name, member] : object.items()) {
      const bool known = properties.contains(name);
      if (!known && others.is_boolean() && !others.get<bool>()) return unknown(name, properties, path);
      if (!known && !others.is_object()) continue;
      auto checked = value(member, known ? properties[name] : others, path.empty() ? name : path + "." + name);
      if (!checked) return checked;
    }
    if (!schema.contains("required")) return {};
    for (const auto& name : schema["required"]) {
      if (!object.contains(name)) return missing(name.get<std::string>(), properties, path);
    }
    return {};
  }

  Error unknown(const std::string& name, const Json& properties, const std::string& path) const {
    std::vector<std::string> known;
    for (const auto& [key, ignored] : properties.items()) known.push_back(key);
    const std::string quoted = shown(name);
    std::string message =
        path.empty() ? "unknown " + std::string(what_) + " " + quoted : path + " has an unknown member " + quoted;
    const std::string near = nearest_name(name, known);
    if (!near.empty()) message += ", did you mean \"" + near + "\"?";
    if (known.empty()) return invalid(message + ": there are none");
    message += near.empty() ? ": known are " : " Known are ";
    for (size_t i = 0; i < known.size(); i++) message += (i == 0 ? "" : ", ") + known[i];
    return invalid(message);
  }

  Error missing(const std::string& name, const Json& properties, const std::string& path) const {
    std::string message = path.empty() ? "the " + std::string(what_) + " " : path + ".";
    message += name + " is missing: give " + expected_text(properties[name]);
    if (properties[name].contains("description")) {
      message += ", " + first_sentence(properties[name]["description"]);
    }
    return invalid(message);
  }

  std::string_view what_;
};

}  // namespace

std::string shown(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() <= 60) return text;
  size_t end = 57;
  while ((text[end] & 0xC0) == 0x80) end--;
  return text.substr(0, end) + "...";
}

size_t edit_distance(std::string_view a, std::string_view b) {
  // Damerau's distance with only neighbours swapped, three rows at a time.
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> above(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); j++) above[j] = j;
  for (size_t i = 1; i <= a.size(); i++) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); j++) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

Schema::Schema(std::string_view text) : root_(std::make_unique<const Json>(Json::parse(text, nullptr, false))) {
  CHECK(root_->is_object());
  check_keywords(*root_);
}

Schema::~Schema() = default;

Result<void> Schema::check(const Json& value, std::string_view what) const {
  return Checker(what).value(value, *root_, "");
}

}  // namespace chronos
