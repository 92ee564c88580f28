// Writes large pieces of a file from memory to the device, past the system's page cache.
//
// What is written and synced at once, and read again only after a restart, gains nothing from lying in the page cache:
// the system would find a page for each 4 KiB, copy into it, and then write it.  On a virtual machine whose host takes
// back unused memory, finding those pages can cost more than all the rest of an import.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>

namespace chronos {

// One thread.
class DirectWriter {
 public:
  static constexpr size_t kAlignment = 4096;  // of places and sizes in the file, as no device asks for more
  static constexpr size_t kMost = size_t{1} << 20;

  // `fd` is a file open for writing, which stays the caller's.  Null where the file system does not do this.
  static std::unique_ptr<DirectWriter> open(int fd);
  ~DirectWriter();
  DirectWriter(const DirectWriter&) = delete;
  DirectWriter& operator=(const DirectWriter&) = delete;

  // kMost bytes to put what is written next into.
  std::span<char> memory() { return {memory_.get(), kMost}; }
  // Copies something into memory(), past the processor's caches: the device alone reads it, and lines that the device
  // had from them last time would have to be fetched back first, which took two thirds of the time of the copy.
  static void copy(char* to, std::string_view from);
  // Writes the first `size` bytes of memory().  False when that failed, or did so in part: they are to be written
  // through the page cache, which tells what is wrong if it goes on.
  // Requires: offset and size are multiples of kAlignment.
  bool write(uint64_t offset, size_t size);

 private:
  struct Free {
    void operator()(char* memory) const { std::free(memory); }
  };
  DirectWriter(int fd, char* memory) : fd_(fd), memory_(memory) {}

  const int fd_;
  const std::unique_ptr<char, Free> memory_;
};

}  // namespace chronos
