#include "core/clock.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <mutex>

#include "core/check.h"

namespace chronos {
namespace {

class SystemClock final : public Clock {
 public:
  Timestamp now() override {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return Timestamp{std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count()};
  }
};

// Numbers are fetched a page at a time: one system call for 512 of them.
class SystemRandom final : public Random {
 public:
  uint64_t next() override {
    const std::lock_guard lock(mutex_);
    if (used_ == numbers_.size()) refill();
    return numbers_[used_++];
  }

 private:
  void refill() {
    char* to = reinterpret_cast<char*>(numbers_.data());
    size_t left = sizeof(numbers_);
    while (left > 0) {
      const ssize_t got = getrandom(to, left, 0);
      if (got < 0 && errno == EINTR) continue;
      CHECK(got > 0);
      to += got;
      left -= static_cast<size_t>(got);
    }
    used_ = 0;
  }

  std::mutex mutex_;
  std::array<uint64_t, 512> numbers_;
  size_t used_ = numbers_.size();
};

}  // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

Random& system_random() {
  static SystemRandom random;
  return random;
}

}  // namespace chronos
