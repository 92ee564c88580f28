// How models that are elsewhere are reached.
#pragma once

#include <string>

namespace chronos {

class HttpPoster;

struct ModelAccess {
  HttpPoster* http = nullptr;  // null: not at all
  std::string key = {};        // what they are shown; empty: nothing
};

}  // namespace chronos
