#include "core/direct_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

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

bool DirectWriter::write(uint64_t offset, size_t size) {
  CHECK(offset % kAlignment == 0 && size % kAlignment == 0 && size <= kMost);
  ssize_t written;
  do {
    written = ::pwrite(fd_, memory_.get(), size, static_cast<off_t>(offset));
  } while (written < 0 && errno == EINTR);
  return written == static_cast<ssize_t>(size);
}

}  // namespace chronos
