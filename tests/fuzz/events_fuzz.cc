// One line of an import: refused with a reason, or decoded and encoded into a batch whose event says the same.
#include "core/batch.h"
#include "core/event.h"
#include "core/event_json.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace chronos;
  const test::FuzzInput input(bytes, size);
  const Limits limits;
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
