// RFC 3339 instants: parsed with any offset and up to nine digits of fraction (truncated to microseconds),
// written in UTC with exactly six.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "core/types.h"

namespace chronos {

// Years 1 to 9999; a leap second (60) is read as the next second.  kInvalidArgument shows what is expected.
Result<Timestamp> parse_time(std::string_view text);
// "2026-11-22T10:09:35.000001Z"
std::string format_time(Timestamp time);

}  // namespace chronos
