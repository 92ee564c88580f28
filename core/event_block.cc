#include "core/event_block.h"

#include <cstring>

namespace chronos {
namespace {

// The first byte of an event.
enum Has : unsigned {
  kBatch = 1,  // what the batch shares follows
  kMetadata = 2,
  kTags = 4,
  kValidAt = 8,
  kId = 16,
  kCauses = 32,  // correlation and causation id
  kEmbedding = 64,
};
enum OfBatch : unsigned {
  kFirst = 1,  // its first event, with request id and conditions
  kNotSynced = 2,
  kLong = 4,  // goes on, and is told by its number
};

void put_text(std::string& to, std::string_view text) {
  put_varint(to, text.size());
  to += text;
}

}  // namespace

void BlockBuilder::clear() {
  bytes_.clear();
  events_ = 0;
}

uint64_t BlockBuilder::number_of(const PackedBatch& batch) {
  const LongBatch told{batch.id_seed, batch.recorded_at, batch.actor, batch.events};
  const auto [place, is_new] = long_numbers_.try_emplace(batch.id_seed, long_batches_.size());
  if (!is_new && std::memcmp(&long_batches_[place->second], &told, sizeof told) == 0) return place->second;
  place->second = long_batches_.size();
  long_batches_.push_back(told);
  return place->second;
}

void BlockBuilder::put_batch(const PackedEvent& event) {
  const PackedBatch& batch = event.batch;
  const bool is_first = event.ordinal == 0;
  const bool is_long = !is_first && batch.events >= LongBatch::kLeastEvents;
  bytes_ += static_cast<char>((is_first ? kFirst : 0u) | (batch.durability == Durability::kOs ? kNotSynced : 0u) |
                              (is_long ? kLong : 0u));
  if (is_long) {
    put_varint(bytes_, number_of(batch));
    put_varint(bytes_, event.ordinal);
    return;
  }
  bytes_.append(reinterpret_cast<const char*>(&batch.id_seed), sizeof batch.id_seed);
  put_varint(bytes_, zigzag(batch.recorded_at));
  put_varint(bytes_, batch.actor);
  put_varint(bytes_, batch.events);
  if (!is_first) {
    put_varint(bytes_, event.ordinal);
    return;
  }
  put_text(bytes_, batch.request_id);
  put_text(bytes_, batch.conditions);
}

void BlockBuilder::put_json(std::string_view json) {
  take_apart(json, shaped_);
  shapes_.encode(shaped_, json, bytes_);
}

void BlockBuilder::add(const PackedEvent& event, std::string_view data, std::string_view metadata) {
  const bool begins_batch = events_ == 0 || event.ordinal == 0;
  unsigned has = begins_batch ? kBatch : 0u;
  if (!metadata.empty()) has |= kMetadata;
  if (!event.tags.empty()) has |= kTags;
  if (event.valid_at) has |= kValidAt;
  if (!event.id.empty()) has |= kId;
  if (!event.correlation_id.empty() || !event.causation_id.empty()) has |= kCauses;
  if (!event.embedding.empty()) has |= kEmbedding;
  bytes_ += static_cast<char>(has);
  if (begins_batch) put_batch(event);
  put_varint(bytes_, event.stream);
  put_varint(bytes_, event.version);
  put_varint(bytes_, event.type);
  if ((has & kTags) != 0) {
    put_varint(bytes_, event.tags.size());
    for (const uint32_t tag : event.tags) put_varint(bytes_, tag);
  }
  if ((has & kValidAt) != 0) put_varint(bytes_, zigzag(*event.valid_at));
  if ((has & kId) != 0) put_text(bytes_, event.id);
  if ((has & kCauses) != 0) {
    put_text(bytes_, event.correlation_id);
    put_text(bytes_, event.causation_id);
  }
  if ((has & kEmbedding) != 0) put_text(bytes_, event.embedding);
  put_json(data);
  if ((has & kMetadata) != 0) put_json(metadata);
  events_++;
}

bool BlockReader::begin_long_batch() {
  const uint64_t number = from_.number();
  if (from_.bad() || number >= long_batches_.size() / sizeof(LongBatch)) return false;
  long_batch_ = long_batches_.data() + number * sizeof(LongBatch);
  __builtin_prefetch(long_batch_);
  next_ordinal_ = from_.small_number();
  return !from_.bad();
}

void BlockReader::take_batch(PackedEvent& event) {
  if (long_batch_ == nullptr) return;  // next() had it
  LongBatch batch;
  std::memcpy(&batch, long_batch_, sizeof batch);
  long_batch_ = nullptr;
  batch_.id_seed = batch.id_seed;
  batch_.recorded_at = batch.recorded_at;
  batch_.actor = batch.actor;
  batch_.events = batch.events;
  event.batch = batch_;
}

bool BlockReader::begin_batch(unsigned flags, PackedEvent& event) {
  batch_.durability = (flags & kNotSynced) != 0 ? Durability::kOs : Durability::kFsync;
  batch_.request_id = {};
  batch_.conditions = {};
  long_batch_ = nullptr;
  if ((flags & kLong) != 0) return begin_long_batch();
  const std::string_view seed = from_.bytes(sizeof batch_.id_seed);
  if (seed.size() != sizeof batch_.id_seed) return false;
  std::memcpy(&batch_.id_seed, seed.data(), seed.size());
  batch_.recorded_at = unzigzag(from_.number());
  batch_.actor = from_.small_number();
  batch_.events = from_.small_number();
  next_ordinal_ = 0;
  if ((flags & kFirst) == 0) {
    next_ordinal_ = from_.small_number();
  } else {
    event.batch.request_id = batch_.request_id = from_.text();
    event.batch.conditions = batch_.conditions = from_.text();
  }
  return !from_.bad();
}

bool BlockReader::next(PackedEvent& event) {
  if (from_.bad() || from_.rest().empty()) return false;
  const unsigned has = from_.byte();
  if ((has & kBatch) != 0 && !begin_batch(from_.byte(), event)) return false;
  event.batch = batch_;
  batch_.request_id = {};
  batch_.conditions = {};
  event.ordinal = next_ordinal_++;
  event.stream = from_.small_number();
  event.version = from_.small_number();
  event.type = from_.small_number();
  event.tags.clear();
  if ((has & kTags) != 0) {
    for (uint64_t tags = from_.number(); tags > 0 && !from_.bad(); tags--) event.tags.push_back(from_.small_number());
  }
  event.valid_at.reset();
  if ((has & kValidAt) != 0) event.valid_at = unzigzag(from_.number());
  event.id = (has & kId) != 0 ? from_.text() : std::string_view();
  event.correlation_id = (has & kCauses) != 0 ? from_.text() : std::string_view();
  event.causation_id = (has & kCauses) != 0 ? from_.text() : std::string_view();
  event.embedding = (has & kEmbedding) != 0 ? from_.text() : std::string_view();
  event.has_metadata = (has & kMetadata) != 0;
  return !from_.bad();
}

}  // namespace chronos
