// Thrown where the bytes of a sealed segment are not what was written there.
//
// A view is read in a hundred places, in none of which damage can be mended, and all but one read of a sealed segment
// never meets any: so this one failure is not a Result that each of them hands on.  Whoever reads a View of a store
// that has sealed segments catches it where it can answer: the tool runner, the sequencer before it stages anything,
// the sealer, the check of a store.
#pragma once

#include <exception>
#include <string>
#include <utility>

#include "core/result.h"

namespace chronos {

class Damage : public std::exception {
 public:
  // The error names the file and the byte.
  explicit Damage(Error error) : error_(std::move(error)) {}
  const Error& error() const { return error_; }
  const char* what() const noexcept override { return error_.message.c_str(); }

 private:
  Error error_;
};

// What `read` returns, a Result; or the damage it met.
template <typename Read>
auto or_damage(Read read) -> decltype(read()) {
  try {
    return read();
  } catch (const Damage& damage) {
    return damage.error();
  }
}

}  // namespace chronos
