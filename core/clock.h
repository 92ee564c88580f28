// Time and chance, injected: a store inside the simulator sees the simulator's.
#pragma once

#include <cstdint>

#include "core/types.h"

namespace chronos {

// Safe to call from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() = 0;
};

// Safe to call from any thread.
class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t next() = 0;
};

// The wall clock and the kernel's generator (getrandom).
Clock& system_clock();
Random& system_random();

}  // namespace chronos
