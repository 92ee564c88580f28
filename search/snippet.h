// The piece of an event's text that shows best why it was found.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "search/analyzer.h"

namespace chronos {

// At most about kSnippetBytes of one string in the data, in one line, each word that gives one of the terms within **,
// "..." where it was cut.  Empty when no string has any.  Requires: `data` is checked JSON.
inline constexpr size_t kSnippetBytes = 240;
std::string snippet(Analyzer& analyzer, std::string_view data, const std::vector<std::string>& terms);

}  // namespace chronos
