// A place in the postings of a term, which goes forward only.
#pragma once

#include <cstdint>

#include "search/posting_kernels.h"
#include "search/text_segment.h"

namespace chronos {

// The greatest lengths with which a count of 1, and a greater one, is enough.
struct Enough {
  uint8_t of_one = 0;
  uint8_t of_more = 0;
};

// One thread.
class PostingCursor {
 public:
  explicit PostingCursor(const TextSegment::Postings& postings);

  const TextSegment::Postings& postings() const { return postings_; }
  // What it is in, and where: nothing before the first seek.
  const TextSegment::Block& block() const { return block_; }
  uint32_t at() const { return at_; }

  // Goes to the first posting that is not before the event, no matter which; false when there is none.
  bool seek(uint32_t event) {
    if (at_ < block_.size && block_.events[at_] >= event) return true;
    if ((at_ == block_.size || block_.events[block_.size - 1] < event) && !seek_block(event)) return false;
    at_ = place_of(event);
    return at_ < block_.size;
  }
  // The first in the block whose event is not before this one; the block's size when there is none.
  // Requires: at() < block().size.
  uint32_t end_of(uint32_t event) const {
    return block_.events[block_.size - 1] < event ? block_.size : place_of(event);
  }
  // Requires: at() <= place <= block().size.
  void go_to(uint32_t place) { at_ = place; }
  // Between blocks, passes over whole ones that end before `to` and in which nothing is enough.
  void pass_over(uint32_t from, uint32_t to, const Enough& enough);
  PostingBits enough_of_block(const Enough& enough) const {
    return kernels_->no_longer(block_.counts, block_.lengths, block_.size, enough.of_one, enough.of_more);
  }

 private:
  bool seek_block(uint32_t event);
  uint32_t place_of(uint32_t event) const;

  const PostingKernels* kernels_ = &best_posting_kernels();
  TextSegment::Postings postings_;
  TextSegment::Block block_;
  uint32_t next_ = 0;  // block
  uint32_t at_ = 0;    // in the one that was read
};

// Which way it goes is as likely as not at every step, so it is computed and not branched on.
inline uint32_t PostingCursor::place_of(uint32_t event) const {
  const uint32_t* const events = block_.events.data();
  uint32_t at = at_;
  for (uint32_t left = block_.size - at; left > 1;) {
    const uint32_t half = left / 2;
    at += half * static_cast<uint32_t>(events[at + half - 1] < event);
    left -= half;
  }
  return at + static_cast<uint32_t>(events[at] < event);
}

}  // namespace chronos
