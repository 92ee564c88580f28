#include "tests/support/segment_filler.h"

#include <cstring>

#include "core/batch.h"
#include "core/check.h"

namespace chronos::test {

SegmentFiller::SegmentFiller(uint64_t seed, size_t streams)
    : chance_(seed), json_(seed, testing::JsonShape{}), versions_(streams) {
  for (size_t i = 0; i < streams; i++) streams_.push_back("order-" + std::to_string(i));
  for (size_t i = 0; i < 6; i++) types_.push_back("Type" + std::string(i * 7, 'x'));
  for (size_t i = 0; i < 9; i++) tags_.push_back("customer:" + std::to_string(i));
  ids_ = {"never-used", "01890000-0000-7000-8000-000000000000"};
}

std::shared_ptr<MemorySegment> SegmentFiller::fill(size_t events, size_t most) {
  auto segment = std::make_shared<MemorySegment>("main", head_);
  while (segment->staged_events() < events) {
    const size_t left = events - segment->staged_events();
    add_batch(*segment, chance_.between(1, std::min(left, most)));
  }
  segment->publish(segment->staged_events());
  head_ = segment->staged_head();
  return segment;
}

void SegmentFiller::add_batch(MemorySegment& segment, size_t events) {
  static const Limits kLimits;
  BatchBuilder builder(kLimits);
  BatchHead head;
  head.principal.name = chance_.percent(50) ? "agent-" + std::to_string(chance_.below(3)) : "";
  if (chance_.percent(30)) head.request_id = "request-" + std::to_string(head_.value + segment.staged_events());
  if (chance_.percent(20)) {
    Condition condition;
    condition.kind = Condition::Kind::kStreamVersion;
    condition.stream = streams_[0];
    condition.version = Version{versions_[0]};
    head.conditions.push_back(condition);
  }
  head.durability = chance_.percent(30) ? Durability::kOs : Durability::kFsync;
  builder.begin(head);
  std::vector<uint32_t> versions;
  for (size_t i = 0; i < events; i++) {
    const size_t stream = chance_.below(chance_.percent(50) ? std::min<size_t>(3, streams_.size()) : streams_.size());
    // Most data has one of a few shapes, some has one of its own.
    const std::string number = std::to_string(chance_.below(100'000));
    const std::string data = chance_.percent(70)
                                 ? "{\"status\":\"" + std::string(chance_.percent(50) ? "open" : "done") +
                                       "\",\"amount\": " + number + ",\"of\":{\"x\":true}}"
                                 : json_.object();
    const std::string metadata = chance_.percent(40) ? json_.object() : "";
    const std::string id = chance_.percent(30) ? "id-" + number + "-" + std::to_string(ids_.size()) : "";
    const std::string cause = chance_.percent(20) ? chance_.pick(ids_) : "";
    const std::string correlation = chance_.percent(20) ? "run-" + std::to_string(chance_.below(5)) : "";
    std::vector<std::string_view> tags;
    for (const std::string& tag : tags_) {
      if (chance_.percent(15)) tags.push_back(tag);
    }
    std::vector<float> embedding(chance_.percent(5) ? chance_.between(1, 40) : 0);
    for (float& value : embedding) value = static_cast<float>(chance_.below(1000)) / 7;
    NewEvent event{.stream = streams_[stream],
                   .type = chance_.pick(types_),
                   .data = data,
                   .metadata = metadata,
                   .id = id,
                   .correlation_id = correlation,
                   .causation_id = cause,
                   .tags = tags,
                   .valid_at = std::nullopt,
                   .embedding = embedding};
    if (chance_.percent(10)) event.valid_at = Timestamp{now_ - static_cast<int64_t>(chance_.below(1'000'000))};
    CHECK(builder.add(event).has_value());
    if (!id.empty()) ids_.push_back(id);
    versions.push_back(++versions_[stream]);
  }
  const auto batch = builder.finish();
  CHECK(batch.has_value());

  put(segment, *batch, versions);
}

void SegmentFiller::put(MemorySegment& segment, const Batch& batch, const std::vector<uint32_t>& versions) {
  char* const record = segment.allocate_record(batch.length);
  std::memcpy(record, batch.record().data(), batch.length);
  auto& commit = *reinterpret_cast<CommitHead*>(record + sizeof(RecordHeader));
  commit.first_position = segment.staged_head().value + 1;
  if (chance_.percent(70)) now_ += static_cast<int64_t>(chance_.below(5'000'000));
  commit.recorded_at = now_;
  commit.id_seed = chance_.next() & kIdCounterMask;
  commit.fork = kMainFork.value;
  std::memcpy(record + sizeof(RecordHeader) + sizeof(CommitHead), versions.data(), versions.size() * sizeof(uint32_t));
  for (size_t i = 0; i < batch.size(); i++) {
    const Event event(record + batch.keys[i].offset);
    const HashedName name(event.stream());
    PostingIndex::Entry* stream = segment.find_stream(name);
    if (stream == nullptr) {
      // What the stream had before this batch was all before this segment.
      stream = &segment.add_stream(name, versions[i] - 1);
    }
    segment.add_event(event.address(), event, *stream, hash_bytes(event.type()));
    if (event.client_id().empty() && chance_.percent(10)) ids_.push_back(event.id());
  }
  segment.add_commit(record);
}

}  // namespace chronos::test
