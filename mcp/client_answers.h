// inputResponses of a request, apart.
#pragma once

#include <optional>
#include <string_view>

#include "mcp/request.h"

namespace chronos {

// Each by its key, those that are objects: any other answers nothing.  Empty for "" and null; nullopt for what is no
// object.
std::optional<ClientAnswers> read_client_answers(std::string_view json);

}  // namespace chronos
