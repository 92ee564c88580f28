#include "search/json_fields.h"

#include <charconv>
#include <cmath>

#include "core/json_walk.h"
#include "core/valid_json.h"

namespace chronos {
namespace {

bool is_kind(const std::optional<std::string_view>& value, char first) {
  return value && !value->empty() && value->front() == first;
}

std::string_view within_quotes(std::string_view token) { return token.substr(1, token.size() - 2); }

}  // namespace

bool for_each_json_member(std::optional<std::string_view> object,
                          const std::function<bool(std::string_view key, std::string_view value)>& visit) {
  if (!is_kind(object, '{')) return false;
  JsonWalk walk(ValidJson::trusted(*object));
  walk.enter();
  for (std::string_view key; walk.next_member(key);) {
    const std::string_view value = walk.take();
    const bool goes_on =
        is_plain_string(key) ? visit(within_quotes(key), value) : visit(unescape_json(key), value);
    if (!goes_on) return false;
  }
  return true;
}

bool for_each_json_element(std::optional<std::string_view> array,
                           const std::function<bool(std::string_view value)>& visit) {
  if (!is_kind(array, '[')) return false;
  JsonWalk walk(ValidJson::trusted(*array));
  walk.enter();
  while (walk.next_element()) {
    if (!visit(walk.take())) return false;
  }
  return true;
}

std::optional<std::string_view> json_member(std::optional<std::string_view> object, std::string_view key) {
  std::optional<std::string_view> found;
  for_each_json_member(object, [&](std::string_view name, std::string_view value) {
    if (name != key) return true;
    found = value;
    return false;
  });
  return found;
}

std::optional<std::string> json_text(std::optional<std::string_view> value) {
  if (!is_kind(value, '"')) return std::nullopt;
  return is_plain_string(*value) ? std::string(within_quotes(*value)) : unescape_json(*value);
}

std::optional<double> json_number(std::optional<std::string_view> value) {
  if (!value || value->empty()) return std::nullopt;
  const char first = value->front();
  if (first != '-' && (first < '0' || first > '9')) return std::nullopt;
  double number = 0;  // stays 0 when it is too small for a double
  std::from_chars(value->data(), value->data() + value->size(), number);
  return number;
}

std::optional<uint64_t> json_count(std::optional<std::string_view> value) {
  const auto number = json_number(value);
  constexpr double kMost = 9007199254740992.0;
  if (!number || *number < 0 || *number > kMost || *number != std::floor(*number)) return std::nullopt;
  return static_cast<uint64_t>(*number);
}

std::optional<bool> json_truth(std::optional<std::string_view> value) {
  if (value == "true") return true;
  if (value == "false") return false;
  return std::nullopt;
}

}  // namespace chronos
