// Ascending numbers of a segment's events: as they lie in memory, or packed in a sealed segment's file.
//
// Packed, they stand in groups of kGroup: each group is its first number and then the differences, LEB128; a list of
// more than one group has, in front, for each group its first number and where it begins, so that any place in a long
// list is found without reading what is before it.  Valid as long as its segment.  One thread at a time.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace chronos {

class LocalList {
 public:
  static constexpr uint32_t kGroup = 64;

  LocalList() = default;
  explicit LocalList(std::span<const uint32_t> plain)
      : plain_(plain.data()), size_(static_cast<uint32_t>(plain.size())) {}
  // Requires: `packed` is what pack() made of `size` numbers.
  LocalList(const char* packed, uint32_t size) : packed_(packed), packed_size_(size), size_(size) {}
  LocalList(const LocalList& other)
      : plain_(other.plain_), packed_(other.packed_), packed_size_(other.packed_size_), size_(other.size_) {}
  LocalList& operator=(const LocalList& other) { return *this = LocalList(other); }
  LocalList(LocalList&&) = default;
  LocalList& operator=(LocalList&&) = default;
  ~LocalList() = default;

  uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Requires: i < size().
  uint32_t operator[](uint32_t i) const { return packed_ == nullptr ? plain_[i] : group(i / kGroup)[i % kGroup]; }
  // How many of them are below `end`.
  uint32_t rank(uint64_t end) const;
  // Forgets all but the first `size`.
  void shorten(uint32_t size) { size_ = std::min(size_, size); }

  static void pack(std::span<const uint32_t> numbers, std::string& to);
  // All of them, at the end of `to`, each with `shift` added.
  void unpack(std::vector<uint32_t>& to, uint32_t shift) const;

 private:
  struct Window {  // the group looked at last
    uint32_t number = UINT32_MAX;
    std::array<uint32_t, kGroup> values;
  };
  const uint32_t* group(uint32_t number) const;

  const uint32_t* plain_ = nullptr;
  const char* packed_ = nullptr;
  uint32_t packed_size_ = 0;  // what is packed there, of which size_ are in the list
  uint32_t size_ = 0;
  mutable std::unique_ptr<Window> window_;
};

}  // namespace chronos
