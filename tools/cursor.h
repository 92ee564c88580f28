// Where the next page of an answer begins.  Opaque to clients, kept nowhere: it holds the positions the first page
// was read at, so that pages stay consistent while writers go on and after a restart.
//
// A cursor belongs to one question: it carries a digest of the tool, the fork and every argument that selects events,
// and is refused with any other.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/view.h"
#include "tools/arguments.h"

namespace chronos {

// What a call asks, whatever the page and its size: the arguments without cursor, limit, max_tokens and detail.
uint64_t question_digest(std::string_view tool, const ArgumentsView& arguments);

// "1.1042.51.9f86d081884c7d65": a version, the numbers, a digest over them and the question.
std::string make_cursor(const std::vector<uint64_t>& numbers, uint64_t question);

// The `count` numbers of a cursor made for this question; kInvalidArgument for any other text.
Result<std::vector<uint64_t>> read_cursor(std::string_view cursor, size_t count, uint64_t question);

// The view a cursor was made at.  kInvalidArgument when the fork has no such position any more.
Result<View> pinned(const View& now, uint64_t position);

}  // namespace chronos
