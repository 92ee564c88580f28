#include "core/condition.h"

#include <array>
#include <string>
#include <vector>

#include "core/batch.h"
#include "tests/support/catch.h"
#include "tests/support/random_json.h"

namespace chronos {
namespace {

using Kind = Condition::Kind;
using testing::RandomJson;

// An encoded event, as matches() sees it.
class OneEvent {
 public:
  OneEvent(std::string_view stream, std::string_view type, std::vector<std::string_view> tags) {
    BatchBuilder builder(limits_);
    builder.begin({});
    NewEvent event;
    event.stream = stream;
    event.type = type;
    event.data = "{}";
    event.tags = tags;
    REQUIRE(builder.add(event));
    auto batch = builder.finish();
    REQUIRE(batch);
    batch_ = *std::move(batch);
  }
  Event get() const { return batch_.event(0); }

 private:
  Limits limits_;
  Batch batch_;
};

std::vector<std::string> random_names(RandomJson& random) {
  std::vector<std::string> names(random.below(4));
  for (std::string& name : names) name = std::string(random.below(200), static_cast<char>('a' + random.below(26)));
  return names;
}

Condition random_condition(RandomJson& random) {
  Condition condition;
  condition.kind = static_cast<Kind>(1 + random.below(5));
  const auto number = [&] { return static_cast<uint64_t>(random.below(~size_t{0})) >> random.below(64); };
  switch (condition.kind) {
    case Kind::kStreamVersion: condition.version = Version{static_cast<uint32_t>(number())}; [[fallthrough]];
    case Kind::kStreamExists: condition.stream = std::string(random.below(300), 's'); break;
    case Kind::kNoneMatch: condition.position = Position{number()}; [[fallthrough]];
    case Kind::kSomeMatch:
      for (size_t n = random.below(4); n > 0; n--) {
        condition.match.push_back(
            {random_names(random), random_names(random), random_names(random), std::string(random.below(3), 'p')});
      }
      break;
    case Kind::kHead: condition.position = Position{number()}; break;
  }
  return condition;
}

using Names = std::vector<std::string>;

MatchItem item(Names types, Names tags = {}, Names streams = {}, std::string stream_prefix = "") {
  return {std::move(types), std::move(tags), std::move(streams), std::move(stream_prefix)};
}

Condition of_stream(Kind kind, std::string stream, uint32_t version = 0) {
  return {kind, std::move(stream), Version{version}, {}, {}};
}
Condition head_is(uint64_t position) { return {Kind::kHead, "", {}, {}, Position{position}}; }
Condition some_match(Match match) { return {Kind::kSomeMatch, "", {}, std::move(match), {}}; }
Condition none_match(Match match, uint64_t after = 0) {
  return {Kind::kNoneMatch, "", {}, std::move(match), Position{after}};
}

std::string refusal(const Condition& condition) {
  const auto checked = check_conditions({head_is(0), condition});
  REQUIRE_FALSE(checked);
  CHECK(checked.error().code == Code::kInvalidArgument);
  return checked.error().message;
}

}  // namespace

TEST_CASE("an item matches an event that fulfils every member given", "[condition]") {
  const OneEvent event("order-7", "OrderPaid", {"customer:3", "eu"});
  const auto is_match = [&](const MatchItem& item) { return item.matches(event.get()); };
  CHECK(is_match(item({"OrderPlaced", "OrderPaid"})));
  CHECK_FALSE(is_match(item({"OrderPlaced"})));
  CHECK(is_match(item({}, {"eu"})));
  CHECK(is_match(item({}, {"eu", "customer:3"})));
  CHECK_FALSE(is_match(item({}, {"eu", "customer:4"})));
  CHECK(is_match(item({}, {}, {"x", "order-7"})));
  CHECK_FALSE(is_match(item({}, {}, {"order-"})));
  CHECK(is_match(item({}, {}, {}, "order-")));
  CHECK(is_match(item({}, {}, {}, "order-7")));
  CHECK_FALSE(is_match(item({}, {}, {}, "order-77")));
  const MatchItem all = item({"OrderPaid"}, {"eu"}, {"order-7"}, "o");
  CHECK(is_match(all));
  for (int member = 0; member < 4; member++) {
    MatchItem broken = all;
    if (member == 0) broken.types = {"other"};
    if (member == 1) broken.tags.emplace_back("other");
    if (member == 2) broken.streams = {"other"};
    if (member == 3) broken.stream_prefix = "other";
    CHECK_FALSE(is_match(broken));
  }
}

TEST_CASE("any item of a match may match, and an empty match matches all", "[condition]") {
  const OneEvent event("order-7", "OrderPaid", {});
  CHECK(matches({}, event.get()));
  CHECK(matches({item({"other"}), item({"OrderPaid"})}, event.get()));
  CHECK_FALSE(matches({item({"other"}), item({}, {"OrderPaid"})}, event.get()));
}

TEST_CASE("conditions have the bytes that are documented", "[condition]") {
  CHECK(encode_conditions({}).empty());
  const std::vector<Condition> conditions = {
      of_stream(Kind::kStreamVersion, "ab", 300),
      of_stream(Kind::kStreamExists, "c"),
      none_match({item({"T"}, {"x", "yz"})}, 1042),
      some_match({item({}, {}, {"s"}), item({}, {}, {}, "p")}),
      head_is(5),
  };
  const std::string bytes(
      "\x05"
      "\x01\x02"
      "ab\xac\x02"
      "\x02\x01"
      "c"
      "\x03\x92\x08\x01\x01\x01T\x02\x01x\x02yz\x00\x00"
      "\x04\x02\x00\x00\x01\x01s\x00\x00\x00\x00\x01p"
      "\x05\x05",
      40);
  CHECK(encode_conditions(conditions) == bytes);
  CHECK(*decode_conditions(bytes) == conditions);
}

TEST_CASE("conditions come back from their bytes, and damaged bytes never mean others", "[condition]") {
  const uint64_t seed = testing::json_seed(8);
  INFO("seed " << seed);
  RandomJson random(seed, {});
  for (int i = 0; i < 3'000; i++) {
    std::vector<Condition> conditions(random.below(4));
    for (Condition& condition : conditions) condition = random_condition(random);
    std::string bytes = encode_conditions(conditions);
    const auto back = decode_conditions(bytes);
    REQUIRE(back);
    REQUIRE(*back == conditions);
    if (bytes.empty()) continue;
    for (int k = 0; k < 10; k++) {
      std::string damaged = bytes;
      const size_t at = random.below(damaged.size());
      if (k < 5) {
        damaged[at] = static_cast<char>(random.below(256));
      } else {
        damaged.resize(at);
      }
      const auto other = decode_conditions(damaged);
      if (other) REQUIRE(encode_conditions(*other) == damaged);
      if (!other) REQUIRE(other.error().code == Code::kCorrupt);
    }
  }
}

TEST_CASE("bytes of another form are corrupt", "[condition]") {
  const auto is_corrupt = [](std::string_view bytes) { return !decode_conditions(bytes); };
  CHECK(is_corrupt(std::string_view("\x00", 1)));                         // no condition, but not nothing
  CHECK(is_corrupt("\x01\x09"));                                          // unknown kind
  CHECK(is_corrupt(std::string_view("\x01\x05\x85\x00", 4)));             // a number longer than it must be
  CHECK(is_corrupt("\x01\x05\x05\x05"));                                  // something behind the end
  CHECK(is_corrupt("\x01\x05"));                                          // cut
  CHECK(is_corrupt("\x01\x01\x01s\xff\xff\xff\xff\x10"));                 // a version of 33 bits
  CHECK(is_corrupt("\x01\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));  // a position of 65 bits
  CHECK_FALSE(is_corrupt("\x01\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
  CHECK(is_corrupt("\xff\xff\xff\xff\x0f\x01"));  // more conditions than bytes
}

TEST_CASE("wrong conditions are told before anything is done", "[condition]") {
  const auto has = [](const std::string& text, std::string_view part) {
    INFO(text);
    return text.find(part) != std::string::npos;
  };
  CHECK(has(refusal(none_match({})), "conditions[1].none_match is an empty list"));
  CHECK(has(refusal(none_match({item({"T"}), MatchItem()})), "conditions[1].none_match[1] is empty"));
  CHECK(has(refusal(some_match({})), "conditions[1].some_match"));
  CHECK(has(refusal(none_match({item({"T"})}, kMaxPosition + 1)), "9007199254740992"));
  CHECK(has(refusal(head_is(kMaxPosition + 1)), "conditions[1].head"));
  CHECK(has(refusal(of_stream(Kind::kStreamVersion, "")), "conditions[1].stream"));
  CHECK(has(refusal(of_stream(Kind::kStreamExists, "a\nb")), "conditions[1].stream"));
  CHECK(has(refusal(none_match({item({"T", ""})})), "conditions[1].none_match[0].types"));
  CHECK(has(refusal(none_match({item({}, {"\x01"})})), "conditions[1].none_match[0].tags"));
  CHECK(has(refusal(none_match({item({}, {}, {"a", "\xff"})})), "conditions[1].none_match[0].streams"));
  CHECK(has(refusal(none_match({item({}, {}, {}, "a\n")})), "conditions[1].none_match[0].stream_prefix"));
  CHECK(has(refusal(of_stream(static_cast<Kind>(9), "s")), "no known kind"));
}

TEST_CASE("conditions of the store's own streams, and up to the limits, are right", "[condition]") {
  CHECK(check_conditions({}));
  CHECK(check_conditions({of_stream(Kind::kStreamVersion, "$forks"),
                          of_stream(Kind::kStreamExists, std::string(256, 's')), head_is(kMaxPosition),
                          none_match({item({"$T"}, {"t"}, {"$s"}, "$")})}));
  const Condition head = head_is(0);
  CHECK(check_conditions(std::vector<Condition>(100, head)));
  CHECK(check_conditions(std::vector<Condition>(101, head)).error().code == Code::kTooLarge);
  const Condition wide = none_match({item({}, Names(5'000, std::string(250, 't')))});
  CHECK(check_conditions({wide}).error().code == Code::kTooLarge);
  CHECK(check_match("match", {}).error().message.find("match is an empty list") == 0);
  CHECK(check_match("match", {item({"T"})}));
}

}  // namespace chronos
