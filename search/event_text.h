// What of an event an embedding model is given.
#pragma once

#include <string>

#include "core/event.h"

namespace chronos {

// The strings in its data, a line each, in order; where there are none, its type.  Cut at about `most_bytes`, between
// characters.
std::string event_text(const Event& event, size_t most_bytes);

}  // namespace chronos
