// How a batch becomes a record.
//
// The record is built in one piece of memory, in the caller's thread, in its final form: the body first, at a
// place that leaves room before it for what comes first in the record but is known last (header, head, a
// version for each event):
//
//   | room ............ | actor request_id conditions | event | event | event ...
//            ^ the record starts here, once the number of events is known
//
// So the sequencer fills in numbers, in this memory or in a copy; it parses, checks and allocates nothing.  The room is
// sized for as many events as the batch before had; when that was too little the body is moved once.
#include "core/batch.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <unordered_set>
#include <utility>

#include "core/arena.h"
#include "core/check.h"
#include "core/log.h"

namespace chronos {
namespace {

// From here on memory is not wasted: the store may keep it (Sequencer::keep_record).
constexpr size_t kLeastSpared = size_t{32} << 10;

constexpr size_t prefix_size(size_t events) {
  return sizeof(RecordHeader) + sizeof(CommitHead) + aligned(events * sizeof(uint32_t));
}

std::string bytes_text(size_t bytes) { return std::to_string(bytes) + " bytes"; }

Error too_large(std::string message) { return {Code::kTooLarge, std::move(message), {}}; }
Error invalid(std::string message) { return {Code::kInvalidArgument, std::move(message), {}}; }

// Without control characters.
bool is_plain_ascii(std::string_view text) {
  bool is_plain = true;  // without a way out, so that many are looked at at once
  for (const char c : text) is_plain &= c >= 0x20 && c < 0x7f;
  return is_plain;
}

// U+0000..U+001F, U+007F and U+0080..U+009F (C2 80 .. C2 9F).
bool has_control_character(std::string_view text) {
  for (size_t i = 0; i < text.size(); i++) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7f) return true;
    if (c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) return true;
  }
  return false;
}

// Of a text that may be long, hostile or not UTF-8.
std::string shown(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, 40)) out += c >= 0x20 && c < 0x7f ? c : '?';
  return out + (text.size() > 40 ? "...\"" : "\"");
}

std::unique_ptr<char[]> ready_memory(size_t size) {
  auto memory = std::make_unique_for_overwrite<char[]>(size);
  // Much of a large one is likely not there yet, and comes at once more cheaply than page by page.
  constexpr size_t kPage = 4096;
  constexpr size_t kLarge = 32 * kPage;
  const size_t before_page = (kPage - reinterpret_cast<uintptr_t>(memory.get()) % kPage) % kPage;
  if (size >= kLarge) Arena::make_ready({memory.get() + before_page, (size - before_page) / kPage * kPage});
  return memory;
}

size_t client_size(const NewEvent& event) {
  size_t size = event.data.size() + event.metadata.size() + event.stream.size() + event.type.size() + event.id.size() +
                event.correlation_id.size() + event.causation_id.size() + event.embedding.size_bytes();
  for (const std::string_view tag : event.tags) size += tag.size();
  return size;
}

void put_tags(char*& to, std::span<const std::string_view> tags, uint8_t& count) {
  for (size_t i = 0; i < tags.size(); i++) {
    if (std::find(tags.begin(), tags.begin() + static_cast<ptrdiff_t>(i), tags[i]) !=
        tags.begin() + static_cast<ptrdiff_t>(i)) {
      continue;  // a set: the same tag again says nothing
    }
    const auto size = static_cast<uint16_t>(tags[i].size());
    std::memcpy(to, &size, sizeof size);
    std::memcpy(to + sizeof size, tags[i].data(), size);
    to += sizeof size + size;
    count++;
  }
}

}  // namespace

Result<void> check_name(std::string_view what, std::string_view name, size_t limit_bytes) {
  if (!name.empty() && name.size() <= limit_bytes && is_plain_ascii(name)) return {};
  const std::string field(what);
  if (name.empty()) return invalid(field + " is empty; give 1 to " + bytes_text(limit_bytes));
  if (name.size() > limit_bytes) {
    return too_large(field + " has " + bytes_text(name.size()) + ", the limit is " + std::to_string(limit_bytes) +
                     "; shorten " + shown(name));
  }
  if (!simdjson::validate_utf8(name.data(), name.size())) {
    return invalid(field + " is not valid UTF-8: " + shown(name) + "; send UTF-8");
  }
  if (has_control_character(name)) {
    return invalid(field + " has a control character: " + shown(name) + "; leave it out");
  }
  return {};
}

BatchBuilder::BatchBuilder(const Limits& limits) : limits_(limits) {}

void BatchBuilder::begin(BatchHead head) {
  head_ = std::move(head);
  keys_.clear();
  keys_.reserve(last_events_);
  client_bytes_ = 0;
  has_ids_ = false;
  prefix_room_ = prefix_size(std::max<size_t>(last_events_, 8));
  const std::string conditions = head_.conditions.empty() ? std::string() : encode_conditions(head_.conditions);
  conditions_size_ = conditions.size();
  size_ = prefix_room_;
  if (memory_ == nullptr || capacity_ < size_ + kSimdPadding) {
    capacity_ = std::max(last_capacity_, size_ + 512);
    memory_ = ready_memory(capacity_);
  }
  put(head_.principal.name);
  put(head_.request_id);
  put(conditions);
  const size_t padding = aligned(size_) - size_;
  put(std::string_view("\0\0\0\0\0\0\0", padding));
  events_at_ = size_;
}

void BatchBuilder::reserve(size_t more) {
  if (size_ + more + kSimdPadding <= capacity_) return;
  const size_t capacity = std::max(size_ + more + kSimdPadding, capacity_ * 2);
  auto memory = ready_memory(capacity);
  std::memcpy(memory.get(), memory_.get(), size_);
  memory_ = std::move(memory);
  capacity_ = capacity;
}

void BatchBuilder::put(std::string_view bytes) {
  reserve(bytes.size());
  if (!bytes.empty()) std::memcpy(memory_.get() + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
}

Result<void> BatchBuilder::check_ids() const {
  if (!has_ids_) return {};
  std::unordered_set<std::string_view> seen;
  seen.reserve(keys_.size());
  for (size_t i = 0; i < keys_.size(); i++) {
    const std::string_view id = Event(memory_.get() + keys_[i].offset).client_id();
    if (id.empty() || seen.insert(id).second) continue;
    return Error{Code::kIdReused,
                 "events[" + std::to_string(i) + "].id " + shown(id) +
                     " is used by an earlier event of the same append; give each event an id of its own",
                 {}};
  }
  return {};
}

Result<void> BatchBuilder::check(const NewEvent& event) const {
  if (auto ok = check_name("stream", event.stream, limits_.stream_bytes); !ok) return ok;
  if (event.stream.front() == '$') {
    return invalid("stream " + shown(event.stream) +
                   " begins with $, which is kept for the store; choose another name");
  }
  if (auto ok = check_name("type", event.type, limits_.type_bytes); !ok) return ok;
  const std::pair<std::string_view, std::string_view> ids[] = {
      {"id", event.id}, {"correlation_id", event.correlation_id}, {"causation_id", event.causation_id}};
  for (const auto& [what, id] : ids) {
    if (id.empty()) continue;
    if (auto ok = check_name(what, id, limits_.id_bytes); !ok) return ok;
  }
  if (event.tags.size() > limits_.tags) {
    return too_large("tags has " + std::to_string(event.tags.size()) + " entries, the limit is " +
                     std::to_string(limits_.tags));
  }
  for (const std::string_view tag : event.tags) {
    if (auto ok = check_name("tag", tag, limits_.tag_bytes); !ok) return ok;
  }
  if (event.embedding.size() > limits_.embedding_floats) {
    return too_large("embedding has " + std::to_string(event.embedding.size()) + " numbers, the limit is " +
                     std::to_string(limits_.embedding_floats));
  }
  if (event.data.empty()) return invalid("data is missing; give a JSON object, {} if there is nothing to say");
  const size_t size = client_size(event);
  if (size > limits_.event_bytes) {
    return too_large("the event has " + bytes_text(size) + ", the limit is " + std::to_string(limits_.event_bytes) +
                     "; store large content elsewhere and append a reference to it");
  }
  if (keys_.size() >= limits_.batch_events) {
    return too_large("an append takes at most " + std::to_string(limits_.batch_events) +
                     " events; split it into several");
  }
  if (client_bytes_ + size > limits_.batch_bytes) {
    return too_large("an append takes at most " + bytes_text(limits_.batch_bytes) +
                     " of events; split it into several");
  }
  return {};
}

Result<void> BatchBuilder::add(const NewEvent& event) {
  if (auto ok = check(event); !ok) return ok;
  const size_t client = client_size(event);
  const size_t most = sizeof(EventHead) + 16 + client + event.tags.size() * 2;
  reserve(most);
  char* const at = memory_.get() + size_;
  EventHead head{};
  head.ordinal = static_cast<uint32_t>(keys_.size());
  head.data_size = static_cast<uint32_t>(event.data.size());
  head.metadata_size = static_cast<uint32_t>(event.metadata.size());
  head.stream_size = static_cast<uint16_t>(event.stream.size());
  head.embedding_size = static_cast<uint16_t>(event.embedding.size());
  head.type_size = static_cast<uint8_t>(event.type.size());
  head.id_size = static_cast<uint8_t>(event.id.size());
  head.correlation_id_size = static_cast<uint8_t>(event.correlation_id.size());
  head.causation_id_size = static_cast<uint8_t>(event.causation_id.size());
  head.flags = event.valid_at ? kHasValidAt : 0;
  char* to = at + sizeof head;
  const auto copy = [&to](const void* from, size_t size) {
    if (size > 0) std::memcpy(to, from, size);
    to += size;
  };
  if (event.valid_at) copy(&event.valid_at->value, sizeof event.valid_at->value);
  copy(event.embedding.data(), event.embedding.size_bytes());
  for (const std::string_view field :
       {event.data, event.metadata, event.stream, event.type, event.id, event.correlation_id, event.causation_id}) {
    copy(field.data(), field.size());
  }
  put_tags(to, event.tags, head.tag_count);
  const size_t used = static_cast<size_t>(to - at);
  std::memset(to, 0, aligned(used) - used);
  head.size = static_cast<uint32_t>(aligned(used));
  std::memcpy(at, &head, sizeof head);
  keys_.push_back({hash_bytes(event.stream), hash_bytes(event.type), static_cast<uint32_t>(size_)});
  size_ += head.size;
  client_bytes_ += client;
  has_ids_ = has_ids_ || !event.id.empty();
  return {};
}

Result<Batch> BatchBuilder::finish() {
  if (keys_.empty()) return invalid("events is empty; give at least one event");
  if (auto ok = check_name("fork", head_.fork, limits_.stream_bytes); !ok) return ok.error();
  if (!head_.request_id.empty()) {
    if (auto ok = check_name("request_id", head_.request_id, limits_.id_bytes); !ok) return ok.error();
  }
  if (head_.conditions.size() > limits_.conditions) {
    return too_large("an append takes at most " + std::to_string(limits_.conditions) + " conditions, got " +
                     std::to_string(head_.conditions.size()));
  }
  if (auto ok = check_conditions(head_.conditions); !ok) return ok.error();
  if (auto ok = check_ids(); !ok) return ok.error();

  const size_t prefix = prefix_size(keys_.size());
  const size_t used = size_ - prefix_room_ + prefix + kSimdPadding;
  if (prefix > prefix_room_ || (used > kLeastSpared && capacity_ > used + used / 4)) {
    const size_t body = size_ - prefix_room_;
    auto memory = ready_memory(used);
    std::memcpy(memory.get() + prefix, memory_.get() + prefix_room_, body);
    memory_ = std::move(memory);
    for (Batch::Key& key : keys_) key.offset += static_cast<uint32_t>(prefix - prefix_room_);
    capacity_ = used;
    size_ = prefix + body;
    prefix_room_ = prefix;
  }
  last_capacity_ = std::min(size_ + size_ / 16 + kSimdPadding, limits_.batch_bytes);
  last_events_ = keys_.size();
  capacity_ = 0;
  return complete(prefix);
}

Batch BatchBuilder::complete(size_t prefix) {
  const size_t start = prefix_room_ - prefix;
  char* const record = memory_.get() + start;
  const size_t body = size_ - prefix_room_;
  RecordHeader header{};
  header.kind = static_cast<uint8_t>(RecordKind::kCommit);
  header.size = static_cast<uint32_t>(prefix - sizeof header + body);
  header.head_size = static_cast<uint32_t>(prefix - sizeof header);
  CommitHead head{};
  head.event_count = static_cast<uint32_t>(keys_.size());
  head.actor_size = static_cast<uint32_t>(head_.principal.name.size());
  head.request_id_size = static_cast<uint32_t>(head_.request_id.size());
  head.conditions_size = static_cast<uint32_t>(conditions_size_);
  head.durability = static_cast<uint8_t>(head_.durability);
  std::memcpy(record, &header, sizeof header);
  std::memcpy(record + sizeof header, &head, sizeof head);
  std::memset(record + sizeof header + sizeof head, 0, prefix - sizeof header - sizeof head);
  for (Batch::Key& key : keys_) {
    key.offset -= static_cast<uint32_t>(start);
    std::memcpy(record + key.offset + offsetof(EventHead, commit_back), &key.offset, sizeof key.offset);
  }
  const uint64_t body_hash = hash_bytes({record + prefix, body});
  return {.head = std::move(head_),
          .memory = std::move(memory_),
          .start = start,
          .length = prefix + body,
          .body_hash = body_hash,
          .has_ids = has_ids_,
          .keys = std::exchange(keys_, {})};
}

}  // namespace chronos
