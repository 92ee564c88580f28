#include "bench/vector_workload.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>

namespace chronos::bench {
namespace {

constexpr size_t kInner = 32;
constexpr size_t kSubjects = 2000;
constexpr float kSpread = 0.7F;  // around a subject
constexpr float kNoise = 0.2F;
constexpr size_t kMostDimension = 8192;

// About normal: of four uniform numbers of 16 bits.
float normal(Dice& dice) {
  const uint64_t bits = dice.next();
  float sum = -2;
  for (unsigned i = 0; i < 4; i++) sum += static_cast<float>(bits >> 16 * i & 0xFFFF) / 65536.0F;
  return sum * 1.732F;
}

std::vector<float> normals(Dice& dice, size_t count) {
  std::vector<float> numbers(count);
  for (float& each : numbers) each = normal(dice);
  return numbers;
}

std::vector<float> unit(std::vector<float> vector) {
  float sum = 0;
  for (const float each : vector) sum += each * each;
  const float scale = sum > 0 ? 1.0F / std::sqrt(sum) : 0.0F;
  for (float& each : vector) each *= scale;
  return vector;
}

}  // namespace

VectorWorkload::VectorWorkload(size_t vectors, size_t dimension) : size_(vectors), dimension_(dimension) {
  Dice dice(0x5eed);
  subjects_ = normals(dice, kSubjects * kInner);
  sides_ = normals(dice, dimension * kInner);
}

VectorWorkload VectorWorkload::read(const std::string& file, size_t most) {
  VectorWorkload read;
  std::ifstream in(file, std::ios::binary);
  size_t count = 0;
  for (int32_t numbers = 0; in.read(reinterpret_cast<char*>(&numbers), sizeof numbers); count++) {
    if (numbers < 1 || static_cast<size_t>(numbers) > kMostDimension) die(file + " is no .fvecs file");
    if (count == 0) read.dimension_ = static_cast<size_t>(numbers);
    if (static_cast<size_t>(numbers) != read.dimension_) die(file + " has vectors of several dimensions");
    std::vector<float> vector(read.dimension_);
    in.read(reinterpret_cast<char*>(vector.data()), static_cast<std::streamsize>(vector.size() * sizeof(float)));
    if (!in) die(file + " ends within a vector");
    vector = unit(std::move(vector));
    read.file_.insert(read.file_.end(), vector.begin(), vector.end());
  }
  if (count <= kVectorQueries) die(file + " has too few vectors, or is not there");
  read.size_ = count - kVectorQueries;
  if (most > 0 && most < read.size_) {
    // The queries follow the vectors that are taken.
    const auto at = [&read](size_t i) { return read.file_.begin() + static_cast<std::ptrdiff_t>(i * read.dimension_); };
    std::copy(at(read.size_), read.file_.end(), at(most));
    read.size_ = most;
  }
  return read;
}

std::vector<float> VectorWorkload::made(size_t number) const {
  Dice dice(Dice(number).next());
  const double place = dice.unit();
  const auto subject = static_cast<size_t>(place * place * kSubjects);
  std::vector<float> inner = normals(dice, kInner);
  for (size_t i = 0; i < kInner; i++) inner[i] = inner[i] * kSpread + subjects_[subject * kInner + i];
  std::vector<float> vector(dimension_);
  for (size_t d = 0; d < dimension_; d++) {
    float sum = 0;
    for (size_t i = 0; i < kInner; i++) sum += inner[i] * sides_[d * kInner + i];
    vector[d] = sum / std::sqrt(static_cast<float>(kInner)) + normal(dice) * kNoise;
  }
  return unit(std::move(vector));
}

std::vector<float> VectorWorkload::vector(size_t i) const {
  if (file_.empty()) return made(i);
  const auto begin = file_.begin() + static_cast<std::ptrdiff_t>(i * dimension_);
  return {begin, begin + static_cast<std::ptrdiff_t>(dimension_)};
}

std::vector<float> VectorWorkload::query(size_t i) const {
  return file_.empty() ? made((size_t{1} << 40) + i) : vector(size_ + i);
}

}  // namespace chronos::bench
