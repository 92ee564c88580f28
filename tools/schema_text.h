// The schemas of the tools as their files write them: JSON over several lines, with shared pieces by name.
//
//   R"({"type": "object", "properties": {"match": {"description": "...", @match}, @fork, @as_of}})"
//
// Kept to what every client takes (tools/schema.h enforces the subset): a root object, no references, no alternatives,
// every property typed and described, every integer bounded.
#pragma once

#include <string>
#include <string_view>

namespace chronos {

// On one line, as published: pieces put in, and each line break with the indentation after it removed, or in a string
// made one space.  Requires: every @name is a piece (schema_text.cc lists them).
std::string schema_text(std::string_view written);

}  // namespace chronos
