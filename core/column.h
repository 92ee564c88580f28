// An append-only array whose elements never move, for one writer and any number of readers.
//
// Chunks double in size, so the directory is small and fixed and reading an element takes one shift more than
// reading a vector.  A reader may read element i once it knows, from a release-acquire pair of its owner (a
// published count), that i was appended; the column itself publishes only its chunks.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>

namespace chronos {

template <typename T, unsigned kFirstBits = 4>
class Column {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  Column() = default;
  ~Column() {
    for (auto& chunk : chunks_) ::operator delete(chunk.load(std::memory_order_relaxed));
  }
  Column(const Column&) = delete;
  Column& operator=(const Column&) = delete;

  // The writer only.
  template <typename... Args>
  T& push_back(Args&&... args) {
    const Place place = place_of(size_);
    T* chunk = chunks_[place.chunk].load(std::memory_order_relaxed);
    if (chunk == nullptr) {
      chunk = static_cast<T*>(::operator new(place.chunk_size * sizeof(T)));
      chunks_[place.chunk].store(chunk, std::memory_order_release);
      bytes_ += place.chunk_size * sizeof(T);
    }
    size_++;
    return *new (chunk + place.offset) T{std::forward<Args>(args)...};
  }
  // The writer's count; readers have a published one from elsewhere.
  uint32_t size() const { return size_; }
  size_t bytes() const { return bytes_; }

  const T& operator[](uint32_t i) const {
    const Place place = place_of(i);
    return chunks_[place.chunk].load(std::memory_order_acquire)[place.offset];
  }
  T& operator[](uint32_t i) {
    const Place place = place_of(i);
    return chunks_[place.chunk].load(std::memory_order_acquire)[place.offset];
  }

 private:
  struct Place {
    unsigned chunk;
    uint32_t offset;
    size_t chunk_size;
  };
  static Place place_of(uint32_t i) {
    const uint32_t head = i >> kFirstBits;
    if (head == 0) return {0, i, size_t{1} << kFirstBits};
    const unsigned chunk = static_cast<unsigned>(std::bit_width(head));
    const size_t chunk_size = size_t{1} << (kFirstBits + chunk - 1);
    return {chunk, static_cast<uint32_t>(i - chunk_size), chunk_size};
  }

  std::array<std::atomic<T*>, 33 - kFirstBits> chunks_{};
  uint32_t size_ = 0;
  size_t bytes_ = 0;
};

}  // namespace chronos
