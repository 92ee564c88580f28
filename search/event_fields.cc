#include "search/event_fields.h"

#include <charconv>
#include <optional>
#include <utility>

#include "core/json_walk.h"
#include "core/log.h"

namespace chronos {
namespace {

constexpr std::string_view kExample = R"(, as in {"Message":["/text"],"*":["/note"]})";

Error wrong(const std::string& what) {
  return {Code::kInvalidArgument, "search.fields " + what + std::string(kExample), {}};
}

std::string string_of(std::string_view token) {
  return is_plain_string(token) ? std::string(token.substr(1, token.size() - 2)) : unescape_json(token);
}

Result<std::vector<std::string>> path_of(const std::string& text) {
  std::vector<std::string> path;
  if (!text.empty() && text.front() != '/') return wrong("has '" + text + "', which is no path: begin it with '/'");
  for (const char c : text) {
    if (c == '/') {
      path.emplace_back();
    } else {
      path.back() += c;
    }
  }
  for (std::string& token : path) {
    std::string plain;
    for (size_t i = 0; i < token.size(); i++) {
      const bool is_escape = token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1');
      plain += is_escape ? (token[++i] == '0' ? '~' : '/') : token[i];
    }
    token = std::move(plain);
  }
  return path;
}

// Of an object the member, the last one of duplicates; of an array the element.
std::optional<std::string_view> step(std::string_view json, const std::string& token) {
  std::optional<std::string_view> found;
  if (json.front() != '{' && json.front() != '[') return found;
  JsonWalk walk(ValidJson::trusted(json));
  walk.enter();
  if (json.front() == '{') {
    for (std::string_view key; walk.next_member(key);) {
      const std::string_view value = walk.take();
      if (string_of(key) == token) found = value;
    }
    return found;
  }
  size_t wanted = 0;
  const auto parsed = std::from_chars(token.data(), token.data() + token.size(), wanted);
  if (parsed.ec != std::errc() || parsed.ptr != token.data() + token.size()) return found;
  for (size_t i = 0; walk.next_element(); i++) {
    const std::string_view value = walk.take();
    if (i == wanted) return value;
  }
  return found;
}

}  // namespace

Result<EventFields> EventFields::parse(std::string_view json) {
  constexpr size_t kMostDepth = 4;
  std::string padded(json);
  padded.append(kSimdPadding, ' ');
  const auto checked = validate_json(std::string_view(padded).substr(0, json.size()), kMostDepth);
  if (!checked) return wrong("is no JSON object of types and paths: " + checked.error().message);
  JsonWalk walk(*checked);
  if (walk.peek() != '{') return wrong("is no JSON object of types and paths");
  EventFields fields;
  walk.enter();
  for (std::string_view key; walk.next_member(key);) {
    std::vector<Path>& paths = fields.paths_[string_of(key)];
    if (walk.peek() != '[') return wrong("has no list of paths for " + std::string(key));
    walk.enter();
    while (walk.next_element()) {
      const char kind = walk.peek();
      const std::string_view value = walk.take();
      if (kind != '"') return wrong("has a path for " + std::string(key) + " that is no string");
      auto path = path_of(string_of(value));
      if (!path) return path.error();
      paths.push_back(*std::move(path));
    }
  }
  return fields;
}

void EventFields::for_each(const Event& event, const std::function<void(std::string_view json)>& visit) const {
  auto paths = paths_.find(event.type());
  if (paths == paths_.end()) paths = paths_.find(std::string_view("*"));
  if (paths == paths_.end()) return visit(event.data());
  for (const Path& path : paths->second) {
    std::optional<std::string_view> value = event.data();
    for (size_t i = 0; i < path.size() && value; i++) value = step(*value, path[i]);
    if (value) visit(*value);
  }
}

std::string EventFields::text() const {
  std::string text;
  for (const auto& [type, paths] : paths_) {
    text += type + '\n';
    for (const Path& path : paths) {
      for (const std::string& token : path) text += '/' + std::to_string(token.size()) + ':' + token;
      text += '\n';
    }
    text += '\n';
  }
  return text;
}

}  // namespace chronos
