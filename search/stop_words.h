// English words that are in nearly every text.
#pragma once

#include <string_view>

namespace chronos {

// Requires: folded, not stemmed.
bool is_stop_word(std::string_view word);

}  // namespace chronos
