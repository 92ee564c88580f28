// Chance that can be repeated: a seed gives the same run for ever.
//
// A random test asks test_seed() for its seed, which is printed when the test fails and taken from the
// environment variable CHRONOS_SEED when it is set (docs/TESTING.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "core/clock.h"

namespace chronos::test {

// SplitMix64 (Steele, Lea, Flood 2014).  One thread.
class Chance : public Random {
 public:
  explicit Chance(uint64_t seed) : state_(seed) {}

  uint64_t next() override {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // 0 .. n - 1.  Requires: n > 0.
  uint64_t below(uint64_t n) { return next() % n; }
  // low .. high, both included.
  uint64_t between(uint64_t low, uint64_t high) { return low + below(high - low + 1); }
  bool percent(uint64_t p) { return below(100) < p; }
  template <typename T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }
  // An index, chosen in proportion to its weight.  Requires: some weight is not 0.
  size_t weighted(const std::vector<uint64_t>& weights) {
    uint64_t sum = 0;
    for (const uint64_t w : weights) sum += w;
    uint64_t ticket = below(sum);
    size_t i = 0;
    while (ticket >= weights[i]) ticket -= weights[i++];
    return i;
  }

 private:
  uint64_t state_;
};

// The seeds a random test runs: `count` from `first` on, or the single one of CHRONOS_SEED.
inline std::vector<uint64_t> test_seeds(uint64_t first, size_t count) {
  if (const char* given = std::getenv("CHRONOS_SEED")) return {std::strtoull(given, nullptr, 0)};
  std::vector<uint64_t> seeds;
  for (size_t i = 0; i < count; i++) seeds.push_back(first + i);
  return seeds;
}

}  // namespace chronos::test
