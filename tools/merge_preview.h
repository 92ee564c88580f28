// What a merge would do, as an agent reads it before it decides.
#pragma once

#include <cstdint>
#include <string>

#include "core/merge.h"
#include "core/store.h"

namespace chronos {

// A JSON object.  Of more than `limit` batches those in conflict are listed first of all; the list keeps their order,
// and totals tell the rest.  `token` is left out when it is empty.
std::string preview_text(const Store& store, const MergePlan& plan, uint64_t limit, const std::string& token);

}  // namespace chronos
