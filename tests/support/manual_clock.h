// A clock that moves only when it is told to, in either direction.
#pragma once

#include <atomic>

#include "core/clock.h"

namespace chronos::test {

class ManualClock : public Clock {
 public:
  explicit ManualClock(Timestamp start = Timestamp{1'700'000'000'000'000}) : now_(start.value) {}

  Timestamp now() override { return Timestamp{now_.load()}; }
  void set(Timestamp time) { now_ = time.value; }
  void advance(int64_t microseconds) { now_ += microseconds; }

 private:
  std::atomic<int64_t> now_;
};

}  // namespace chronos::test
