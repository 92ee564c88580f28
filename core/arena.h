// Memory that only grows and never moves: what is put in stays at its address until the arena goes.
//
// Chunks double from 1 KiB to 8 MiB, so an idle fork costs little and a busy one few calls.
// One writer; readers of what was allocated need nothing from the arena.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
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

  // Memory made ready ahead, which may be done in another thread: the first touch of fresh memory costs more than
  // filling it.
  class Spare {
   public:
    Spare();
    ~Spare();
    Spare(const Spare&) = delete;
    Spare& operator=(const Spare&) = delete;

   private:
    friend class Arena;
    char* memory_;
  };
  // Whether a spare would be used soon and there is none.
  bool wants_spare() const;
  void take(std::unique_ptr<Spare> spare) { spare_ = std::move(spare); }

 private:
  struct Chunk {
    char* memory;
    size_t size;
    bool mapped;
  };
  void grow(size_t need);
  Chunk make_chunk(size_t size);

  std::vector<Chunk> chunks_;
  char* next_ = nullptr;
  char* end_ = nullptr;
  size_t bytes_ = 0;
  std::unique_ptr<Spare> spare_;
};

}  // namespace chronos
