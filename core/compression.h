// Zstandard (RFC 8878) for small blocks that have much in common, which a dictionary says once.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct ZSTD_CCtx_s;
struct ZSTD_CDict_s;
struct ZSTD_DDict_s;

namespace chronos {

// What the samples have in common, at most `most_bytes` of it; empty when they are too few to say.
std::string train_dictionary(const std::vector<std::string>& samples, size_t most_bytes);

// One thread.
class Compressor {
 public:
  // The dictionary may be empty.
  explicit Compressor(std::string_view dictionary);
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  // Appends the block, compressed if that makes it smaller, with its size in front; the frame's magic number, which all
  // have, is left out.
  void compress(std::string_view block, std::string& to);

 private:
  ZSTD_CCtx_s* const context_;
  ZSTD_CDict_s* dictionary_ = nullptr;
  std::string buffer_;
};

// Any thread.
class Decompressor {
 public:
  // Requires: the dictionary's bytes outlive it.
  explicit Decompressor(std::string_view dictionary);
  ~Decompressor();
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  // What compress() made is in `bytes` from `begin` on; false when it is not that.  The bytes before it are
  // overwritten. Requires: begin >= 4.
  bool decompress(std::string& bytes, size_t begin, std::string& to) const;
  // Of the dictionary's tables.
  size_t memory_bytes() const;

 private:
  ZSTD_DDict_s* dictionary_ = nullptr;
};

}  // namespace chronos
