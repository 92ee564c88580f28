// Vectors as embedding models give them: in clusters, not spread evenly.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/support/chance.h"

namespace chronos::test {

class RandomVectors {
 public:
  RandomVectors(Chance& chance, size_t dimension, size_t clusters) : chance_(chance), dimension_(dimension) {
    for (size_t i = 0; i < clusters; i++) centres_.push_back(noise(1.0F));
  }
  std::vector<float> next() {
    std::vector<float> vector = noise(0.7F);
    const std::vector<float>& centre = chance_.pick(centres_);
    for (size_t i = 0; i < dimension_; i++) vector[i] += centre[i];
    return vector;
  }

 private:
  // About normal: a sum of uniform ones.
  std::vector<float> noise(float width) {
    std::vector<float> vector(dimension_);
    for (float& x : vector) {
      float sum = -2;
      for (int i = 0; i < 4; i++) sum += static_cast<float>(chance_.below(1 << 20)) / static_cast<float>(1 << 20);
      x = sum * 1.7F * width;
    }
    return vector;
  }
  Chance& chance_;
  const size_t dimension_;
  std::vector<std::vector<float>> centres_;
};

}  // namespace chronos::test
