#include "core/arena.h"

#include <sys/mman.h>

#include <algorithm>

#include "core/check.h"

namespace chronos {
namespace {

constexpr size_t kFirstChunk = size_t{1} << 10;
constexpr size_t kLargestChunk = size_t{8} << 20;
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

Arena::Spare::Spare() : memory_(map_chunk(kLargestChunk)) {
  constexpr size_t kPage = 4096;
  for (size_t at = 0; at < kLargestChunk; at += kPage) memory_[at] = 0;
}

Arena::Spare::~Spare() {
  if (memory_ != nullptr) munmap(memory_, kLargestChunk);
}

bool Arena::wants_spare() const {
  return bytes_ >= kLargestChunk && spare_ == nullptr && static_cast<size_t>(end_ - next_) < kLargestChunk / 2;
}

Arena::Chunk Arena::make_chunk(size_t size) {
  if (size == kLargestChunk && spare_ != nullptr) {
    char* const memory = std::exchange(spare_->memory_, nullptr);
    spare_.reset();
    return {memory, size, true};
  }
  if (size >= kMapFrom) return {map_chunk(size), size, true};
  return {static_cast<char*>(::operator new(size)), size, false};
}

void Arena::grow(size_t need) {
  size_t size = std::clamp(bytes_, kFirstChunk, kLargestChunk);
  while (size < need) size *= 2;
  const Chunk chunk = make_chunk(size);
  chunks_.push_back(chunk);
  bytes_ += size;
  next_ = chunk.memory;
  end_ = chunk.memory + size;
}

}  // namespace chronos
