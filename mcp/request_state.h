// What a client keeps for us between the rounds of one request, and gives back: nobody else can have made it, and it
// fits only the request it was made for.
#pragma once

#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/result.h"

namespace chronos {

// Safe to call from any thread.
class RequestState {
 public:
  // With a key of its own, drawn from `random`.  Requires: `clock` outlives it.
  RequestState(Clock& clock, Random& random);

  // `request` says what it is for: method, parameters, principal.  It can be given back for an hour.
  std::string seal(std::string_view request, std::string_view state) const;
  // kInvalidArgument unless seal() made it for the same request, and not too long ago.
  Result<std::string> open(std::string_view request, std::string_view sealed) const;

 private:
  std::string sign(std::string_view request, std::string_view text) const;

  Clock& clock_;
  std::string key_;
};

}  // namespace chronos
