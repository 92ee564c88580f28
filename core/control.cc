#include "core/control.h"

#include <cstring>
#include <type_traits>

namespace chronos {
namespace {

template <typename T>
void put_number(std::string& to, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  to.append(bytes, sizeof bytes);
}

void put_text(std::string& to, std::string_view text) {
  put_number(to, static_cast<uint32_t>(text.size()));
  to.append(text);
}

// Reads what the writers above wrote; `ok` turns false, for good, at the first thing that is not there.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}
  template <typename T>
  T number() {
    T value{};
    if (rest_.size() < sizeof value) {
      ok_ = false;
      return value;
    }
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  std::string text() {
    const auto size = number<uint32_t>();
    if (size > rest_.size()) {
      ok_ = false;
      return {};
    }
    std::string value(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return value;
  }
  void fail() { ok_ = false; }
  bool complete() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

// The numbers of a change come first, then its texts, the request id before the others.
template <typename... Texts>
void put_texts(std::string& to, const Texts&... texts) {
  (put_text(to, texts), ...);
}

void put(std::string& to, const StoreCreated& change) { put_text(to, change.store_id); }

void put(std::string& to, const ForkCreated& change) {
  put_number(to, change.fork.value);
  put_number(to, change.parent.value);
  put_number(to, change.position.value);
  put_number(to, change.expires_at ? change.expires_at->value : int64_t{0});
  put_texts(to, change.request_id, change.name, change.purpose, change.actor, change.request);
}

void put(std::string& to, const ForkDiscarded& change) {
  put_number(to, change.fork.value);
  put_texts(to, change.request_id, change.reason, change.actor, change.request);
}

void put(std::string& to, const ForkMerged& change) {
  put_number(to, change.source.value);
  put_number(to, change.target.value);
  for (const uint64_t number :
       {change.source_head.value, change.target_head.value, change.appended, change.skipped, change.duplicates}) {
    put_number(to, number);
  }
  put_texts(to, change.request_id, change.actor, change.request);
}

void put(std::string& to, const MainProtected& change) {
  put_number(to, uint32_t{change.is_protected});
  put_text(to, change.actor);
}

void put(std::string& to, const SettingChanged& change) { put_texts(to, change.name, change.value, change.actor); }

void get(Fields& fields, StoreCreated& change) { change.store_id = fields.text(); }

void get(Fields& fields, ForkCreated& change) {
  change.fork = ForkId{fields.number<uint32_t>()};
  change.parent = ForkId{fields.number<uint32_t>()};
  change.position = Position{fields.number<uint64_t>()};
  const auto expires = fields.number<int64_t>();
  if (expires != 0) change.expires_at = Timestamp{expires};
  for (std::string* text : {&change.request_id, &change.name, &change.purpose, &change.actor, &change.request}) {
    *text = fields.text();
  }
}

void get(Fields& fields, ForkDiscarded& change) {
  change.fork = ForkId{fields.number<uint32_t>()};
  for (std::string* text : {&change.request_id, &change.reason, &change.actor, &change.request}) *text = fields.text();
}

void get(Fields& fields, ForkMerged& change) {
  change.source = ForkId{fields.number<uint32_t>()};
  change.target = ForkId{fields.number<uint32_t>()};
  for (uint64_t* number :
       {&change.source_head.value, &change.target_head.value, &change.appended, &change.skipped, &change.duplicates}) {
    *number = fields.number<uint64_t>();
  }
  for (std::string* text : {&change.request_id, &change.actor, &change.request}) *text = fields.text();
}

void get(Fields& fields, MainProtected& change) {
  const auto is_protected = fields.number<uint32_t>();
  if (is_protected > 1) fields.fail();
  change.is_protected = is_protected == 1;
  change.actor = fields.text();
}

void get(Fields& fields, SettingChanged& change) {
  for (std::string* text : {&change.name, &change.value, &change.actor}) *text = fields.text();
}

// An empty change of the kind at `index`.
template <size_t I = 0>
Change change_of_kind(size_t index) {
  if constexpr (I + 1 < std::variant_size_v<Change>) {
    if (index != I) return change_of_kind<I + 1>(index);
  }
  return Change(std::in_place_index<I>);
}

}  // namespace

ControlRecord encode_change(const Change& change, Timestamp recorded_at) {
  std::string body;
  std::visit([&](const auto& each) { put(body, each); }, change);
  RecordHeader header{};
  header.kind = static_cast<uint8_t>(RecordKind::kControl);
  header.head_size = sizeof(ControlHead);
  header.size = static_cast<uint32_t>(sizeof(ControlHead) + body.size());
  const ControlHead head{recorded_at.value, static_cast<uint32_t>(change.index() + 1), 0};
  ControlRecord record;
  record.body_hash = hash_bytes(body);
  record.bytes.append(reinterpret_cast<const char*>(&header), sizeof header);
  record.bytes.append(reinterpret_cast<const char*>(&head), sizeof head);
  record.bytes.append(body);
  record.bytes.resize(record_length(header), '\0');
  return record;
}

Result<DecodedChange> decode_change(const LogRecord& record) {
  ControlHead head{};
  const auto corrupt = [&](const char* what) {
    return Error{Code::kCorrupt, "record " + std::to_string(record.lsn.value) + " is a control record " + what, {}};
  };
  if (record.head.size() != sizeof head) return corrupt("with a head of the wrong size");
  std::memcpy(&head, record.head.data(), sizeof head);
  if (head.change < 1 || head.change > std::variant_size_v<Change> || head.zero32 != 0) {
    return corrupt("of a kind this version does not know");
  }
  Fields fields(record.body);
  Change change = change_of_kind(head.change - 1);
  std::visit([&](auto& each) { get(fields, each); }, change);
  if (!fields.complete()) return corrupt("whose fields do not fill it");
  return DecodedChange{std::move(change), Timestamp{head.recorded_at}};
}

const std::string* request_of(const Change& change) {
  if (const auto* made = std::get_if<ForkCreated>(&change)) return &made->request;
  if (const auto* gone = std::get_if<ForkDiscarded>(&change)) return &gone->request;
  if (const auto* merged = std::get_if<ForkMerged>(&change)) return &merged->request;
  return nullptr;
}

std::string_view request_id_of_change(const LogRecord& record) {
  ControlHead head{};
  std::memcpy(&head, record.head.data(), sizeof head);
  size_t numbers = 0;  // the bytes before it
  switch (head.change) {
    case 2: numbers = 4 + 4 + 8 + 8; break;
    case 3: numbers = 4; break;
    case 4: numbers = 4 + 4 + 5 * 8; break;
    default: return {};
  }
  uint32_t size = 0;
  std::memcpy(&size, record.body.data() + numbers, sizeof size);
  return record.body.substr(numbers + sizeof size, size);
}

}  // namespace chronos
