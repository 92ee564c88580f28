#include "mcp/client_answers.h"

#include <nlohmann/json.hpp>

namespace chronos {

std::optional<ClientAnswers> read_client_answers(std::string_view json) {
  ClientAnswers answers;
  if (json.empty() || json == "null") return answers;
  const auto object = nlohmann::json::parse(json, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  for (const auto& [key, value] : object.items()) {
    if (value.is_object()) answers.emplace(key, value.dump());
  }
  return answers;
}

}  // namespace chronos
