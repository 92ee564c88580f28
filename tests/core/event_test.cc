#include "core/event.h"

#include <string>
#include <vector>

#include "core/batch.h"
#include "tests/support/catch.h"

namespace chronos {
namespace {

const Limits kLimits;

NewEvent small_event() {
  NewEvent event;
  event.stream = "order-7";
  event.type = "OrderPaid";
  event.data = "{\"amount\":100}";
  return event;
}

std::string message_of(const Result<void>& result) { return result ? std::string() : result.error().message; }

TEST_CASE("An id made by the store reads back, at every microsecond of a millisecond", "[event]") {
  for (int64_t micros = 0; micros < 1000; micros++) {
    const StoreId made{Timestamp{1'700'000'000'000'000 + micros}, (uint64_t{1} << 61) + static_cast<uint64_t>(micros)};
    const std::string text = format_store_id(made);
    REQUIRE(text.size() == 36);
    REQUIRE(text[14] == '7');
    const auto read = parse_store_id(text);
    REQUIRE(read.has_value());
    REQUIRE(read->recorded_at == made.recorded_at);
    REQUIRE(read->counter == made.counter);
  }
}

TEST_CASE("Ids of a later microsecond sort later", "[event]") {
  std::string last;
  for (int64_t micros = 0; micros < 5000; micros += 7) {
    const std::string id = format_store_id({Timestamp{1'700'000'000'000'000 + micros}, 5});
    REQUIRE(last < id);
    last = id;
  }
}

TEST_CASE("Other ids are not taken for the store's", "[event]") {
  const std::string good = format_store_id({Timestamp{1'700'000'000'000'000}, 42});
  REQUIRE(parse_store_id(good));
  for (const size_t dash : {8, 13, 18, 23}) {
    std::string bad = good;
    bad[dash] = '0';
    CHECK_FALSE(parse_store_id(bad));
  }
  CHECK_FALSE(parse_store_id("order-7"));
  CHECK_FALSE(parse_store_id(good + "0"));
  for (const auto& [at, c] :
       std::vector<std::pair<size_t, char>>{{14, '4'}, {19, '0'}, {0, 'G'}, {25, 'A'}, {10, '-'}}) {
    std::string bad = good;
    bad[at] = c;
    CHECK_FALSE(parse_store_id(bad));
  }
  std::string between = good;  // a fraction no microsecond has
  between.replace(15, 3, "001");
  CHECK_FALSE(parse_store_id(between));
}

TEST_CASE("An event gives back every field, byte for byte", "[event][batch]") {
  const std::vector<std::string_view> tags = {"customer:3", "vip", "customer:3"};
  const std::vector<float> embedding = {1.5F, -2.25F, 0.0F};
  NewEvent event = small_event();
  event.data = "{ \"b\" : 1,\"a\":1.50 }";
  event.metadata = "{\"source\":\"test\"}";
  event.id = "my-id";
  event.correlation_id = "corr";
  event.causation_id = "cause";
  event.tags = tags;
  event.valid_at = Timestamp{-5};
  event.embedding = embedding;
  BatchBuilder builder(kLimits);
  builder.begin({.fork = "main",
                 .principal = local_principal("tester"),
                 .request_id = "r1",
                 .conditions = {},
                 .durability = Durability::kOs});
  REQUIRE(builder.add(event));
  REQUIRE(builder.add(small_event()));
  CHECK(builder.event_count() == 2);
  CHECK(builder.body_bytes() > 0);
  const auto batch = builder.finish();
  REQUIRE(batch);
  REQUIRE(batch->size() == 2);
  CHECK(batch->has_ids);

  const Event read = batch->event(0);
  CHECK(read.stream() == "order-7");
  CHECK(read.type() == "OrderPaid");
  CHECK(read.data() == event.data);
  CHECK(read.metadata() == event.metadata);
  CHECK(read.client_id() == "my-id");
  CHECK(read.id() == "my-id");
  CHECK(read.correlation_id() == "corr");
  CHECK(read.causation_id() == "cause");
  CHECK(read.has_valid_at());
  CHECK(read.valid_at() == Timestamp{-5});
  CHECK(read.tag_count() == 2);  // a set
  CHECK(read.has_tag("vip"));
  CHECK_FALSE(read.has_tag("vi"));
  std::vector<float> floats(read.embedding_size());
  read.copy_embedding(floats.data());
  CHECK(floats == embedding);
  CHECK(read.commit().actor() == "tester");
  CHECK(read.commit().request_id() == "r1");
  CHECK(read.commit().durability() == Durability::kOs);
  CHECK(batch->event(1).head().ordinal == 1);
  CHECK(batch->event(1).metadata().empty());
  CHECK_FALSE(batch->event(1).has_valid_at());
}

TEST_CASE("A batch of many events is laid out as one of few", "[batch]") {
  BatchBuilder builder(kLimits);
  for (const size_t count : {1, 3, 1000, 2, 9999}) {
    builder.begin({});
    for (size_t i = 0; i < count; i++) {
      const std::string stream = "s" + std::to_string(i);
      NewEvent event = small_event();
      event.stream = stream;
      REQUIRE(builder.add(event));
    }
    const auto batch = builder.finish();
    REQUIRE(batch);
    const Commit commit(batch->record().data());
    REQUIRE(commit.event_count() == count);
    REQUIRE(record_length(commit.header()) == batch->record().size());
    const char* at = commit.events().data();
    for (size_t i = 0; i < count; i++) {
      REQUIRE(at == batch->event(i).address());
      REQUIRE(batch->event(i).stream() == "s" + std::to_string(i));
      REQUIRE(batch->event(i).address() - batch->event(i).head().commit_back == batch->record().data());
      at += batch->event(i).head().size;
    }
    REQUIRE(at == commit.events().data() + commit.events().size());
  }
}

TEST_CASE("Wrong events are refused with the field's name and leave the batch as it was", "[batch]") {
  BatchBuilder builder(kLimits);
  builder.begin({});
  REQUIRE(builder.add(small_event()));
  const size_t bytes = builder.body_bytes();
  const std::string long_text(2000, 'x');
  const auto refused = [&](auto change, Code code, const std::string& word) {
    NewEvent event = small_event();
    change(event);
    const auto result = builder.add(event);
    INFO(word);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == code);
    CHECK(message_of(result).find(word) != std::string::npos);
    CHECK(builder.event_count() == 1);
    CHECK(builder.body_bytes() == bytes);
  };
  refused([](NewEvent& e) { e.stream = ""; }, Code::kInvalidArgument, "stream is empty");
  refused([&](NewEvent& e) { e.stream = long_text; }, Code::kTooLarge, "stream has 2000 bytes");
  refused([](NewEvent& e) { e.stream = "$chronos"; }, Code::kInvalidArgument, "begins with $");
  refused([](NewEvent& e) { e.stream = "a\nb"; }, Code::kInvalidArgument, "control character");
  refused([](NewEvent& e) { e.stream = "a\xc2\x85z"; }, Code::kInvalidArgument, "control character");
  refused([](NewEvent& e) { e.stream = "a\xff"; }, Code::kInvalidArgument, "UTF-8");
  refused([](NewEvent& e) { e.type = ""; }, Code::kInvalidArgument, "type is empty");
  refused([&](NewEvent& e) { e.type = std::string_view(long_text).substr(0, 129); }, Code::kTooLarge, "type has 129");
  refused([&](NewEvent& e) { e.id = long_text; }, Code::kTooLarge, "id has");
  refused([&](NewEvent& e) { e.causation_id = long_text; }, Code::kTooLarge, "causation_id");
  refused([](NewEvent& e) { e.data = ""; }, Code::kInvalidArgument, "data is missing");
  const std::vector<std::string_view> many(65, "t");
  refused([&](NewEvent& e) { e.tags = many; }, Code::kTooLarge, "tags has 65");
  const std::vector<std::string_view> empty_tag = {""};
  refused([&](NewEvent& e) { e.tags = empty_tag; }, Code::kInvalidArgument, "tag is empty");
  const std::vector<float> wide(9000);
  refused([&](NewEvent& e) { e.embedding = wide; }, Code::kTooLarge, "embedding");
  const std::string huge = "{\"a\":\"" + std::string(1 << 20, 'x') + "\"}";
  refused([&](NewEvent& e) { e.data = huge; }, Code::kTooLarge, "the event has");
  CHECK(builder.finish());
}

TEST_CASE("Names may be any UTF-8 without control characters", "[batch]") {
  CHECK(check_name("stream", "caf\xc3\xa9-\xe6\x97\xa5", 256));
  CHECK(check_name("stream", "a b", 256));
  CHECK(check_name("stream", "\xc2\xa0", 256));
}

TEST_CASE("A batch is limited in events and bytes", "[batch]") {
  Limits limits;
  limits.batch_events = 3;
  limits.batch_bytes = 200;
  BatchBuilder builder(limits);
  builder.begin({});
  for (int i = 0; i < 3; i++) REQUIRE(builder.add(small_event()));
  CHECK(message_of(builder.add(small_event())).find("at most 3 events") != std::string::npos);
  builder.begin({});
  const std::string data = "{\"a\":\"" + std::string(100, 'x') + "\"}";
  NewEvent event = small_event();
  event.data = data;
  REQUIRE(builder.add(event));
  CHECK(message_of(builder.add(event)).find("at most 200 bytes") != std::string::npos);
}

TEST_CASE("A wrong head is refused when the batch is finished", "[batch]") {
  BatchBuilder builder(kLimits);
  const auto finish = [&](BatchHead head, bool with_event = true) {
    builder.begin(std::move(head));
    if (with_event) REQUIRE(builder.add(small_event()));
    auto batch = builder.finish();
    return batch ? std::string() : batch.error().message;
  };
  CHECK(finish({}, false).find("events is empty") != std::string::npos);
  BatchHead no_fork;
  no_fork.fork.clear();
  CHECK(finish(no_fork).find("fork is empty") != std::string::npos);
  BatchHead long_request;
  long_request.request_id = std::string(129, 'r');
  CHECK(finish(long_request).find("request_id has 129") != std::string::npos);
  BatchHead many_conditions;
  many_conditions.conditions.resize(101);
  CHECK(finish(many_conditions).find("at most 100 conditions") != std::string::npos);
  BatchHead empty_match;
  empty_match.conditions.resize(1);
  empty_match.conditions[0].kind = Condition::Kind::kNoneMatch;
  CHECK_FALSE(finish(empty_match).empty());
  CHECK(finish({}).empty());
}

TEST_CASE("The same id twice in one batch is an id reused", "[batch]") {
  BatchBuilder builder(kLimits);
  builder.begin({});
  NewEvent event = small_event();
  event.id = "one";
  REQUIRE(builder.add(event));
  REQUIRE(builder.add(small_event()));
  REQUIRE(builder.add(event));
  const auto batch = builder.finish();
  REQUIRE_FALSE(batch);
  CHECK(batch.error().code == Code::kIdReused);
  CHECK(batch.error().message.find("events[2].id") != std::string::npos);
}

}  // namespace
}  // namespace chronos
