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
  bool complete() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

void put(std::string& to, const StoreCreated& change) { put_text(to, change.store_id); }

void put(std::string& to, const ForkCreated& change) {
  put_number(to, change.fork.value);
  put_number(to, change.parent.value);
  put_number(to, change.position.value);
  put_number(to, change.expires_at ? change.expires_at->value : int64_t{0});
  for (const std::string* text : {&change.request_id, &change.name, &change.purpose, &change.actor, &change.request}) {
    put_text(to, *text);
  }
}

void put(std::string& to, const ForkDiscarded& change) {
  put_number(to, change.fork.value);
  put_text(to, change.reason);
  put_text(to, change.actor);
}

Change get(uint32_t kind, Fields& fields) {
  if (kind == 1) return StoreCreated{fields.text()};
  if (kind == 2) {
    ForkCreated made;
    made.fork = ForkId{fields.number<uint32_t>()};
    made.parent = ForkId{fields.number<uint32_t>()};
    made.position = Position{fields.number<uint64_t>()};
    const auto expires = fields.number<int64_t>();
    if (expires != 0) made.expires_at = Timestamp{expires};
    for (std::string* text : {&made.request_id, &made.name, &made.purpose, &made.actor, &made.request}) {
      *text = fields.text();
    }
    return made;
  }
  ForkDiscarded gone;
  gone.fork = ForkId{fields.number<uint32_t>()};
  gone.reason = fields.text();
  gone.actor = fields.text();
  return gone;
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
  Change change = get(head.change, fields);
  if (!fields.complete()) return corrupt("whose fields do not fill it");
  return DecodedChange{std::move(change), Timestamp{head.recorded_at}};
}

std::string_view request_id_of_change(const LogRecord& record) {
  constexpr size_t kNumbers = 4 + 4 + 8 + 8;  // fork, parent, position, expires_at
  ControlHead head{};
  std::memcpy(&head, record.head.data(), sizeof head);
  if (head.change != 2) return {};
  uint32_t size = 0;
  std::memcpy(&size, record.body.data() + kNumbers, sizeof size);
  return record.body.substr(kNumbers + sizeof size, size);
}

}  // namespace chronos
