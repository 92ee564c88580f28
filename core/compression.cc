#include "core/compression.h"

#include <zdict.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>

#include "core/check.h"
#include "core/varint.h"

namespace chronos {
namespace {

// Of the speeds measured over the workload: 3 is a third slower than 1 and 5 % smaller, 6 three times slower than 3 for
// another 6 %.
constexpr int kLevel = 3;
constexpr size_t kLeastSamples = 16;
constexpr size_t kLeastDictionary = 256;
// A block holds an event of at most 1 MiB, or a few small ones.
constexpr size_t kLargestBlock = size_t{64} << 20;
constexpr uint32_t kMagic = ZSTD_MAGICNUMBER;  // little-endian, as the machine is

}  // namespace

std::string train_dictionary(const std::vector<std::string>& samples, size_t most_bytes) {
  std::string all;
  std::vector<size_t> sizes;
  for (const std::string& sample : samples) {
    all += sample;
    sizes.push_back(sample.size());
  }
  most_bytes = std::min(most_bytes, all.size() / 8);
  if (sizes.size() < kLeastSamples || most_bytes < kLeastDictionary) return {};
  std::string dictionary(most_bytes, '\0');
  const size_t size = ZDICT_trainFromBuffer(dictionary.data(), dictionary.size(), all.data(), sizes.data(),
                                            static_cast<unsigned>(sizes.size()));
  dictionary.resize(ZDICT_isError(size) != 0 ? 0 : size);
  return dictionary;
}

Compressor::Compressor(std::string_view dictionary) : context_(ZSTD_createCCtx()) {
  CHECK(context_ != nullptr);
  ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(context_, ZSTD_c_contentSizeFlag, 0);
  ZSTD_CCtx_setParameter(context_, ZSTD_c_dictIDFlag, 0);
  if (dictionary.empty()) return;
  dictionary_ = ZSTD_createCDict(dictionary.data(), dictionary.size(), kLevel);
  CHECK(dictionary_ != nullptr);
  ZSTD_CCtx_refCDict(context_, dictionary_);
}

Compressor::~Compressor() {
  ZSTD_freeCCtx(context_);
  ZSTD_freeCDict(dictionary_);
}

void Compressor::compress(std::string_view block, std::string& to) {
  CHECK(block.size() <= kLargestBlock);
  buffer_.resize(ZSTD_compressBound(block.size()));
  const size_t size = ZSTD_compress2(context_, buffer_.data(), buffer_.size(), block.data(), block.size());
  CHECK(ZSTD_isError(size) == 0);
  const bool is_smaller = size - sizeof kMagic < block.size();
  put_varint(to, uint64_t{block.size()} << 1 | (is_smaller ? 1 : 0));
  to += is_smaller ? std::string_view(buffer_).substr(sizeof kMagic, size - sizeof kMagic) : block;
}

Decompressor::Decompressor(std::string_view dictionary) {
  if (dictionary.empty()) return;
  dictionary_ = ZSTD_createDDict(dictionary.data(), dictionary.size());
  CHECK(dictionary_ != nullptr);
}

Decompressor::~Decompressor() { ZSTD_freeDDict(dictionary_); }

size_t Decompressor::memory_bytes() const { return ZSTD_sizeof_DDict(dictionary_); }

bool Decompressor::decompress(std::string& bytes, size_t begin, std::string& to) const {
  // One for each thread: it takes 150 KiB and longer to make than a block to read.
  thread_local const std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  CHECK(begin >= sizeof kMagic && begin <= bytes.size());
  ByteReader reader(std::string_view(bytes).substr(begin));
  const uint64_t head = reader.number();
  const uint64_t size = head >> 1;
  if (reader.bad() || size > kLargestBlock) return false;
  if ((head & 1) == 0) {
    to = reader.rest();
    return to.size() == size;
  }
  // The magic number goes where the size was, and before.
  const size_t frame = bytes.size() - reader.rest().size() - sizeof kMagic;
  std::memcpy(bytes.data() + frame, &kMagic, sizeof kMagic);
  to.resize(size);
  const std::string_view packed = std::string_view(bytes).substr(frame);
  const size_t made =
      dictionary_ == nullptr
          ? ZSTD_decompressDCtx(context.get(), to.data(), size, packed.data(), packed.size())
          : ZSTD_decompress_usingDDict(context.get(), to.data(), size, packed.data(), packed.size(), dictionary_);
  return made == size;
}

}  // namespace chronos
