// Chosen when the program runs, since a build for any processor must use what the one it meets has.
//
// Bytes: AVX2 widens to 16 bits and adds pairs of products (vpmaddwd).  AVX-512 VNNI multiplies unsigned by signed
// bytes (vpdpbusd): the query is taken as query + 128, and 128 times the sum of the row, which is stored beside it, is
// taken away again.  All are exact: at most 8,192 products below 2^15.
//
// Floats: no fused multiply-add anywhere (the folder is compiled with -ffp-contract=off), so a product is rounded
// before it is added, on every processor.
#include "search/vector_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace chronos {
namespace {

constexpr size_t kLanes = 16;

float folded(std::array<float, kLanes>& sums) {
  for (size_t half = kLanes / 2; half > 0; half /= 2) {
    for (size_t i = 0; i < half; i++) sums[i] += sums[i + half];
  }
  return sums[0];
}

constexpr size_t row_at(const uint32_t* picked, size_t i) { return picked == nullptr ? i : picked[i]; }

void plain_codes(const int8_t* query, const CodeRows& rows, const uint32_t* picked, size_t count, int32_t* dots) {
  for (size_t r = 0; r < count; r++) {
    const int8_t* const row = rows.codes + row_at(picked, r) * rows.stride;
    int32_t sum = 0;
    for (size_t i = 0; i < rows.stride; i++) sum += int32_t{query[i]} * int32_t{row[i]};
    dots[r] = sum;
  }
}

float plain_floats(const float* left, const float* right, size_t stride) {
  std::array<float, kLanes> sums{};
  for (size_t i = 0; i < stride; i += kLanes) {
    for (size_t k = 0; k < kLanes; k++) sums[k] += left[i + k] * right[i + k];
  }
  return folded(sums);
}

constexpr VectorKernels kPlain{"plain", plain_codes, plain_floats};

#if defined(__x86_64__)

[[gnu::target("avx2")]] inline __m256i widened(const int8_t* at) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
}

[[gnu::target("avx2")]] void avx2_codes(const int8_t* query, const CodeRows& rows, const uint32_t* picked, size_t count,
                                        int32_t* dots) {
  for (size_t r = 0; r < count; r++) {
    const int8_t* const row = rows.codes + row_at(picked, r) * rows.stride;
    __m256i even = _mm256_setzero_si256();
    __m256i odd = _mm256_setzero_si256();
    for (size_t i = 0; i < rows.stride; i += 32) {
      even = _mm256_add_epi32(even, _mm256_madd_epi16(widened(query + i), widened(row + i)));
      odd = _mm256_add_epi32(odd, _mm256_madd_epi16(widened(query + i + 16), widened(row + i + 16)));
    }
    std::array<int32_t, 8> parts;
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(parts.data()), _mm256_add_epi32(even, odd));
    int32_t sum = 0;
    for (const int32_t part : parts) sum += part;
    dots[r] = sum;
  }
}

[[gnu::target("avx2")]] float avx2_floats(const float* left, const float* right, size_t stride) {
  __m256 low = _mm256_setzero_ps();
  __m256 high = _mm256_setzero_ps();
  for (size_t i = 0; i < stride; i += kLanes) {
    low = _mm256_add_ps(low, _mm256_mul_ps(_mm256_loadu_ps(left + i), _mm256_loadu_ps(right + i)));
    high = _mm256_add_ps(high, _mm256_mul_ps(_mm256_loadu_ps(left + i + 8), _mm256_loadu_ps(right + i + 8)));
  }
  std::array<float, kLanes> sums;
  _mm256_storeu_ps(sums.data(), low);
  _mm256_storeu_ps(sums.data() + 8, high);
  return folded(sums);
}

constexpr VectorKernels kAvx2{"avx2", avx2_codes, avx2_floats};

[[gnu::target("avx512f,avx512bw,avx512vnni")]] void vnni_codes(const int8_t* query, const CodeRows& rows,
                                                               const uint32_t* picked, size_t count, int32_t* dots) {
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(-128));
  for (size_t r = 0; r < count; r++) {
    const size_t at = row_at(picked, r);
    const int8_t* const row = rows.codes + at * rows.stride;
    __m512i all = _mm512_setzero_si512();
    for (size_t i = 0; i < rows.stride; i += 64) {
      const __m512i raised = _mm512_xor_si512(_mm512_loadu_si512(query + i), flip);
      all = _mm512_dpbusd_epi32(all, raised, _mm512_loadu_si512(row + i));
    }
    std::array<int32_t, 16> parts;
    _mm512_storeu_si512(parts.data(), all);
    int32_t sum = 0;
    for (const int32_t part : parts) sum += part;
    dots[r] = sum - 128 * rows.scales[at].sum;
  }
}

[[gnu::target("avx512f")]] float avx512_floats(const float* left, const float* right, size_t stride) {
  __m512 all = _mm512_setzero_ps();
  for (size_t i = 0; i < stride; i += kLanes) {
    all = _mm512_add_ps(all, _mm512_mul_ps(_mm512_loadu_ps(left + i), _mm512_loadu_ps(right + i)));
  }
  std::array<float, kLanes> sums;
  _mm512_storeu_ps(sums.data(), all);
  return folded(sums);
}

constexpr VectorKernels kVnni{"avx512vnni", vnni_codes, avx512_floats};

#endif

}  // namespace

bool to_unit(std::span<const float> vector, float* row) {
  double squares = 0;
  for (const float x : vector) squares += double{x} * double{x};
  if (!(squares > 0) || !std::isfinite(squares)) return false;
  const double length = std::sqrt(squares);
  for (size_t i = 0; i < vector.size(); i++) row[i] = static_cast<float>(double{vector[i]} / length);
  std::fill(row + vector.size(), row + float_stride(vector.size()), 0.0F);
  return true;
}

RowScale to_codes(const float* row, size_t dimension, int8_t* codes) {
  float largest = 0;
  for (size_t i = 0; i < dimension; i++) largest = std::max(largest, std::fabs(row[i]));
  RowScale made{largest / 127.0F, 0};
  std::fill(codes, codes + code_stride(dimension), int8_t{0});
  if (!(made.scale > 0)) return made;
  for (size_t i = 0; i < dimension; i++) {
    const float code = std::clamp(std::round(row[i] / made.scale), -127.0F, 127.0F);
    codes[i] = static_cast<int8_t>(code);
    made.sum += codes[i];
  }
  return made;
}

const VectorKernels& plain_kernels() { return kPlain; }

std::vector<const VectorKernels*> kernels_here() {
  std::vector<const VectorKernels*> all = {&kPlain};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) all.push_back(&kAvx2);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni")) {
    all.push_back(&kVnni);
  }
#endif
  return all;
}

const VectorKernels& best_kernels() {
  static const VectorKernels& best = *kernels_here().back();
  return best;
}

}  // namespace chronos
