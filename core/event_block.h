// A few events that follow each other, as the bytes of one block of a sealed segment, before they are compressed.
//
// Names are numbers of the region, JSON is shapes and values (core/json_shape.h), and what the events of a batch share
// stands with the first of them in the block.  docs/FORMAT.md has the bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/event.h"
#include "core/json_shape.h"
#include "core/shape_reader.h"
#include "core/varint.h"

namespace chronos {

// What the events of a batch share.
struct PackedBatch {
  uint64_t id_seed = 0;
  int64_t recorded_at = 0;  // microseconds after the region's base
  uint32_t actor = 0;
  uint32_t events = 0;
  Durability durability = Durability::kFsync;
  // With the batch's first event only.
  std::string_view request_id;
  std::string_view conditions;
};

// Names as numbers of the region; views into the event or the block.
struct PackedEvent {
  PackedBatch batch;
  uint32_t ordinal = 0;
  uint32_t stream = 0;
  uint32_t version = 0;
  uint32_t type = 0;
  std::vector<uint32_t> tags;
  std::optional<int64_t> valid_at;  // microseconds after recorded_at
  std::string_view id;
  std::string_view correlation_id;
  std::string_view causation_id;
  std::string_view embedding;  // floats
  bool has_metadata = false;
};

// What blocks say of a batch that goes on from the block before: of a long one, which goes on in many, its number in
// the region.
struct LongBatch {
  static constexpr uint32_t kLeastEvents = 16;
  uint64_t id_seed;
  int64_t recorded_at;
  uint32_t actor;
  uint32_t events;
};
static_assert(sizeof(LongBatch) == 24);

// Writes a block.  One thread.
class BlockBuilder {
 public:
  explicit BlockBuilder(const ShapeTable& shapes) : shapes_(shapes) {}

  // Events in order.  Data and metadata are those of the event.
  void add(const PackedEvent& event, std::string_view data, std::string_view metadata);
  uint32_t events() const { return events_; }
  std::string_view bytes() const { return bytes_; }
  void clear();
  // Those of all blocks written so far, which readers need.
  std::string_view long_batches() const {
    return {reinterpret_cast<const char*>(long_batches_.data()), long_batches_.size() * sizeof(LongBatch)};
  }

 private:
  void put_batch(const PackedEvent& event);
  uint64_t number_of(const PackedBatch& batch);
  void put_json(std::string_view json);

  const ShapeTable& shapes_;
  ShapedText shaped_;
  std::string bytes_;
  uint32_t events_ = 0;
  std::vector<LongBatch> long_batches_;
  std::unordered_map<uint64_t, uint64_t> long_numbers_;  // by id seed
};

// Reads a block from its first event on.  One thread.
class BlockReader {
 public:
  // Requires: all outlive it.
  BlockReader(std::string_view bytes, const ShapeReader& shapes, std::string_view long_batches)
      : from_(bytes), shapes_(shapes), long_batches_(long_batches) {}

  // The next event, all but its texts, which are then to be taken or passed over, and what it shares with its batch.
  // False when there is none, or the bytes are not those of a block.
  bool next(PackedEvent& event);
  // Adds that.  It may lie elsewhere in memory, and is being fetched since next().
  void take_batch(PackedEvent& event);
  // Appends them.  False when they are not there.
  bool take_data(std::string& to) { return shapes_.decode(from_, to); }
  bool take_metadata(const PackedEvent& event, std::string& to) {
    return !event.has_metadata || shapes_.decode(from_, to);
  }
  bool pass_texts(const PackedEvent& event) {
    return shapes_.skip(from_) && (!event.has_metadata || shapes_.skip(from_));
  }
  bool finished() const { return from_.finished(); }

 private:
  bool begin_batch(unsigned flags, PackedEvent& event);
  bool begin_long_batch();

  ByteReader from_;
  const ShapeReader& shapes_;
  const std::string_view long_batches_;
  PackedBatch batch_;
  const char* long_batch_ = nullptr;  // what batch_ is to be filled from, when it was not yet
  uint32_t next_ordinal_ = 0;
};

}  // namespace chronos
