#include "core/direct_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "core/check.h"

namespace chronos {

// The file is opened once more by its descriptor: its name may have changed.
std::unique_ptr<DirectWriter> DirectWriter::open(int fd) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const int direct = ::open(path.c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC);
  if (direct < 0) return nullptr;
  auto* const memory = static_cast<char*>(std::aligned_alloc(kAlignment, kMost));
  CHECK(memory != nullptr);
  return std::unique_ptr<DirectWriter>(new DirectWriter(direct, memory));
}

DirectWriter::~DirectWriter() { ::close(fd_); }

void DirectWriter::copy(char* to, std::string_view from) {
#ifdef __SSE2__
  constexpr size_t kWord = sizeof(__m128i);
  const size_t to_align = std::min(from.size(), (kWord - reinterpret_cast<uintptr_t>(to) % kWord) % kWord);
  std::memcpy(to, from.data(), to_align);
  to += to_align;
  from.remove_prefix(to_align);
  for (; from.size() >= kWord; from.remove_prefix(kWord), to += kWord) {
    _mm_stream_si128(reinterpret_cast<__m128i*>(to), _mm_loadu_si128(reinterpret_cast<const __m128i*>(from.data())));
  }
  _mm_sfence();
#endif
  std::memcpy(to, from.data(), from.size());
}

bool DirectWriter::write(uint64_t offset, size_t size) {
  CHECK(offset % kAlignment == 0 && size % kAlignment == 0 && size <= kMost);
  ssize_t written;
  do {
    written = ::pwrite(fd_, memory_.get(), size, static_cast<off_t>(offset));
  } while (written < 0 && errno == EINTR);
  return written == static_cast<ssize_t>(size);
}

}  // namespace chronos
