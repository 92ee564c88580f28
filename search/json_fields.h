// Things looked up in checked JSON: what is not there, or of another kind, is nothing.
//
// For files and replies that others wrote: whatever they hold, a look-up ends, and reads nothing outside of the text.
// Requires: texts are checked JSON (core/valid_json.h), or values in it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace chronos {

// The value of the first member with this key.
std::optional<std::string_view> json_member(std::optional<std::string_view> object, std::string_view key);
std::optional<std::string> json_text(std::optional<std::string_view> value);
std::optional<double> json_number(std::optional<std::string_view> value);
std::optional<uint64_t> json_count(std::optional<std::string_view> value);
std::optional<bool> json_truth(std::optional<std::string_view> value);

// Calls back for each member, with its unescaped key, or element, until told to stop by false.  False when it was told
// so, or the value is no object or array.
bool for_each_json_member(std::optional<std::string_view> object,
                          const std::function<bool(std::string_view key, std::string_view value)>& visit);
bool for_each_json_element(std::optional<std::string_view> array,
                           const std::function<bool(std::string_view value)>& visit);

}  // namespace chronos
