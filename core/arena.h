// Memory that only grows and never moves: what is put in stays at its address until the arena goes.
//
// Chunks double from 1 KiB to 64 MiB, so an idle fork costs little and a busy one few calls.  Of a large chunk the
// system provides only what was touched. One writer; readers of what was allocated need nothing from the arena.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace chronos {

class Arena {
 public:
  Arena() = default;
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Uninitialised memory, aligned to 8.  `slack` more bytes behind it are readable, and may belong to what comes next.
  char* allocate(size_t size, size_t slack = 0);
  // Taken from the system.
  size_t bytes() const { return bytes_; }

  // The memory that comes next and was never touched, about `ahead` bytes of it, once less than that is left ready;
  // empty otherwise, and when the system would not know what to do with it.  Each stretch is given out once.
  std::span<char> claim_ahead(size_t ahead);
  // Has the system find memory for it, so that the writer meets no page faults there, which cost more than filling it.
  // In any thread, beside the writer.
  static void make_ready(std::span<char> claimed);

 private:
  struct Chunk {
    char* memory;
    size_t size;
    bool mapped;
  };
  void grow(size_t need);
  std::vector<Chunk> chunks_;
  char* next_ = nullptr;
  char* end_ = nullptr;
  char* ready_ = nullptr;  // up to here memory was claimed to be made ready; end_ where that is not done
  size_t bytes_ = 0;
};

}  // namespace chronos
