// JSON that has been checked whole: grammar (RFC 8259), UTF-8, depth.  What is stored, filtered and folded is always
// a ValidJson, so that a parser which skips what it does not visit can be used on it safely.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/result.h"

namespace chronos {

// A view of checked text.  Requires of whoever makes one: the text and kSimdPadding readable bytes after it live
// as long as the view.
class ValidJson {
 public:
  std::string_view text() const { return text_; }
  // Of a part of checked text, or of bytes that were checked when they were written.
  ValidJson() : text_("{}") {}
  static ValidJson trusted(std::string_view text) { return ValidJson(text); }

 private:
  explicit ValidJson(std::string_view text) : text_(text) {}
  std::string_view text_;
};

// kInvalidArgument says what is wrong, and at which byte (the first is 1) where the parser tells.  Nesting deeper
// than `max_depth` (an empty array has depth 1) is kTooLarge.  Numbers keep their digits: any grammatical number
// whose value fits a double is accepted, whatever its length.
// Requires: kSimdPadding readable bytes follow `text`; max_depth >= 1.
Result<ValidJson> validate_json(std::string_view text, size_t max_depth);

// Depth of checked text.
size_t json_depth(ValidJson json);

// The unescaped value of a checked JSON string token, quotes included in `token`.
std::string unescape_json(std::string_view token);

// Appends `text` as a JSON string, quotes included.  Requires: valid UTF-8.
void append_json_string(std::string& to, std::string_view text);

}  // namespace chronos
