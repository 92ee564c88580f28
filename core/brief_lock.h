// Waiting for something that is over in a microsecond or two, or is not: look a little while before going to sleep,
// since being put to sleep and woken costs more than most waits.
#pragma once

#include <mutex>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace chronos {

// Calls is_over() until it is true, for some ten microseconds at most.  Returns what it said last.
template <typename IsOver>
bool wait_briefly(IsOver is_over) {
  constexpr int kPauses = 1000;
  // Each look takes the memory looked at away from whoever works with it: so there are fewer of them later on.  With
  // more pauses between them what is over is seen late, and nobody works meanwhile.
  constexpr int kMostBetween = 4;
  int between = 1;
  for (int pauses = 0; pauses < kPauses; pauses += between) {
    if (is_over()) return true;
    if (pauses > 0 && between < kMostBetween) between *= 2;
#if defined(__x86_64__)
    for (int i = 0; i < between; i++) _mm_pause();
#endif
  }
  return is_over();
}

// The lock of a mutex that is held for less than a microsecond as a rule.
inline std::unique_lock<std::mutex> lock_soon(std::mutex& mutex) {
  std::unique_lock lock(mutex, std::try_to_lock);
  if (!lock && !wait_briefly([&] { return lock.try_lock(); })) lock.lock();
  return lock;
}

}  // namespace chronos
