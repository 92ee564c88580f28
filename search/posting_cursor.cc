#include "search/posting_cursor.h"

#include <cstddef>

namespace chronos {
namespace {

// About a block.
template <typename Byte>
void prefetch(const Byte* at) {
  constexpr ptrdiff_t kLine = 64;
  constexpr ptrdiff_t kLines = 6;
  for (ptrdiff_t line = 0; line < kLines; line++) __builtin_prefetch(at + line * kLine);
}

// The next block, which lies behind this one, is on its way while this one is worked on.
void prefetch_behind(const TextSegment::Block& block) { prefetch(block.lengths + block.size); }

}  // namespace

PostingCursor::PostingCursor(const TextSegment::Postings& postings) : postings_(postings) { prefetch(postings.at); }

bool PostingCursor::seek_block(uint32_t event) {
  next_ = TextSegment::block_of(postings_, event, next_);
  if (next_ >= postings_.blocks()) return false;
  TextSegment::read(postings_, next_++, block_);
  prefetch_behind(block_);
  at_ = 0;
  return true;
}

void PostingCursor::pass_over(uint32_t from, uint32_t to, const Enough& enough) {
  if (at_ < block_.size || postings_.blocks() == 1) return;
  next_ = TextSegment::block_of(postings_, from, next_);
  TextSegment::Block block;
  for (; next_ < postings_.blocks() && TextSegment::last_event(postings_, next_) < to; next_++) {
    TextSegment::read_counts(postings_, next_, block);
    prefetch_behind(block);
    const PostingBits found =
        kernels_->no_longer(block.counts, block.lengths, block.size, enough.of_one, enough.of_more);
    if ((found[0] | found[1]) != 0) return;
  }
}

}  // namespace chronos
