// Changes of the store itself, as they lie in the log (docs/FORMAT.md, "Control records").
//
//   RecordHeader | ControlHead | the fields of the change
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/log_format.h"
#include "core/result.h"
#include "core/types.h"

namespace chronos {

// The first record of every store.
struct StoreCreated {
  std::string store_id;  // 32 hex digits
};

struct ForkCreated {
  ForkId fork;
  ForkId parent;
  Position position;
  std::optional<Timestamp> expires_at;
  std::string name;
  std::string purpose;
  std::string actor;
  std::string request_id;
  std::string request;  // what was asked, as text: a repeated request_id must ask the same
};

struct ForkDiscarded {
  ForkId fork;
  std::string reason;
  std::string actor;
  std::string request_id;
  std::string request;
};

// Stands before the commits that the merge appended, in one group with them.
struct ForkMerged {
  ForkId source;
  ForkId target;
  Position source_head;
  Position target_head;     // the first event appended is the next one
  uint64_t appended = 0;    // events
  uint64_t skipped = 0;     // events of batches in conflict
  uint64_t duplicates = 0;  // events that the target had
  std::string actor;
  std::string request_id;
  std::string request;
};

struct MainProtected {
  bool is_protected = false;
  std::string actor;
};

// What a setting means is known to who reads it; the store keeps the last value of each name.
struct SettingChanged {
  std::string name;
  std::string value;  // empty: as if it had never been set
  std::string actor;
};

using Change = std::variant<StoreCreated, ForkCreated, ForkDiscarded, ForkMerged, MainProtected, SettingChanged>;

struct ControlHead {
  int64_t recorded_at;
  uint32_t change;  // the place in Change, counted from 1
  uint32_t zero32;
};
static_assert(sizeof(ControlHead) == 16);

// A record complete but for its numbers (seal_record).
struct ControlRecord {
  std::string bytes;
  uint64_t body_hash = 0;
};
ControlRecord encode_change(const Change& change, Timestamp recorded_at);

struct DecodedChange {
  Change change;
  Timestamp recorded_at;
};
// kCorrupt for anything encode_change does not write.
Result<DecodedChange> decode_change(const LogRecord& record);

// What was asked, of a change that somebody asked for; null for others.
const std::string* request_of(const Change& change);
// The request id of a change that has one; empty without.  Requires: the record was decoded once.
std::string_view request_id_of_change(const LogRecord& record);

}  // namespace chronos
