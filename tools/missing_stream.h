// The answer to a name that no stream has: what was looked for, where, and what it may have been meant to be.
#pragma once

#include <string>

#include "core/result.h"
#include "core/view.h"

namespace chronos {

// kNotFound, with up to three similar names.
Error no_such_stream(const View& view, const std::string& stream);

}  // namespace chronos
