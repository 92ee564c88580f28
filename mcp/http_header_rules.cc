#include "mcp/http_header_rules.h"

#include <simdjson.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "core/log.h"
#include "core/valid_json.h"
#include "mcp/revision.h"

namespace chronos {
namespace {

std::optional<RpcError> mismatch(std::string message) {
  return RpcError{RpcCode::kHeaderMismatch, std::move(message), ""};
}

// The raw JSON at `path` in the params of a message; "" when there is nothing, or null.
std::string raw_at(std::string_view text, std::span<const std::string> path) {
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  if (parser.iterate(text.data(), text.size(), text.size() + kSimdPadding).get(document)) return "";
  simdjson::ondemand::value value;
  if (document.find_field_unordered("params").get(value)) return "";
  for (const std::string& name : path) {
    simdjson::ondemand::object object;
    if (value.get_object().get(object)) return "";
    if (object.find_field_unordered(name).get(value)) return "";
  }
  std::string_view raw;
  if (simdjson::to_json_string(value).get(raw)) return "";
  const size_t end = raw.find_last_not_of(" \t\r\n");
  raw = raw.substr(0, end == std::string_view::npos ? 0 : end + 1);
  return raw == "null" ? "" : std::string(raw);
}

std::optional<double> number_of(std::string_view text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

// Whether the header's value says the same as the argument.
bool agree(const std::string& value, const std::string& raw) {
  if (raw.starts_with('"')) return unescape_json(raw) == value;
  if (value == raw) return true;
  const auto left = number_of(value);
  return left && left == number_of(raw);
}

// The member of params that Mcp-Name repeats, for the methods that have one.
std::string_view named_by(std::string_view method) {
  if (method == "tools/call" || method == "prompts/get") return "name";
  if (method == "resources/read") return "uri";
  if (method == "tasks/get" || method == "tasks/update" || method == "tasks/cancel") return "taskId";
  return "";
}

int base64_value(char c) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const size_t at = kAlphabet.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') padding++;
  text.remove_suffix(padding);
  std::string result;
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const int value = base64_value(c);
    if (value < 0) return std::nullopt;
    bits = (bits << 6) | static_cast<uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    result += static_cast<char>((bits >> held) & 0xff);
  }
  const uint32_t rest = bits & ((1U << held) - 1);
  return rest == 0 ? std::optional(result) : std::nullopt;
}

struct Annotated {
  std::string header;
  std::vector<std::string> path;
};

// Annotations that are reached through `properties` alone.
void find_annotated(const nlohmann::json& schema, std::vector<std::string>& path, std::vector<Annotated>& found) {
  constexpr size_t kDeepest = 8;
  if (!schema.is_object() || path.size() > kDeepest) return;
  const auto note = schema.find("x-mcp-header");
  if (note != schema.end() && note->is_string() && !path.empty()) {
    std::vector<std::string> place = {"arguments"};
    place.insert(place.end(), path.begin(), path.end());
    found.push_back({"mcp-param-" + lower_case(note->get<std::string>()), std::move(place)});
  }
  const auto properties = schema.find("properties");
  if (properties == schema.end() || !properties->is_object()) return;
  for (const auto& [name, member] : properties->items()) {
    path.push_back(name);
    find_annotated(member, path, found);
    path.pop_back();
  }
}

}  // namespace

std::optional<std::string> decoded_header(std::string_view value) {
  constexpr std::string_view kPrefix = "=?base64?";
  constexpr std::string_view kSuffix = "?=";
  const bool is_coded =
      value.size() >= kPrefix.size() + kSuffix.size() && value.starts_with(kPrefix) && value.ends_with(kSuffix);
  if (!is_coded) return std::string(value);
  return decode_base64(value.substr(kPrefix.size(), value.size() - kPrefix.size() - kSuffix.size()));
}

HeaderRules::HeaderRules(std::span<const Tool> tools) {
  for (const Tool& tool : tools) {
    std::vector<std::string> path;
    std::vector<Annotated> found;
    find_annotated(nlohmann::json::parse(tool.input_schema, nullptr, false), path, found);
    for (Annotated& one : found) tools_[std::string(tool.name)].push_back({one.header, one.path});
  }
}

std::optional<RpcError> HeaderRules::check_version(const HttpHead& head, const Message& message) {
  const std::string said = string_of(message.params.meta.protocol_version).value_or("");
  const std::string* header = head.find("mcp-protocol-version");
  if (header == nullptr) return mismatch("The header MCP-Protocol-Version is missing; send '" + said + "'.");
  if (*header == said) return std::nullopt;
  return mismatch("The header MCP-Protocol-Version is '" + *header + "', but params._meta says '" + said + "'.");
}

std::optional<RpcError> HeaderRules::check(const HttpHead& head, const Message& message, std::string_view text) const {
  const auto compare = [&](const std::string& header, const std::string& raw) -> std::optional<RpcError> {
    const std::string* sent = head.find(header);
    if (sent == nullptr) return mismatch("The header " + header + " is missing; it must repeat " + raw + ".");
    const auto value = decoded_header(*sent);
    if (!value) return mismatch("The header " + header + " is not valid base64 within =?base64?...?=.");
    if (agree(*value, raw)) return std::nullopt;
    return mismatch("The header " + header + " is '" + *value + "', but the body says " + raw + ".");
  };
  std::string method;
  append_json_string(method, message.method);
  if (auto wrong = compare("mcp-method", method)) return wrong;
  const std::string_view named = named_by(message.method);
  if (named.empty()) return std::nullopt;
  const std::string path[] = {std::string(named)};
  const std::string name = raw_at(text, path);
  if (name.empty()) return std::nullopt;  // the method says what is missing
  if (auto wrong = compare("mcp-name", name)) return wrong;
  const auto tool = message.method == "tools/call" ? tools_.find(string_of(name).value_or("")) : tools_.end();
  if (tool == tools_.end()) return std::nullopt;
  for (const Repeated& one : tool->second) {
    const std::string raw = raw_at(text, one.path);
    if (!raw.empty()) {
      if (auto wrong = compare(one.header, raw)) return wrong;
    } else if (head.find(one.header) != nullptr) {
      return mismatch("The header " + one.header + " repeats an argument that is not there.");
    }
  }
  return std::nullopt;
}

}  // namespace chronos
