// Where a call reads (`fork`, `as_of`), and how an answer states where it was read (`at`).
#pragma once

#include <string>

#include "core/result.h"
#include "core/store.h"
#include "core/view.h"
#include "tools/arguments.h"
#include "tools/json_writer.h"

namespace chronos {

// The address the members `fork_member` (main when absent) and `as_of` (now when absent) name, not yet looked up.
// kInvalidArgument for an as_of that is neither a position nor a time.
Result<Address> read_address(const ArgumentsView& arguments, const char* fork_member);

// The view named by the members `fork` (main when absent) and `as_of` (now when absent): a position, a position in
// digits, or an RFC 3339 time.  kNotFound for an unknown fork; kInvalidArgument for a position past the head, telling
// it.
Result<View> read_view(const Store& store, const ArgumentsView& arguments);

// {"fork":"main","position":1042,"recorded_at":"..."}; recorded_at is absent at position 0.
void write_at(JsonWriter& json, const View& view);

}  // namespace chronos
