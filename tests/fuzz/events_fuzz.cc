// One line of an import: refused with a reason, or decoded and encoded into a batch whose event says the same; and all
// lines of the input, checked together, as each of them alone.
#include <algorithm>

#include "core/batch.h"
#include "core/event.h"
#include "core/event_json.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace chronos;

void check_line(JsonScan& scan, std::string_view line, const Limits& limits) {
  if (!scan.take(line, limits.json_depth) || scan.members().empty()) return;
  const test::FuzzInput alone(reinterpret_cast<const uint8_t*>(line.data()), line.size());
  const auto json = validate_json(alone.text(), limits.json_depth);
  CHECK(json);
  EventDecoder decoder(limits, EventSource::kExport);
  EventDecoder other(limits, EventSource::kExport);
  const auto event = decoder.decode(scan.members());
  const auto same = other.decode(*json);
  CHECK(event.has_value() == same.has_value());
  if (!event) {
    CHECK(event.error().message == same.error().message);
    return;
  }
  CHECK(event->stream == same->stream);
  CHECK(event->data == same->data);
  CHECK(event->metadata == same->metadata);
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const test::FuzzInput input(bytes, size);
  const Limits limits;
  JsonScan scan;
  scan.begin(input.text());
  for (std::string_view rest = input.text(); !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    check_line(scan, line, limits);
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
  const auto json = validate_json(input.text(), limits.json_depth);
  if (!json) return 0;
  for (const EventSource source : {EventSource::kClient, EventSource::kExport}) {
    EventDecoder decoder(limits, source);
    const auto event = decoder.decode(*json);
    if (!event) {
      CHECK(event.error().code == Code::kInvalidArgument || event.error().code == Code::kTooLarge);
      continue;
    }
    BatchBuilder builder(limits);
    builder.begin({.fork = "main", .principal = local_principal("fuzz"), .request_id = "", .conditions = {}});
    if (!builder.add(*event)) continue;
    const auto batch = builder.finish();
    CHECK(batch);
    CHECK(batch->size() == 1);
    const Event stored = batch->event(0);
    CHECK(stored.stream() == event->stream);
    CHECK(stored.type() == event->type);
    CHECK(stored.data() == event->data);
  }
  return 0;
}
