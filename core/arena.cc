#include "core/arena.h"

#include <sys/mman.h>

#include <algorithm>

#include "core/check.h"

namespace chronos {
namespace {

constexpr size_t kFirstChunk = size_t{1} << 10;
constexpr size_t kLargestChunk = size_t{64} << 20;
constexpr size_t kPage = 4096;
// From here on chunks come straight from the kernel, and go back to it whole.  Huge pages are not asked for: where a
// host takes back what its virtual machines do not use, they are what it takes first, and clearing one anew took
// milliseconds, under the lock.
constexpr size_t kMapFrom = size_t{2} << 20;

char* map_chunk(size_t size) {
  void* const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED);
  return static_cast<char*>(memory);
}

}  // namespace

Arena::~Arena() {
  for (const Chunk& chunk : chunks_) {
    if (chunk.mapped) {
      munmap(chunk.memory, chunk.size);
    } else {
      ::operator delete(chunk.memory);
    }
  }
}

char* Arena::allocate(size_t size, size_t slack) {
  size = (size + 7) & ~size_t{7};
  if (next_ == nullptr || size + slack > static_cast<size_t>(end_ - next_)) grow(size + slack);
  char* memory = next_;
  next_ += size;
  return memory;
}

void Arena::grow(size_t need) {
  size_t size = std::clamp(bytes_, kFirstChunk, kLargestChunk);
  while (size < need) size *= 2;
  const bool mapped = size >= kMapFrom;
  char* const memory = mapped ? map_chunk(size) : static_cast<char*>(::operator new(size));
  chunks_.push_back({memory, size, mapped});
  bytes_ += size;
  next_ = memory;
  end_ = memory + size;
  ready_ = mapped ? memory : end_;
}

std::span<char> Arena::claim_ahead(size_t ahead) {
  if (static_cast<size_t>(end_ - next_) <= ahead) ahead = static_cast<size_t>(end_ - next_);
  if (next_ + ahead <= ready_) return {};
  const size_t used = static_cast<size_t>(next_ - chunks_.back().memory);
  char* const begin = std::max(ready_, chunks_.back().memory + used / kPage * kPage);
  const size_t size = std::min((2 * ahead + kPage - 1) / kPage * kPage, static_cast<size_t>(end_ - begin));
  ready_ = begin + size;
  return {begin, size};
}

void Arena::make_ready(std::span<char> claimed) {
#ifdef MADV_POPULATE_WRITE
  // In pieces: meanwhile no other thread can change the address space, as allocating does.
  constexpr size_t kPiece = size_t{256} << 10;
  for (; !claimed.empty(); claimed = claimed.subspan(std::min(kPiece, claimed.size()))) {
    // Where it cannot be done (Linux before 5.14) the faults come one by one.
    if (madvise(claimed.data(), std::min(kPiece, claimed.size()), MADV_POPULATE_WRITE) != 0) return;
  }
#else
  static_cast<void>(claimed);
#endif
}

}  // namespace chronos
