// The arithmetic of vector search: unit vectors, their copies in one byte a number, and dot products of both.
//
// A result depends on the numbers alone, never on the processor: dot products of bytes are exact, those of floats are
// summed in one order that every width of step keeps (below), so that a stored answer is found again bit for bit.
// Rows are padded with zeros to a width that every step divides.
//
//   dot of floats:  16 sums, the i-th over every 16th product from the i-th on, then halved: s[i] += s[i + 8], 4, 2, 1
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace chronos {

// How many numbers a padded row has.
constexpr size_t code_stride(size_t dimension) { return (dimension + 63) / 64 * 64; }
constexpr size_t float_stride(size_t dimension) { return (dimension + 15) / 16 * 16; }

// Writes the vector's direction, with length 1, to a padded row.  False when it has none: it is zero, or not finite.
bool to_unit(std::span<const float> vector, float* row);

// A row of bytes: each number is about scale * code, and no code is -128.
struct RowScale {
  float scale;
  int32_t sum;  // of the codes
};
// Requires: `row` is padded to float_stride, `codes` has room for code_stride.
RowScale to_codes(const float* row, size_t dimension, int8_t* codes);

// Rows of bytes that lie one behind the other, and the scale of each.
struct CodeRows {
  const int8_t* codes;
  const RowScale* scales;
  size_t stride;
};

struct VectorKernels {
  const char* name;
  // dots[i] = query . row picked[i]; of the first `count` rows when `picked` is null.
  void (*dot_codes)(const int8_t* query, const CodeRows& rows, const uint32_t* picked, size_t count, int32_t* dots);
  float (*dot_floats)(const float* left, const float* right, size_t stride);
};

// Loops that can be seen to be right.
const VectorKernels& plain_kernels();
// Those this processor runs, the plain ones first, the fastest last.
std::vector<const VectorKernels*> kernels_here();
const VectorKernels& best_kernels();

}  // namespace chronos
