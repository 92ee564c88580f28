// One event as it lies in a commit record, in memory and on disk alike.
//
//   record:  RecordHeader | CommitHead, versions[event_count] | actor, request_id, conditions, events...
//                           '------------- head ------------'   '------------- body --------------'
//
// An Event is a view: a pointer to its EventHead.  From it everything is reachable without an index: the commit
// lies `commit_back` bytes before it, its position is the commit's first position plus its ordinal, its
// version is in the commit's array.  The body is encoded in the caller's thread; only the head waits for the sequencer.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "core/check.h"
#include "core/log_format.h"
#include "core/types.h"

namespace chronos {

struct CommitHead {
  uint64_t first_position;
  int64_t recorded_at;
  uint64_t id_seed;  // 62 random bits; event ids that the client did not give count up from it
  uint32_t fork;
  uint32_t event_count;
  uint32_t actor_size;       // first in the body
  uint32_t request_id_size;  // second
  uint32_t conditions_size;  // third
  uint8_t durability;
  // In the log: 0.  In memory: 1 for a record that was rebuilt around one event, which has the numbers of the whole
  // batch, one version, and neither request id nor conditions.
  uint8_t is_excerpt;
  uint8_t zero8[2];
};
static_assert(sizeof(CommitHead) == 48);

struct EventHead {
  uint32_t size;         // of the event, this head and padding to 8 included
  uint32_t commit_back;  // from here back to the RecordHeader
  uint32_t ordinal;      // 0, 1, ... within the commit
  uint32_t data_size;
  uint32_t metadata_size;
  uint16_t stream_size;
  uint16_t embedding_size;  // number of floats
  uint8_t type_size;
  uint8_t tag_count;
  uint8_t id_size;
  uint8_t correlation_id_size;
  uint8_t causation_id_size;
  uint8_t flags;  // EventFlags
  uint16_t zero16;
};
static_assert(sizeof(EventHead) == 32);

// After the head: valid_at (int64, if flagged), embedding (float32 each), data, metadata, stream, type, id,
// correlation_id, causation_id, and each tag as a uint16 length and its bytes.
enum EventFlags : uint8_t { kHasValidAt = 1 };

// A committed batch.  Valid as long as the record's memory is.
class Commit {
 public:
  explicit Commit(const char* record) : record_(record) {}

  ForkId fork() const { return ForkId{head().fork}; }
  Position first_position() const { return Position{head().first_position}; }
  Position last_position() const { return Position{head().first_position + head().event_count - 1}; }
  uint32_t event_count() const { return head().event_count; }
  Timestamp recorded_at() const { return Timestamp{head().recorded_at}; }
  Durability durability() const { return static_cast<Durability>(head().durability); }
  std::string_view actor() const { return {body(), head().actor_size}; }
  // Requires: the record is no excerpt.
  std::string_view request_id() const {
    CHECK(head().is_excerpt == 0);
    return {body() + head().actor_size, head().request_id_size};
  }
  // As encode_conditions wrote them.  Requires: the record is no excerpt.
  std::string_view conditions() const {
    CHECK(head().is_excerpt == 0);
    return {body() + head().actor_size + head().request_id_size, head().conditions_size};
  }
  Version version(uint32_t ordinal) const {
    Version v;
    const size_t place = head().is_excerpt != 0 ? 0 : ordinal;
    std::memcpy(&v.value, record_ + sizeof(RecordHeader) + sizeof(CommitHead) + place * 4, 4);
    return v;
  }
  const CommitHead& head() const { return *reinterpret_cast<const CommitHead*>(record_ + sizeof(RecordHeader)); }
  const RecordHeader& header() const { return *reinterpret_cast<const RecordHeader*>(record_); }
  // The encoded events, one after the other.
  std::string_view events() const;

 private:
  const char* body() const { return record_ + sizeof(RecordHeader) + header().head_size; }
  const char* record_;
};

// A commit's record and what keeps it in memory.
struct CommitRecord {
  const char* record = nullptr;
  std::shared_ptr<const char[]> memory;  // null when the segment keeps it
};

// Cheap to copy.  An event of a sealed segment owns its memory, together with its copies; any other is kept by its
// segment, and so by the View.  What its methods return is valid as long as the event or a copy of it, and the View.
class Event {
 public:
  Event() = default;
  explicit Event(const char* head) : at_(head) {}
  Event(const char* head, std::shared_ptr<const char[]> memory) : at_(head), memory_(std::move(memory)) {}

  Commit commit() const { return Commit(at_ - head().commit_back); }
  Position position() const { return Position{commit().first_position().value + head().ordinal}; }
  Version version() const { return commit().version(head().ordinal); }
  Timestamp recorded_at() const { return commit().recorded_at(); }
  std::string_view actor() const { return commit().actor(); }

  // The client's bytes, unchanged: a JSON object.  At least kSimdPadding readable bytes follow.
  std::string_view data() const { return {fields() + fixed_size(), head().data_size}; }
  // Empty when the client gave none.
  std::string_view metadata() const { return after(data(), head().metadata_size); }
  std::string_view stream() const { return after(metadata(), head().stream_size); }
  std::string_view type() const { return after(stream(), head().type_size); }
  std::string_view correlation_id() const { return after(client_id(), head().correlation_id_size); }
  std::string_view causation_id() const { return after(correlation_id(), head().causation_id_size); }

  // The id the client gave; empty when the store made it.
  std::string_view client_id() const { return after(type(), head().id_size); }
  // The event's id: the client's, or the one derived from commit time, seed and ordinal (UUIDv7, RFC 9562
  // section 5.7, with microseconds in rand_a and a counter in rand_b).
  std::string id() const;

  bool has_valid_at() const { return (head().flags & kHasValidAt) != 0; }
  // When it became true in the world: the client's valid_at, or recorded_at.
  Timestamp valid_at() const;

  uint32_t embedding_size() const { return head().embedding_size; }
  // Copies embedding_size() floats.
  void copy_embedding(float* to) const;

  uint32_t tag_count() const { return head().tag_count; }
  bool has_tag(std::string_view tag) const;
  template <typename Visit>  // void(std::string_view tag)
  void for_each_tag(Visit visit) const {
    const char* p = causation_id().data() + causation_id().size();
    for (uint32_t i = 0; i < head().tag_count; i++) {
      uint16_t size;
      std::memcpy(&size, p, 2);
      visit(std::string_view(p + 2, size));
      p += 2 + size;
    }
  }

  const EventHead& head() const { return *reinterpret_cast<const EventHead*>(at_); }
  const char* address() const { return at_; }
  // What keeps the event in memory; null when its segment does.
  const std::shared_ptr<const char[]>& memory() const { return memory_; }
  explicit operator bool() const { return at_ != nullptr; }

 private:
  const char* fields() const { return at_ + sizeof(EventHead); }
  size_t fixed_size() const {
    return (has_valid_at() ? size_t{8} : size_t{0}) + size_t{head().embedding_size} * sizeof(float);
  }
  static std::string_view after(std::string_view before, size_t size) { return {before.data() + before.size(), size}; }

  const char* at_ = nullptr;
  std::shared_ptr<const char[]> memory_;
};

// The parts of an id made by the store; nullopt for ids of any other shape.
struct StoreId {
  Timestamp recorded_at;
  uint64_t counter;  // id_seed + ordinal, modulo 2^62
};
std::optional<StoreId> parse_store_id(std::string_view id);
std::string format_store_id(StoreId id);
inline constexpr uint64_t kIdCounterMask = (uint64_t{1} << 62) - 1;

}  // namespace chronos
