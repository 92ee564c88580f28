// A principal on its way between processes of the same user that share a store (mcp/frame_stream.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/principal.h"

namespace chronos {

std::string principal_text(const Principal& principal);
// nullopt for bytes that principal_text() does not write.
std::optional<Principal> read_principal(std::string_view text);

}  // namespace chronos
