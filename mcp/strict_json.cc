#include "mcp/strict_json.h"

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace chronos {
namespace {

constexpr int kMostLevels = 16;

}  // namespace

std::optional<nlohmann::json> read_strict_json(std::string_view text) {
  using Json = nlohmann::json;
  bool is_fine = true;
  std::vector<std::set<std::string>> names;  // of the objects around what is read
  const auto look = [&](int depth, Json::parse_event_t event, Json& part) {
    if (depth > kMostLevels) is_fine = false;
    if (!is_fine) return false;  // keeps nothing of what follows
    switch (event) {
      case Json::parse_event_t::object_start: names.emplace_back(); break;
      case Json::parse_event_t::object_end: names.pop_back(); break;
      case Json::parse_event_t::key: is_fine = names.back().insert(part.get<std::string>()).second; break;
      default: break;
    }
    return is_fine;
  };
  Json json = Json::parse(text, look, false);
  if (!is_fine || json.is_discarded()) return std::nullopt;
  return json;
}

}  // namespace chronos
