// What packing events uses and a reader needs again: the shapes of their JSON, and a dictionary for their blocks.
//
// Learning it costs as much as packing, and a reader that meets a new one for each region has to fetch it into its
// caches anew: so what was learned from one segment packs the next ones too, as long as it packs them well, and readers
// have each that they meet in memory once.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/compression.h"
#include "core/json_shape.h"
#include "core/shape_reader.h"
#include "core/varint.h"

namespace chronos {

// For a writer.  One thread.
struct Packing {
  std::string dictionary;
  ShapeTable shapes;
  std::string bytes;        // of both, as a region has them
  double smallest = 1e300;  // share of the events' bytes that the blocks took, the smallest so far

  // Null when the bytes do not begin with those of a Packing.
  static std::shared_ptr<Packing> read(ByteReader from);
};

// For readers.  Any thread.
class Unpacking {
 public:
  // Null when the bytes do not begin with those of a Packing; `from` is left behind them.
  static std::shared_ptr<const Unpacking> read(ByteReader& from);

  const ShapeReader& shapes() const { return shapes_; }
  const Decompressor& decompressor() const { return *decompressor_; }
  size_t memory_bytes() const { return dictionary_.size() + decompressor_->memory_bytes(); }

 private:
  std::string dictionary_;
  ShapeReader shapes_;
  std::unique_ptr<Decompressor> decompressor_;
};

// Those in use.  Any thread.
class Unpackings {
 public:
  // The one that the bytes are, which `from` begins with; as Unpacking::read.
  std::shared_ptr<const Unpacking> share(ByteReader& from);

 private:
  std::mutex mutex_;
  std::unordered_map<uint64_t, std::weak_ptr<const Unpacking>> known_;  // by the hash of their bytes
};

}  // namespace chronos
