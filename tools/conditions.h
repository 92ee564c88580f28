// MATCH and conditions as clients write them (contract, section 3), and the answer to an append that lost.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <vector>

#include "core/condition.h"
#include "core/result.h"
#include "core/store.h"
#include "tools/json_writer.h"

namespace chronos {

// Requires: `items` fits kMatchSchema (tools/schema_text.h).  kInvalidArgument for an empty item, named after `what`.
Result<Match> read_match(const nlohmann::json& items, std::string_view what);

// Says, before the schema is looked at, whether each condition has exactly the members of one of the five forms.
Result<void> check_condition_forms(const nlohmann::json& conditions);

// Requires: both checks passed, the forms' and the schema's.
Result<std::vector<Condition>> read_conditions(const nlohmann::json& conditions);

// A condition as clients write it: {"stream":"order-7","version":3}.
void write_condition(JsonWriter& json, const Condition& condition);

// kConflict, with everything needed to decide again.  `conditions` is what the client sent.
Error conflict_error(const Conflict& conflict, const nlohmann::json& conditions);

}  // namespace chronos
