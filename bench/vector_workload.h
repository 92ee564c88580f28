// The vectors that vector search is measured with: made as models make them, or read from a file.
//
// Made: what a text says is about 32 numbers, near those of one of 2,000 subjects, of which few are frequent; the
// vector is these numbers seen from many sides, and some noise.  A function of the number alone, so that every program
// sees the same.  A file is one of .fvecs: for each vector how many numbers it has (int32), and the numbers (float32).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "bench/measure.h"

namespace chronos::bench {

inline constexpr size_t kVectorQueries = 200;

class VectorWorkload {
 public:
  VectorWorkload(size_t vectors, size_t dimension);
  // The last kVectorQueries of the file are the queries; the first `most` of the others, or all, the vectors.
  static VectorWorkload read(const std::string& file, size_t most);

  size_t size() const { return size_; }
  size_t dimension() const { return dimension_; }
  // The i-th of size(), with length 1.
  std::vector<float> vector(size_t i) const;
  std::vector<float> query(size_t i) const;

 private:
  VectorWorkload() = default;
  std::vector<float> made(size_t number) const;

  size_t size_ = 0;
  size_t dimension_ = 0;
  std::vector<float> subjects_;  // 32 numbers each
  std::vector<float> sides_;     // 32 numbers for each number of a vector
  std::vector<float> file_;      // all vectors; empty when they are made
};

}  // namespace chronos::bench
