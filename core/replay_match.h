// Whether a batch that names a request, or events, that exist already asks for the same thing again
// (contract, section 3): then it is a replay, else an id was reused.
#pragma once

#include <string_view>
#include <vector>

#include "core/batch.h"
#include "core/fork_table.h"
#include "core/result.h"
#include "core/types.h"
#include "core/view.h"

namespace chronos {

// The request id of a commit or of a change; empty without one.
std::string_view request_id_of(const char* record);

// Whether two events with one id, in different lines, are the same one: alike in all that the client gave but metadata,
// which says where an event was merged from.
bool same_facts(const Event& a, const Event& b);

// Requires: request_id_of(record) == batch.head.request_id.  kIdReused names the first field that differs.
Result<void> same_request(const Batch& batch, const Fork& fork, const char* record);

// For a batch whose events have ids.  None of them exists: empty.  All events have ids that exist, with the same
// content: their positions, ascending.  Anything else is kIdReused.
Result<std::vector<Position>> same_events(const Batch& batch, const View& view);

}  // namespace chronos
