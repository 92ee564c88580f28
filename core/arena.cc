#include "core/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>

#include "core/check.h"

namespace chronos {
namespace {

constexpr size_t kFirstChunk = size_t{1} << 10;
constexpr size_t kLargestChunk = size_t{4} << 20;
// From here on chunks come straight from the kernel, in huge pages where it has them: a fault for
// each 4 KiB of fresh memory would cost more than copying an event.
constexpr size_t kMapFrom = size_t{1} << 20;

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
  Chunk chunk{nullptr, size, size >= kMapFrom};
  if (chunk.mapped) {
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    madvise(memory, size, MADV_HUGEPAGE);
    chunk.memory = static_cast<char*>(memory);
  } else {
    chunk.memory = static_cast<char*>(::operator new(size));
  }
  chunks_.push_back(chunk);
  bytes_ += size;
  next_ = chunk.memory;
  end_ = chunk.memory + size;
}

}  // namespace chronos
