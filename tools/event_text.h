// An event as JSON, the same in every answer and in an export (contract, section 2).
//
// Members in this order: position, version, stream, type, id, recorded_at, actor, data, and where there is one: tags,
// metadata, correlation_id, causation_id, valid_at (when it differs from recorded_at), embedding (full only),
// shortened.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "tools/json_writer.h"

namespace chronos {

enum class Detail {
  kSummary,  // long strings in data are shortened, and `shortened` lists their JSON Pointers; no embedding
  kFull,     // everything, data byte by byte
};

// Appends one JSON object, on one line, without a comma before it.
void append_event(std::string& to, const Event& event, Detail detail);

// The members of that object, for answers that say more about an event.  Requires: an object is open.
void write_event_members(JsonWriter& json, const Event& event, Detail detail);

// Writes stored JSON with every string of more than kShortenOver characters cut to its first kShortenTo, marked
// "...[1234 more characters]"; appends the JSON Pointers of those to `shortened`.  Requires: checked JSON.
inline constexpr size_t kShortenOver = 300;
inline constexpr size_t kShortenTo = 260;
void write_shortened(JsonWriter& json, std::string_view text, std::vector<std::string>& shortened);

}  // namespace chronos
