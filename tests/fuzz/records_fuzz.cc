// The decoders of what lies inside records: arbitrary bytes are refused as corrupt, or mean exactly what is encoded
// again as the same bytes.
#include "core/condition.h"
#include "core/control.h"
#include "core/time_text.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/log_records.h"

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace chronos;
  using namespace chronos::test;
  const FuzzInput input(bytes, size);

  if (const auto conditions = decode_conditions(input.text())) {
    CHECK(encode_conditions(*conditions) == input.text());
  } else {
    CHECK(conditions.error().code == Code::kCorrupt);
  }

  const size_t head_size = std::min(sizeof(ControlHead), size);
  const std::string record = make_record({.lsn = 1,
                                          .durable = 0,
                                          .head = input.text().substr(0, head_size),
                                          .body = input.text().substr(head_size),
                                          .kind = RecordKind::kControl});
  CHECK(check_record(record.data(), record.size()) == record.size());
  if (const auto change = decode_change(record_at(record.data()))) {
    auto again = encode_change(change->change, change->recorded_at);
    seal_record(again.bytes.data(), {.lsn = Lsn{1}, .durable = Lsn{0}}, again.body_hash);
    CHECK(again.bytes == record);
  }

  if (const auto time = parse_time(input.text())) {
    const auto again = parse_time(format_time(*time));
    CHECK(again);
    CHECK(*again == *time);
  }
  return 0;
}
