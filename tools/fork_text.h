// A fork as JSON, the same in the answers of create_fork and list_forks.
#pragma once

#include "core/store.h"
#include "tools/json_writer.h"

namespace chronos {

// fork, parent and position (but for main), created_at, expires_at (if it has one).  Requires: an object is open.
void write_fork_members(JsonWriter& json, const ForkInfo& fork);

// The address {fork, position}, with recorded_at while that can still be read.
void write_address(JsonWriter& json, const Store& store, const std::string& fork, Position position);

}  // namespace chronos
