#include "core/field_filter.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "core/json_walk.h"
#include "core/log.h"

namespace chronos {
namespace {

constexpr size_t kMaxValueDepth = 64;

constexpr std::array<std::pair<std::string_view, FieldFilter::Op>, 8> kOps = {{
    {"=", FieldFilter::Op::kEqual},
    {"!=", FieldFilter::Op::kNotEqual},
    {"<", FieldFilter::Op::kLess},
    {"<=", FieldFilter::Op::kLessOrEqual},
    {">", FieldFilter::Op::kGreater},
    {">=", FieldFilter::Op::kGreaterOrEqual},
    {"contains", FieldFilter::Op::kContains},
    {"exists", FieldFilter::Op::kExists},
}};

Error invalid(std::string message) { return {Code::kInvalidArgument, std::move(message), ""}; }

Error invalid_path(std::string_view path) {
  return invalid(
      "path '" + std::string(path.substr(0, 200)) +
      "' is not a JSON Pointer; write it like /customer/id, with ~1 for a slash and ~0 for a tilde in a key");
}

Result<FieldFilter::Op> parse_op(std::string_view name) {
  for (const auto& [known, op] : kOps) {
    if (known == name) return op;
  }
  return invalid("op '" + std::string(name.substr(0, 200)) + "' is unknown; use one of = != < <= > >= contains exists");
}

Result<std::vector<std::string>> parse_path(std::string_view path) {
  std::vector<std::string> tokens;
  if (!path.empty() && path.front() != '/') return invalid_path(path);
  for (size_t i = 0; i < path.size(); i++) {
    if (path[i] == '/') {
      tokens.emplace_back();
    } else if (path[i] != '~') {
      tokens.back().push_back(path[i]);
    } else {
      i++;
      if (i == path.size() || (path[i] != '0' && path[i] != '1')) return invalid_path(path);
      tokens.back().push_back(path[i] == '0' ? '~' : '/');
    }
  }
  return tokens;
}

// Escapes only ever make a text longer, so most keys are told apart by their size.
bool key_is(std::string_view key, std::string_view name) {
  if (key.size() - 2 < name.size()) return false;
  if (is_plain_string(key)) return key.substr(1, key.size() - 2) == name;
  return unescape_json(key) == name;
}

using Found = std::optional<std::string_view>;

Found find_member(std::string_view object, std::string_view name) {
  JsonWalk walk(ValidJson::trusted(object));
  walk.enter();
  Found found;
  for (std::string_view key; walk.next_member(key);) {
    const std::string_view value = walk.take();
    if (key_is(key, name)) found = value;  // and go on: the last one counts
  }
  return found;
}

Found find_element(std::string_view array, std::string_view token) {
  size_t index = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
  const bool is_index =
      error == std::errc() && end == token.data() + token.size() && (token.front() != '0' || token.size() == 1);
  if (!is_index) return std::nullopt;
  JsonWalk walk(ValidJson::trusted(array));
  walk.enter();
  for (; walk.next_element(); index--) {
    const std::string_view value = walk.take();
    if (index == 0) return value;
  }
  return std::nullopt;
}

Found find(ValidJson data, const std::vector<std::string>& path) {
  if (path.empty()) return JsonWalk(data).take();
  Found found = data.text().substr(data.text().find_first_not_of(" \n\t\r"));  // not taken: that would walk it twice
  for (const std::string& token : path) {
    switch (found->front()) {
      case '{': found = find_member(*found, token); break;
      case '[': found = find_element(*found, token); break;
      default: return std::nullopt;
    }
    if (!found) return std::nullopt;
  }
  return found;
}

bool is_string(std::string_view value) { return value.front() == '"'; }
bool is_number(std::string_view value) {
  return value.front() == '-' || (value.front() >= '0' && value.front() <= '9');
}

std::strong_ordering compare_strings(std::string_view left, std::string_view right) {
  if (is_plain_string(left) && is_plain_string(right)) {
    return left.substr(1, left.size() - 2).compare(right.substr(1, right.size() - 2)) <=> 0;
  }
  return unescape_json(left).compare(unescape_json(right)) <=> 0;
}

// Unordered when the two are not both numbers or both strings.
std::partial_ordering compare(std::string_view left, std::string_view right) {
  if (is_number(left) && is_number(right)) return compare_json_numbers(left, right);
  if (is_string(left) && is_string(right)) return compare_strings(left, right);
  return std::partial_ordering::unordered;
}

bool contains_string(std::string_view found, std::string_view value) {
  if (is_plain_string(found) && is_plain_string(value)) {
    return found.substr(1, found.size() - 2).find(value.substr(1, value.size() - 2)) != found.npos;
  }
  return unescape_json(found).find(unescape_json(value)) != std::string::npos;
}

bool contains(std::string_view found, std::string_view value) {
  switch (found.front()) {
    case '"': return is_string(value) && contains_string(found, value);
    case '{': return is_string(value) && find_member(found, unescape_json(value)).has_value();
    case '[': {
      JsonWalk walk(ValidJson::trusted(found));
      walk.enter();
      while (walk.next_element()) {
        if (json_equal(walk.take(), value)) return true;
      }
      return false;
    }
    default: return false;
  }
}

}  // namespace

Result<FieldFilter> FieldFilter::make(std::string_view path, std::string_view op, std::string_view value) {
  FieldFilter filter;
  auto tokens = parse_path(path);
  if (!tokens) return tokens.error();
  filter.path_ = *std::move(tokens);
  const auto known = parse_op(op);
  if (!known) return known.error();
  filter.op_ = *known;
  if (filter.op_ == Op::kExists && value.empty()) value = "true";
  if (value.empty()) return invalid("op '" + std::string(op) + "' needs a value to compare with; give one");
  const std::string padded = std::string(value) + std::string(kSimdPadding, ' ');
  const auto checked = validate_json(std::string_view(padded).substr(0, value.size()), kMaxValueDepth);
  if (!checked) return checked.error();
  filter.value_ = JsonWalk(*checked).take();
  if (filter.op_ == Op::kExists && filter.value_ != "true" && filter.value_ != "false") {
    return invalid("op 'exists' takes true or false, not " + filter.value_.substr(0, 200) +
                   "; leave the value out for true");
  }
  filter.value_size_ = filter.value_.size();
  filter.value_.append(kSimdPadding, ' ');
  return filter;
}

bool FieldFilter::matches(ValidJson data) const {
  const std::string_view value = std::string_view(value_).substr(0, value_size_);
  const Found found = find(data, path_);
  if (op_ == Op::kExists) return found.has_value() == (value == "true");
  if (!found) return false;
  switch (op_) {
    case Op::kEqual: return json_equal(*found, value);
    case Op::kNotEqual: return !json_equal(*found, value);
    case Op::kLess: return compare(*found, value) < 0;
    case Op::kLessOrEqual: return compare(*found, value) <= 0;
    case Op::kGreater: return compare(*found, value) > 0;
    case Op::kGreaterOrEqual: return compare(*found, value) >= 0;
    case Op::kContains: return contains(*found, value);
    case Op::kExists: break;
  }
  return false;
}

bool matches(const std::vector<FieldFilter>& filters, ValidJson data) {
  return std::all_of(filters.begin(), filters.end(), [&](const FieldFilter& filter) { return filter.matches(data); });
}

}  // namespace chronos
