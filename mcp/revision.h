// The revisions of MCP we speak, and which one a message is written in.
//
// Two eras: the legacy one negotiates by initialize, the modern one (2026-07-28) names its version in every request.
// The era is decided per message, never per connection: clients exist that probe with server/discover and then say
// initialize on the same pipe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "mcp/json_rpc.h"

namespace chronos {

enum class Era : uint8_t { kLegacy, kModern };

inline constexpr std::string_view kModernVersion = "2026-07-28";
// Newest first; the first is what an unknown version is answered with.
inline constexpr std::string_view kLegacyVersions[] = {"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"};

// The revision that answers an initialize asking for `requested`: the same if we speak it, else our newest legacy one.
// Never a modern one.  The result is one of kLegacyVersions.
std::string_view negotiate_legacy(std::string_view requested);

// Whether JSON-RPC batches belong to the revision.
bool allows_batches(std::string_view legacy_version);

// The era a request was written in, or why it cannot be answered.
struct EraDecision {
  Era era = Era::kLegacy;
  std::optional<RpcError> error;
};
EraDecision decide_era(const Message& message);

}  // namespace chronos
