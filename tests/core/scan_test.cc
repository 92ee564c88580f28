#include "core/scan.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "core/store.h"
#include "tests/support/catch.h"
#include "tests/support/random_json.h"
#include "tests/support/simulated_disk.h"

namespace chronos {
namespace {

using testing::RandomJson;

class SettableClock : public Clock {
 public:
  Timestamp now() override { return time; }
  Timestamp time{1'000};
};

class CountingRandom : public Random {
 public:
  uint64_t next() override { return ++count_; }

 private:
  uint64_t count_ = 0;
};

struct Spec {
  std::string stream;
  std::string type;
  std::vector<std::string> tags;
  std::string data = "{}";
  std::optional<Timestamp> valid_at = {};
};

// A small store in memory; each append is a batch with a time of its own.
class Scanned {
 public:
  Scanned() {
    StoreOptions options;
    options.directory = "/store";
    options.disk = &disk_;
    options.clock = &clock;
    options.random = &random_;
    auto opened = Store::open(options);
    REQUIRE(opened);
    store = *std::move(opened);
  }

  void append(const std::string& fork, const std::vector<Spec>& events) {
    BatchBuilder builder(store->limits());
    BatchHead head;
    head.fork = fork;
    head.durability = Durability::kOs;
    builder.begin(head);
    for (const Spec& spec : events) {
      const std::vector<std::string_view> tags(spec.tags.begin(), spec.tags.end());
      NewEvent event;
      event.stream = spec.stream;
      event.type = spec.type;
      event.data = spec.data;
      event.tags = tags;
      event.valid_at = spec.valid_at;
      REQUIRE(builder.add(event));
    }
    auto batch = builder.finish();
    REQUIRE(batch);
    const auto outcome = store->append(*std::move(batch));
    REQUIRE(outcome);
    REQUIRE(outcome->appended);
  }

  View view(const std::string& fork = "main", std::optional<Position> position = {}) const {
    Address address;
    address.fork = fork;
    address.position = position;
    const auto view = store->view(address);
    REQUIRE(view);
    return *view;
  }

  SettableClock clock;

 private:
  test::SimulatedDisk disk_;
  CountingRandom random_;

 public:
  std::unique_ptr<Store> store;  // last: what it uses must outlive it
};

std::vector<uint64_t> scan(const View& view, const EventFilter& filter, Order order = Order::kAscending,
                           uint64_t from = 0) {
  EventScan scan(view, filter, order, Position{from});
  std::vector<uint64_t> found;
  while (const auto event = scan.next()) found.push_back(event->position().value);
  CHECK_FALSE(scan.out_of_budget());
  return found;
}

// The slow model: looks at every event.
bool accepts(const EventFilter& filter, const Event& event) {
  return (filter.stream.empty() || event.stream() == filter.stream) && matches(filter.match, event) &&
         (!filter.since || event.recorded_at() >= *filter.since) &&
         (!filter.until || event.recorded_at() <= *filter.until) &&
         (!filter.valid_since || event.valid_at() >= *filter.valid_since) &&
         (!filter.valid_until || event.valid_at() <= *filter.valid_until) &&
         matches(filter.where, ValidJson::trusted(event.data()));
}

std::vector<uint64_t> model(const View& view, const EventFilter& filter, Order order, uint64_t from) {
  std::vector<uint64_t> found;
  for (uint64_t p = 1; p <= view.head().value; p++) {
    const bool in_range = from == 0 || (order == Order::kAscending ? p >= from : p <= from);
    if (in_range && accepts(filter, view.at(Position{p}))) found.push_back(p);
  }
  if (order == Order::kDescending) std::reverse(found.begin(), found.end());
  return found;
}

// The same in pieces of `budget` events, going on alternately with the same scan and with a new one.
std::vector<uint64_t> scan_in_pieces(const View& view, const EventFilter& filter, Order order, uint64_t from,
                                     uint64_t budget) {
  std::vector<uint64_t> found;
  auto scan = std::make_unique<EventScan>(view, filter, order, Position{from});
  for (int piece = 0;; piece++) {
    scan->set_budget(budget);
    while (const auto event = scan->next()) found.push_back(event->position().value);
    if (!scan->out_of_budget()) return found;
    CHECK_FALSE(scan->next());  // as long as there is no new budget
    if (piece % 2 == 1) scan = std::make_unique<EventScan>(view, filter, order, scan->resume());
  }
}

std::string one_of(RandomJson& random, const char* prefix, size_t count) {
  return prefix + std::to_string(random.below(count));
}

Spec random_event(RandomJson& random, Timestamp now) {
  Spec spec;
  spec.stream = one_of(random, random.percent(50) ? "order-" : "user-", 6);
  spec.type = one_of(random, "Type", 5);
  for (size_t n = random.below(4); n > 0; n--) {
    const std::string tag = one_of(random, "tag:", 6);
    if (std::find(spec.tags.begin(), spec.tags.end(), tag) == spec.tags.end()) spec.tags.push_back(tag);
  }
  spec.data = "{\"n\":" + std::to_string(random.below(10)) + "}";
  if (random.percent(40)) spec.valid_at = Timestamp{now.value - 100 + static_cast<int64_t>(random.below(200))};
  return spec;
}

MatchItem random_item(RandomJson& random) {
  MatchItem item;
  const auto fill = [&](std::vector<std::string>& names, const char* prefix) {
    if (random.percent(60)) return;
    for (size_t n = 1 + random.below(3); n > 0; n--) names.push_back(one_of(random, prefix, 7));
  };
  fill(item.types, "Type");
  fill(item.tags, "tag:");
  fill(item.streams, "order-");
  if (random.percent(15)) item.stream_prefix = random.percent(50) ? "order" : "user-1";
  if (item.empty()) item.types = {"Type1"};
  return item;
}

EventFilter random_filter(RandomJson& random, Timestamp latest) {
  EventFilter filter;
  const auto time = [&] {
    return Timestamp{static_cast<int64_t>(random.below(static_cast<size_t>(latest.value) + 50))};
  };
  if (random.percent(20)) filter.stream = one_of(random, "order-", 7);
  for (size_t n = random.below(4); n > 0; n--) filter.match.push_back(random_item(random));
  if (random.percent(25)) filter.since = time();
  if (random.percent(25)) filter.until = time();
  if (random.percent(15)) filter.valid_since = time();
  if (random.percent(15)) filter.valid_until = time();
  if (random.percent(20)) filter.where.push_back(*FieldFilter::make("/n", "<", std::to_string(random.below(12))));
  return filter;
}

}  // namespace

TEST_CASE("a scan finds what matches, in either order, from any position", "[scan]") {
  Scanned scanned;
  scanned.append("main", {{"a", "T", {"x"}}, {"b", "U", {"x", "y"}}, {"a", "U", {}}});
  scanned.append("main", {{"b", "T", {"y"}}, {"a", "T", {"x"}, R"({"n":1})"}});
  const View view = scanned.view();
  EventFilter filter;
  CHECK(scan(view, filter) == std::vector<uint64_t>{1, 2, 3, 4, 5});
  CHECK(scan(view, filter, Order::kDescending) == std::vector<uint64_t>{5, 4, 3, 2, 1});
  CHECK(scan(view, filter, Order::kAscending, 4) == std::vector<uint64_t>{4, 5});
  CHECK(scan(view, filter, Order::kDescending, 2) == std::vector<uint64_t>{2, 1});
  CHECK(scan(view, filter, Order::kAscending, 6).empty());
  CHECK(scan(view, filter, Order::kDescending, 9) == std::vector<uint64_t>{5, 4, 3, 2, 1});
  CHECK(scan(scanned.view("main", Position{3}), filter) == std::vector<uint64_t>{1, 2, 3});
  CHECK(scan(scanned.view("main", Position{0}), filter).empty());
  filter.match = {{{}, {"x"}, {}, ""}, {{"T"}, {}, {}, ""}};  // each once, though some are in both lists
  CHECK(scan(view, filter) == std::vector<uint64_t>{1, 2, 4, 5});
  filter.stream = "a";
  CHECK(scan(view, filter, Order::kDescending) == std::vector<uint64_t>{5, 1});
  filter.stream = "absent";
  CHECK(scan(view, filter).empty());
}

TEST_CASE("a scan's times are inclusive bounds on when events were recorded", "[scan]") {
  Scanned scanned;
  for (const int64_t time : {1'100, 1'200, 1'200, 1'300}) {
    scanned.clock.time = Timestamp{time};
    scanned.append("main", {{"s", "T", {}}});
  }
  const View view = scanned.view();
  const auto between = [&](std::optional<Timestamp> since, std::optional<Timestamp> until) {
    EventFilter filter;
    filter.since = since;
    filter.until = until;
    return scan(view, filter);
  };
  const Timestamp second = view.at(Position{2}).recorded_at();
  const Timestamp third = view.at(Position{3}).recorded_at();
  CHECK(between(second, third) == std::vector<uint64_t>{2, 3});
  CHECK(between(Timestamp{third.value + 1}, {}) == std::vector<uint64_t>{4});
  CHECK(between({}, Timestamp{second.value - 1}) == std::vector<uint64_t>{1});
  CHECK(between(Timestamp{INT64_MIN}, Timestamp{INT64_MAX}) == std::vector<uint64_t>{1, 2, 3, 4});
  CHECK(between(third, Timestamp{second.value - 1}).empty());
}

TEST_CASE("a scan with a budget looks at so many events and says where to go on", "[scan]") {
  Scanned scanned;
  scanned.append("main", std::vector<Spec>(10, {"s", "T", {}}));
  const View view = scanned.view();
  EventFilter filter;
  filter.match = {{{"T"}, {}, {}, "nothing"}};
  EventScan scan(view, filter, Order::kAscending, Position{0});
  scan.set_budget(4);
  CHECK_FALSE(scan.next());
  CHECK(scan.out_of_budget());
  CHECK(scan.resume() == Position{5});
  scan.set_budget(6);
  CHECK_FALSE(scan.out_of_budget());
  CHECK_FALSE(scan.next());
  CHECK_FALSE(scan.out_of_budget());  // exactly enough: the end was seen
}

TEST_CASE("random scans agree with looking at every event, in forks too", "[scan]") {
  const uint64_t seed = testing::json_seed(9);
  for (uint64_t run = 0; run < 6; run++) {
    INFO("seed " << seed << ", run " << run);
    RandomJson random(seed * 100 + run, {});
    Scanned scanned;
    std::vector<std::string> forks = {"main"};
    for (int i = 0; i < 60; i++) {
      scanned.clock.time.value += static_cast<int64_t>(random.below(20));
      const std::string fork = forks[random.below(forks.size())];
      std::vector<Spec> events;
      for (size_t n = 1 + random.below(5); n > 0; n--) events.push_back(random_event(random, scanned.clock.time));
      scanned.append(fork, events);
      if (!random.percent(8)) continue;
      NewFork added;
      added.name = "fork-" + std::to_string(i);
      added.from.fork = fork;
      added.from.position = Position{random.below(scanned.view(fork).head().value + 1)};
      REQUIRE(scanned.store->create_fork(added));
      forks.push_back(added.name);
    }
    for (int i = 0; i < 400; i++) {
      View view = scanned.view(forks[random.below(forks.size())]);
      if (random.percent(30)) view = view.cut(Position{random.below(view.head().value + 1)});
      const EventFilter filter = random_filter(random, scanned.clock.time);
      const Order order = random.percent(50) ? Order::kAscending : Order::kDescending;
      const uint64_t from = random.percent(50) ? 0 : random.below(view.head().value + 3);
      INFO("scan " << i << " from " << from << " of " << view.head().value
                   << (order == Order::kAscending ? "" : " down"));
      const auto expected = model(view, filter, order, from);
      REQUIRE(scan(view, filter, order, from) == expected);
      REQUIRE(scan_in_pieces(view, filter, order, from, 1 + random.below(20)) == expected);

      EventFilter only_match;
      only_match.match = filter.match;
      auto first = model(view, only_match, Order::kAscending, from + 1);
      const size_t limit = random.below(10);
      first.resize(std::min(first.size(), limit));
      std::vector<uint64_t> found;
      for (const Position position : find_matches(view, filter.match, Position{from}, limit)) {
        found.push_back(position.value);
      }
      REQUIRE(found == first);
    }
  }
}

}  // namespace chronos
