// What a principal may change: asked by the store before anything else, whatever the transport.
//
// A refusal is kPermissionDenied, says who lacks what and who has it, and has `details` for programs:
// {"role":..., "required_role":...}, {"stream":..., "allowed":[...]} or {"fork":"main"}.
#pragma once

#include <span>
#include <string_view>

#include "core/batch.h"
#include "core/principal.h"
#include "core/result.h"

namespace chronos {

// `what` completes "may not ...": "append", "merge".
Result<void> require_role(const Principal& principal, Role role, std::string_view what);

// All of the batch, to the fork that its head names, by the principal in its head.
Result<void> may_append(const Batch& batch);

// What is appended to `target` by a merge; its streams count as those of an append do.
Result<void> may_merge(const Principal& principal, std::string_view target, std::span<const Batch> batches);

// `owner` is who made the fork.
Result<void> may_discard(const Principal& principal, std::string_view fork, std::string_view owner);

}  // namespace chronos
