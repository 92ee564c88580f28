// Every way of doing the arithmetic against the loops that can be seen to be right: bit for bit.
#include "search/vector_kernels.h"

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/chance.h"

namespace chronos::test {
namespace {

float random_float(Chance& chance) { return static_cast<float>(chance.next() % 20001) / 10000.0F - 1.0F; }

}  // namespace

TEST_CASE("every kernel gives the bits of the plain one", "[search][vector]") {
  for (const uint64_t seed : test_seeds(1, 40)) {
    INFO("CHRONOS_SEED=" << seed);
    Chance chance(seed);
    const size_t dimension = chance.between(1, chance.pick<size_t>({8, 100, 800}));
    const size_t count = chance.between(1, 20);
    std::vector<int8_t> query(code_stride(dimension));
    std::vector<int8_t> rows(count * query.size());
    std::vector<RowScale> scales(count);
    // Codes up to the largest there are, in runs, so that sums are large.
    const auto code = [&chance] {
      return static_cast<int8_t>(chance.percent(30) ? 127 : static_cast<int>(chance.below(255)) - 127);
    };
    for (size_t i = 0; i < dimension; i++) query[i] = chance.percent(20) ? int8_t{-127} : code();
    for (size_t r = 0; r < count; r++) {
      for (size_t i = 0; i < dimension; i++) scales[r].sum += rows[r * query.size() + i] = code();
    }
    std::vector<float> left(float_stride(dimension));
    std::vector<float> right(left.size());
    for (size_t i = 0; i < dimension; i++) {
      left[i] = random_float(chance);
      right[i] = random_float(chance) * (chance.percent(10) ? 1e6F : 1.0F);
    }
    std::vector<int32_t> expected(count);
    const CodeRows code_rows{rows.data(), scales.data(), query.size()};
    plain_kernels().dot_codes(query.data(), code_rows, nullptr, count, expected.data());
    std::vector<uint32_t> picked(chance.between(1, 20));
    for (uint32_t& row : picked) row = static_cast<uint32_t>(chance.below(count));
    const float expected_float = plain_kernels().dot_floats(left.data(), right.data(), left.size());
    double about = 0;
    for (size_t i = 0; i < dimension; i++) about += double{left[i]} * double{right[i]};
    REQUIRE(expected_float == Approx(about).margin(dimension));
    for (const VectorKernels* kernels : kernels_here()) {
      INFO(kernels->name);
      std::vector<int32_t> dots(count);
      kernels->dot_codes(query.data(), code_rows, nullptr, count, dots.data());
      REQUIRE(dots == expected);
      std::vector<int32_t> dots_of_picked(picked.size());
      kernels->dot_codes(query.data(), code_rows, picked.data(), picked.size(), dots_of_picked.data());
      for (size_t i = 0; i < picked.size(); i++) REQUIRE(dots_of_picked[i] == expected[picked[i]]);
      const float dot = kernels->dot_floats(left.data(), right.data(), left.size());
      REQUIRE(std::bit_cast<uint32_t>(dot) == std::bit_cast<uint32_t>(expected_float));
    }
  }
}

TEST_CASE("a row of bytes is about the row of floats", "[search][vector]") {
  Chance chance(4);
  for (const size_t dimension : {1, 3, 64, 65, 384}) {
    std::vector<float> vector(dimension);
    for (float& x : vector) x = random_float(chance) * 100;
    std::vector<float> row(float_stride(dimension));
    REQUIRE(to_unit(vector, row.data()));
    CHECK(plain_kernels().dot_floats(row.data(), row.data(), row.size()) == Approx(1).margin(1e-5));
    std::vector<int8_t> codes(code_stride(dimension), 7);
    const RowScale made = to_codes(row.data(), dimension, codes.data());
    int32_t sum = 0;
    for (size_t i = 0; i < codes.size(); i++) {
      sum += codes[i];
      const float back = made.scale * static_cast<float>(codes[i]);
      const float was = i < dimension ? row[i] : 0.0F;
      CHECK(std::fabs(back - was) <= made.scale * 0.5001F);
    }
    CHECK(sum == made.sum);
  }
}

TEST_CASE("what has no direction is no unit vector", "[search][vector]") {
  std::vector<float> row(16);
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK_FALSE(to_unit(std::vector<float>{0, 0, 0}, row.data()));
  CHECK_FALSE(to_unit(std::vector<float>{1, nan}, row.data()));
  CHECK_FALSE(to_unit(std::vector<float>{1, -infinity}, row.data()));
  // The largest and the smallest numbers have one.
  CHECK(to_unit(std::vector<float>{3e38F, 3e38F}, row.data()));
  CHECK(row[0] == Approx(0.70710678));
  CHECK(to_unit(std::vector<float>{1e-40F, 0}, row.data()));
  CHECK(row[0] == Approx(1));
}

}  // namespace chronos::test
