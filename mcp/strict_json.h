// JSON of strangers, read without mercy: what two readers could understand differently is refused.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

namespace chronos {

// nullopt for what is no JSON, is nested deeper than 16, or has an object with the same name twice.
std::optional<nlohmann::json> read_strict_json(std::string_view text);

}  // namespace chronos
