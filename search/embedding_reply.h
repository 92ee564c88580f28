// The vectors in the reply of a /v1/embeddings endpoint, as OpenAI's API has it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace chronos {

// One for each text asked for, in their order, all of one dimension; written as numbers or as base64 of little-endian
// float32.  kUnavailable, with what is wrong, for any other reply.  Requires: texts > 0.
Result<std::vector<std::vector<float>>> read_embedding_reply(std::string_view body, size_t texts);

// What an endpoint says of its refusal, or the beginning of what it said: one line of ASCII.
std::string told_reason(std::string_view body);

}  // namespace chronos
