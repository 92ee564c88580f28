// The arithmetic of a block of postings, many of them at once where the processor can.
//
// All of it is on whole numbers, so it is the same on every processor.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace chronos {

// Postings of a block, one bit each.
using PostingBits = std::array<uint64_t, 2>;

// A few events, so that most others can be told to be none of them: bit number event mod 512 of each is set.
class EventBits {
 public:
  static constexpr uint32_t kBits = 512;

  void add(uint32_t event) { words_[event / 64 % words_.size()] |= uint64_t{1} << event % 64; }
  bool may_have(uint32_t event) const { return (words_[event / 64 % words_.size()] >> event % 64 & 1) != 0; }
  bool is_any() const {
    uint64_t any = 0;
    for (const uint64_t word : words_) any |= word;
    return any != 0;
  }
  const uint64_t* words() const { return words_.data(); }

 private:
  std::array<uint64_t, kBits / 64> words_{};
};

struct PostingKernels {
  const char* name;

  // Numbers of so many bits lie packed at `at`, the lowest bits first: to[i] = first + the sum of numbers 0 to i, each
  // counted one more.
  // Requires: bits <= 32; count < 128; 2 count + 10 bytes behind the numbers can be read, and 7 numbers behind the
  // last one of `to` written.
  void (*unpack)(const char* at, uint32_t bits, uint32_t count, uint32_t first, uint32_t* to);

  // Which of `size` postings have a length of at most `of_one` if their count is 1, and of at most `of_more` if it is
  // more.
  // Requires: size <= 128.
  PostingBits (*no_longer)(const uint8_t* counts, const uint8_t* lengths, uint32_t size, uint8_t of_one,
                           uint8_t of_more);

  // The numbers, in order, of those postings from `begin` to `end` that are among `these`, or whose event may be among
  // `those`.  Returns how many.
  // Requires: end <= 128; 7 numbers behind the last one of `events` can be read, and 8 behind the last of `to` written.
  uint32_t (*choose)(const uint32_t* events, uint32_t begin, uint32_t end, const PostingBits& these,
                     const EventBits& those, uint8_t* to);
  // Of how many events EventBits are worth it: that many others are told from them, and cheaply.
  uint32_t few_events;
};

// Loops that can be seen to be right.
const PostingKernels& plain_posting_kernels();
// Those this processor runs, the plain ones first, the fastest last.
std::vector<const PostingKernels*> posting_kernels_here();
const PostingKernels& best_posting_kernels();

}  // namespace chronos
