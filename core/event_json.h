// One event as clients write it: a line of an import, or a member of append_events' list.
//
// Strict, so that a slip does not become history: unknown and repeated members, nulls and values of another type are
// refused, and the message names the field, what was received and what is expected.  The limits on names and sizes are
// checked by BatchBuilder::add, to which the result goes.
#pragma once

#include <memory>
#include <span>

#include "core/batch.h"
#include "core/result.h"
#include "core/valid_json.h"
#include "core/valid_json_scan.h"

namespace chronos {

enum class EventSource {
  kClient,  // the fields a client may give: contract, section 2
  kExport,  // also position, version, recorded_at, actor and fork, as an export has them: the store gives them anew,
            // but recorded_at becomes valid_at where that is absent
};

// Keeps its buffers from event to event; one thread.
class EventDecoder {
 public:
  // Requires: `limits` outlives the decoder.
  EventDecoder(const Limits& limits, EventSource source);
  ~EventDecoder();
  EventDecoder(const EventDecoder&) = delete;
  EventDecoder& operator=(const EventDecoder&) = delete;

  // kInvalidArgument, or kTooLarge for data or metadata nested deeper than limits.json_depth.  The message names the
  // field, not the event's number or line (the caller knows how it was counted).
  // The views of the result point into `event` and into the decoder: valid until the next decode().
  Result<NewEvent> decode(ValidJson event);
  // The same of an object whose members are known; the views of the result point to where they point.
  // Requires: it was checked; kSimdPadding readable bytes follow each member.
  Result<NewEvent> decode(std::span<const JsonMember> members);

 private:
  struct Fields;
  void clear();
  std::unique_ptr<Fields> fields_;
};

}  // namespace chronos
