#include "core/rebuilt_batch.h"

#include <cstddef>
#include <cstring>

#include "core/log.h"
#include "core/short_copy.h"

namespace chronos {
namespace {

void put(char*& to, std::string_view bytes) {
  copy_short(to, bytes);
  to += bytes.size();
}

template <typename Number>
void put_number(char*& to, Number number) {
  std::memcpy(to, &number, sizeof number);
  to += sizeof number;
}

}  // namespace

void RebuiltBatch::clear() {
  versions_.clear();
  begins_.clear();
  events_.clear();
}

void RebuiltBatch::add(const PackedEvent& event, const Names& names, std::string_view data, std::string_view metadata,
                       Timestamp recorded_at) {
  EventHead head{};
  head.ordinal = event.ordinal;
  head.data_size = static_cast<uint32_t>(data.size());
  head.metadata_size = static_cast<uint32_t>(metadata.size());
  head.stream_size = static_cast<uint16_t>(names.stream.size());
  head.embedding_size = static_cast<uint16_t>(event.embedding.size() / sizeof(float));
  head.type_size = static_cast<uint8_t>(names.type.size());
  head.tag_count = static_cast<uint8_t>(names.tags.size());
  head.id_size = static_cast<uint8_t>(event.id.size());
  head.correlation_id_size = static_cast<uint8_t>(event.correlation_id.size());
  head.causation_id_size = static_cast<uint8_t>(event.causation_id.size());
  head.flags = event.valid_at ? kHasValidAt : 0;
  const std::string_view parts[] = {
      event.embedding, data, metadata, names.stream, names.type, event.id, event.correlation_id, event.causation_id};
  size_t size = sizeof head + (event.valid_at ? sizeof(int64_t) : 0);
  for (const std::string_view part : parts) size += part.size();
  for (const std::string_view tag : names.tags) size += sizeof(uint16_t) + tag.size();
  size = aligned(size);
  head.size = static_cast<uint32_t>(size);

  const size_t begin = events_.size();
  events_.resize(begin + size);
  char* to = events_.data() + begin;
  put_number(to, head);
  if (event.valid_at) put_number(to, recorded_at.value + *event.valid_at);
  for (const std::string_view part : parts) put(to, part);
  for (const std::string_view tag : names.tags) {
    put_number(to, static_cast<uint16_t>(tag.size()));
    put(to, tag);
  }
  begins_.push_back(static_cast<uint32_t>(begin));
  versions_.push_back(event.version);
}

CommitRecord RebuiltBatch::finish(const Head& head, bool is_excerpt) const {
  const std::string_view request_id = is_excerpt ? std::string_view() : head.batch.request_id;
  const std::string_view conditions = is_excerpt ? std::string_view() : head.batch.conditions;
  const size_t head_size = sizeof(CommitHead) + aligned(versions_.size() * sizeof(uint32_t));
  const size_t prefix = aligned(head.actor.size() + request_id.size() + conditions.size());
  const size_t length = sizeof(RecordHeader) + head_size + prefix + events_.size();
  auto memory = std::make_shared_for_overwrite<char[]>(length + kSimdPadding);

  RecordHeader header{};
  header.size = static_cast<uint32_t>(length - sizeof header);
  header.head_size = static_cast<uint32_t>(head_size);
  header.kind = static_cast<uint8_t>(RecordKind::kCommit);
  CommitHead commit{};
  commit.first_position = head.first_position.value;
  commit.recorded_at = head.recorded_at.value;
  commit.id_seed = head.batch.id_seed;
  commit.fork = head.fork.value;
  commit.event_count = head.batch.events;
  commit.actor_size = static_cast<uint32_t>(head.actor.size());
  commit.request_id_size = static_cast<uint32_t>(request_id.size());
  commit.conditions_size = static_cast<uint32_t>(conditions.size());
  commit.durability = static_cast<uint8_t>(head.batch.durability);
  commit.is_excerpt = is_excerpt ? 1 : 0;

  char* to = memory.get();
  put(to, {reinterpret_cast<const char*>(&header), sizeof header});
  put(to, {reinterpret_cast<const char*>(&commit), sizeof commit});
  put(to, {reinterpret_cast<const char*>(versions_.data()), versions_.size() * sizeof(uint32_t)});
  char* const body = memory.get() + sizeof header + head_size;
  std::memset(to, 0, static_cast<size_t>(body - to));
  to = body;
  put(to, head.actor);
  put(to, request_id);
  put(to, conditions);
  std::memset(to, 0, static_cast<size_t>(body + prefix - to));
  to = body + prefix;
  put(to, events_);
  std::memset(to, 0, kSimdPadding);
  for (const uint32_t begin : begins_) {
    char* const event = body + prefix + begin;
    const auto back = static_cast<uint32_t>(event - memory.get());
    std::memcpy(event + offsetof(EventHead, commit_back), &back, sizeof back);
  }
  return {memory.get(), std::move(memory)};
}

}  // namespace chronos
