// What the data of an event looks like, in a few words: for somebody who has never seen one of its type.
#pragma once

#include <string_view>

#include "tools/json_writer.h"

namespace chronos {

// Writes the member `fields`: an object with the first members of `data`, values as they are there but short.  Of a
// string the first 40 characters and "...", of an array the first element, of an object the first three members; what
// is nested deeper is "{...}" or "[...]".  Then `more_fields`, how many members were left out, if any.
// Requires: an object is open; `data` is checked JSON, an object, with kSimdPadding readable bytes behind it.
void write_example_fields(JsonWriter& json, std::string_view data);

}  // namespace chronos
