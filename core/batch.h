// Builds the body of a commit in the caller's thread, so that the sequencer has nothing left but numbers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/condition.h"
#include "core/principal.h"
#include "core/result.h"
#include "core/types.h"

namespace chronos {

// Told by describe_store; over one of them is kTooLarge and nothing is written.
struct Limits {
  size_t event_bytes = size_t{1} << 20;  // data + metadata + names + tags + embedding of one event
  size_t batch_events = 10'000;
  size_t batch_bytes = size_t{16} << 20;
  size_t stream_bytes = 256;
  size_t type_bytes = 128;
  size_t id_bytes = 128;          // event, correlation, causation and request ids
  size_t tags = 64;
  size_t tag_bytes = 256;
  size_t json_depth = 64;
  size_t embedding_floats = 8192;
  size_t conditions = 100;
};

// One event as the client gave it.  Views must live until add() returns.
struct NewEvent {
  std::string_view stream;
  std::string_view type;
  std::string_view data;      // a JSON object: Requires: checked (core/valid_json.h)
  std::string_view metadata;  // a JSON object, checked, or empty
  std::string_view id;
  std::string_view correlation_id;
  std::string_view causation_id;
  std::span<const std::string_view> tags;
  std::optional<Timestamp> valid_at;
  std::span<const float> embedding;
};

struct BatchHead {
  std::string fork = "main";
  Principal principal = local_principal("");  // whose append it is; the default is the owner of the Store itself
  std::string request_id;  // empty: not idempotent by request
  std::vector<Condition> conditions;
  Durability durability = Durability::kFsync;
};

// A complete batch: one contiguous record whose body is final and whose head waits for the sequencer's numbers.
// Movable; used once.
struct Batch {
  struct Key {  // per event: what the sequencer would have to work out under its lock
    uint64_t stream_hash;
    uint64_t type_hash;
    uint32_t offset;  // of its EventHead from the start of the record
  };
  BatchHead head;
  std::unique_ptr<char[]> memory;  // little more than the record; kSimdPadding readable bytes follow it
  size_t start = 0;
  size_t length = 0;
  uint64_t body_hash = 0;
  bool has_ids = false;  // some event has an id given by the client
  std::vector<Key> keys;

  size_t size() const { return keys.size(); }
  std::string_view record() const { return {memory.get() + start, length}; }
  Event event(size_t i) const { return Event(memory.get() + start + keys[i].offset); }
};

// One thread.  Requires: the limits outlive it.
class BatchBuilder {
 public:
  explicit BatchBuilder(const Limits& limits);

  // Starts a batch; whatever was added before is forgotten.
  void begin(BatchHead head);
  // Checks names and limits and encodes the event.  On failure the batch is as before the call; the message
  // names the field, not the event's number in the batch (the caller knows how it was counted).
  Result<void> add(const NewEvent& event);
  size_t event_count() const { return keys_.size(); }
  // What the events take, encoded.
  size_t body_bytes() const { return size_ - events_at_; }
  // kInvalidArgument for an empty batch or a wrong head; after it, begin() anew.
  Result<Batch> finish();

 private:
  Result<void> check(const NewEvent& event) const;
  Result<void> check_ids() const;
  void reserve(size_t more);
  void put(std::string_view bytes);
  Batch complete(size_t prefix);

  const Limits& limits_;
  BatchHead head_;
  std::unique_ptr<char[]> memory_;  // room for the prefix, then the body
  size_t capacity_ = 0;
  size_t prefix_room_ = 0;
  size_t size_ = 0;       // used, the prefix room included
  size_t events_at_ = 0;  // where the events begin
  size_t conditions_size_ = 0;
  size_t client_bytes_ = 0;  // counted against Limits::batch_bytes
  bool has_ids_ = false;
  std::vector<Batch::Key> keys_;
  size_t last_capacity_ = 0;  // of the batch before: the next is likely as large
  size_t last_events_ = 0;
};

// The rules for names, shared by everything that takes one: 1..limit bytes, valid UTF-8, no control characters.
// `what` names the field in the message.
Result<void> check_name(std::string_view what, std::string_view name, size_t limit_bytes);

}  // namespace chronos
