// Chosen when the program runs, as search/vector_kernels.cc is.
//
// AVX2 unpacks eight numbers at a time: their bytes are brought to eight lanes (vpshufb, which stays within 16 bytes,
// so numbers 4 to 7 are loaded apart), shifted down by what is left of a byte, masked, and summed up in three steps:
//
//   a b c d | e f g h     a ab bc cd | e ef fg gh     a ab abc abcd | e ef efg efgh     + abcd in the second half
//
// A number and the bits before it in its first byte must fit a lane: up to 25 bits.  What is wider, or few, is left to
// the plain loop.
#include "search/posting_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <bit>
#include <cstddef>
#include <cstring>
#include <utility>

namespace chronos {
namespace {

uint64_t word_at(const char* at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

template <unsigned kBits>
void unpack_of(const char* at, uint32_t count, uint32_t first, uint32_t* to) {
  constexpr uint64_t kMask = (uint64_t{1} << kBits) - 1;
  uint32_t event = first;
  uint32_t i = 0;
  for (; i + 8 <= count; i += 8, at += kBits) {
    [&]<size_t... k>(std::index_sequence<k...>) {
      ((event += static_cast<uint32_t>(word_at(at + k * kBits / 8) >> k * kBits % 8 & kMask) + 1, to[i + k] = event),
       ...);
    }(std::make_index_sequence<8>{});
  }
  for (unsigned k = 0; i < count; i++, k++) {
    event += static_cast<uint32_t>(word_at(at + k * kBits / 8) >> k * kBits % 8 & kMask) + 1;
    to[i] = event;
  }
}

using Unpack = void (*)(const char*, uint32_t, uint32_t, uint32_t*);
constexpr auto kUnpack = []<size_t... bits>(std::index_sequence<bits...>) {
  return std::array<Unpack, sizeof...(bits)>{unpack_of<bits>...};
}(std::make_index_sequence<33>{});

void plain_unpack(const char* at, uint32_t bits, uint32_t count, uint32_t first, uint32_t* to) {
  kUnpack[bits](at, count, first, to);
}

uint64_t is_no_longer(uint8_t count, uint8_t length, uint8_t of_one, uint8_t of_more) {
  return static_cast<uint64_t>(length <= (count == 1 ? of_one : of_more));
}

PostingBits plain_no_longer(const uint8_t* counts, const uint8_t* lengths, uint32_t size, uint8_t of_one,
                            uint8_t of_more) {
  constexpr uint64_t kToBits = 0x0102040810204080;  // brings the lowest bits of eight bytes to the highest byte
  PostingBits bits{};
  uint32_t i = 0;
  for (; i + 8 <= size; i += 8) {
    std::array<char, 8> fit;
    for (uint32_t k = 0; k < 8; k++) {
      fit[k] = static_cast<char>(is_no_longer(counts[i + k], lengths[i + k], of_one, of_more));
    }
    bits[i / 64] |= word_at(fit.data()) * kToBits >> 56 << i % 64;
  }
  for (; i < size; i++) bits[i / 64] |= is_no_longer(counts[i], lengths[i], of_one, of_more) << i % 64;
  return bits;
}

uint32_t plain_choose(const uint32_t* events, uint32_t begin, uint32_t end, const PostingBits& these,
                      const EventBits& those, uint8_t* to) {
  PostingBits chosen = these;
  for (uint32_t i = begin; those.is_any() && i < end; i++) {
    chosen[i / 64] |= static_cast<uint64_t>(those.may_have(events[i])) << i % 64;
  }
  uint32_t count = 0;
  for (uint32_t word = begin / 64; word * 64 < end; word++) {
    uint64_t left = chosen[word];
    if (word == begin / 64) left &= ~uint64_t{0} << begin % 64;
    if (word == end / 64) left &= ~(~uint64_t{0} << end % 64);
    for (; left != 0; left &= left - 1) {
      to[count++] = static_cast<uint8_t>(word * 64 + static_cast<uint32_t>(std::countr_zero(left)));
    }
  }
  return count;
}

constexpr PostingKernels kPlain{"plain", plain_unpack, plain_no_longer, plain_choose, 0};

#if defined(__x86_64__)

constexpr uint32_t kWidest = 25;

// Where the lanes find their numbers.
struct alignas(32) Places {
  std::array<uint8_t, 32> bytes;
  std::array<uint32_t, 8> shifts;
};
constexpr auto kPlaces = [] {
  std::array<Places, kWidest + 1> all{};
  for (uint32_t bits = 0; bits <= kWidest; bits++) {
    for (uint32_t lane = 0; lane < 8; lane++) {
      const uint32_t bit = lane * bits - (lane < 4 ? 0 : bits / 2 * 8);
      for (uint32_t k = 0; k < 4; k++) all[bits].bytes[lane * 4 + k] = static_cast<uint8_t>(bit / 8 + k);
      all[bits].shifts[lane] = bit % 8;
    }
  }
  return all;
}();

[[gnu::target("avx2")]] void avx2_unpack(const char* at, uint32_t bits, uint32_t count, uint32_t first, uint32_t* to) {
  constexpr uint32_t kFew = 16;
  if (bits > kWidest || count < kFew) return plain_unpack(at, bits, count, first, to);
  const __m256i bytes = _mm256_load_si256(reinterpret_cast<const __m256i*>(kPlaces[bits].bytes.data()));
  const __m256i shifts = _mm256_load_si256(reinterpret_cast<const __m256i*>(kPlaces[bits].shifts.data()));
  const __m256i mask = _mm256_set1_epi32((1 << bits) - 1);
  const __m256i one = _mm256_set1_epi32(1);
  const __m256i last = _mm256_set1_epi32(7);
  __m256i before = _mm256_set1_epi32(static_cast<int>(first));
  for (uint32_t i = 0; i < count; i += 8, at += bits) {
    const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + bits / 2));
    __m256i sum = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
    sum = _mm256_srlv_epi32(_mm256_shuffle_epi8(sum, bytes), shifts);
    sum = _mm256_add_epi32(_mm256_and_si256(sum, mask), one);
    sum = _mm256_add_epi32(sum, _mm256_slli_si256(sum, 4));
    sum = _mm256_add_epi32(sum, _mm256_slli_si256(sum, 8));
    const __m256i first_half = _mm256_permute2x128_si256(sum, sum, 0x08);  // in the second one; zeros in the first
    sum = _mm256_add_epi32(sum, _mm256_shuffle_epi32(first_half, 0xFF));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), _mm256_add_epi32(sum, before));
    before = _mm256_add_epi32(before, _mm256_permutevar8x32_epi32(sum, last));
  }
}

[[gnu::target("avx2")]] PostingBits avx2_no_longer(const uint8_t* counts, const uint8_t* lengths, uint32_t size,
                                                   uint8_t of_one, uint8_t of_more) {
  const __m256i one = _mm256_set1_epi8(1);
  const __m256i most_of_one = _mm256_set1_epi8(static_cast<char>(of_one));
  const __m256i most_of_more = _mm256_set1_epi8(static_cast<char>(of_more));
  PostingBits bits{};
  uint32_t i = 0;
  for (; i + 32 <= size; i += 32) {
    const __m256i count = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(counts + i));
    const __m256i length = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(lengths + i));
    const __m256i most = _mm256_blendv_epi8(most_of_more, most_of_one, _mm256_cmpeq_epi8(count, one));
    const __m256i fits = _mm256_cmpeq_epi8(_mm256_min_epu8(length, most), length);
    bits[i / 64] |= static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(fits))) << i % 64;
  }
  for (; i < size; i++) bits[i / 64] |= is_no_longer(counts[i], lengths[i], of_one, of_more) << i % 64;
  return bits;
}

// Where the bits of a byte are set, in order, one byte each.
constexpr auto kSetBits = [] {
  std::array<uint64_t, 256> all{};
  for (uint32_t byte = 0; byte < 256; byte++) {
    for (uint32_t bit = 0, found = 0; bit < 8; bit++) {
      if ((byte >> bit & 1) != 0) all[byte] |= uint64_t{bit} << 8 * found++;
    }
  }
  return all;
}();

[[gnu::target("avx2,popcnt")]] uint32_t avx2_choose(const uint32_t* events, uint32_t begin, uint32_t end,
                                                    const PostingBits& these, const EventBits& those, uint8_t* to) {
  const auto* const words = reinterpret_cast<const __m256i*>(those.words());
  const __m256i low = _mm256_loadu_si256(words);
  const __m256i high = _mm256_loadu_si256(words + 1);
  const __m256i bit_of_word = _mm256_set1_epi32(31);
  uint32_t count = 0;
  for (uint32_t i = begin / 8 * 8; i < end; i += 8) {
    const __m256i event = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(events + i));
    const __m256i word_at = _mm256_srli_epi32(event, 5);  // of which the lowest three bits count
    const __m256i word = _mm256_castps_si256(
        _mm256_blendv_ps(_mm256_castsi256_ps(_mm256_permutevar8x32_epi32(low, word_at)),
                         _mm256_castsi256_ps(_mm256_permutevar8x32_epi32(high, word_at)),
                         _mm256_castsi256_ps(_mm256_slli_epi32(event, 23))));
    const __m256i bit_first = _mm256_sllv_epi32(word, _mm256_andnot_si256(event, bit_of_word));
    auto chosen = static_cast<uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(bit_first)));
    chosen |= static_cast<uint32_t>(these[i / 64] >> i % 64) & 0xFF;
    if (i < begin) chosen &= 0xFF << (begin - i);
    if (i + 8 > end) chosen &= 0xFF >> (i + 8 - end);
    const uint64_t numbers = kSetBits[chosen] + i * 0x0101010101010101ULL;
    std::memcpy(to + count, &numbers, sizeof numbers);
    count += static_cast<uint32_t>(__builtin_popcount(chosen));
  }
  return count;
}

constexpr PostingKernels kAvx2{"avx2", avx2_unpack, avx2_no_longer, avx2_choose, 200};

#endif

}  // namespace

const PostingKernels& plain_posting_kernels() { return kPlain; }

std::vector<const PostingKernels*> posting_kernels_here() {
  std::vector<const PostingKernels*> all = {&kPlain};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt")) all.push_back(&kAvx2);
#endif
  return all;
}

const PostingKernels& best_posting_kernels() {
  static const PostingKernels& best = *posting_kernels_here().back();
  return best;
}

}  // namespace chronos
