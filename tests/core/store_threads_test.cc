// Many threads on one store.  Of those that append under the same condition one wins each round, readers see whole
// commits only, and a view stays what it was.  Meant for ThreadSanitizer as well (docs/TESTING.md).
#include <atomic>
#include <barrier>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/store.h"
#include "tests/support/catch.h"
#include "tests/support/chance.h"
#include "tests/support/manual_clock.h"
#include "tests/support/model_store.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {
namespace {

constexpr int kWriters = 8;
constexpr uint32_t kRounds = 100;

struct Fixture {
  SimulatedDisk disk;
  ManualClock clock;
  std::unique_ptr<Store> store;

  Fixture() { open(); }
  void open() {
    StoreOptions options;
    options.directory = "/store";
    options.disk = &disk;
    options.clock = &clock;
    options.log_file_bytes = 20'000;
    options.seal_bytes = 10'000;  // so that sealing and merging go on beside everything else
    Result<std::unique_ptr<Store>> opened = Store::open(options);
    REQUIRE(opened);
    store = *std::move(opened);
  }
};

ModelBatch one_event(const std::string& stream) {
  ModelBatch batch;
  batch.events.push_back({});
  batch.events.back().stream = stream;
  batch.events.back().type = "Taken";
  batch.events.back().tags = {"seat:1"};
  return batch;
}

Result<AppendOutcome> append(Store& store, const ModelBatch& batch) {
  Result<Batch> encoded = to_engine(batch);
  if (!encoded) return encoded.error();
  return store.append(*std::move(encoded));
}

// What must hold in any view at any moment; "" when it does.  Each commit holds a pair of events of one stream.
std::string broken_rule(const View& view) {
  const uint64_t head = view.head().value;
  if (head % 2 != 0) return "half a commit is visible";
  Timestamp last;
  for (uint64_t p = 1; p <= head; p++) {
    const Event event = view.at(Position{p});
    if (event.position().value != p) return "positions are not dense";
    if (event.recorded_at() < last) return "time goes back";
    last = event.recorded_at();
  }
  size_t in_streams = 0;
  std::string problem;
  view.for_each_stream([&](std::string_view, const PositionList& events) {
    in_streams += events.size();
    for (size_t i = 0; i < events.size(); i++) {
      if (events.event(i).version().value != i + 1) problem = "versions are not dense";
    }
  });
  if (in_streams != head) return "the streams do not add up to the head";
  return problem;
}

View main_view(const Store& store) {
  const Result<View> view = store.view({});
  return view ? *view : View();
}

// Runs `work(i)` in `count` threads.
template <typename Work>
void in_threads(int count, Work work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; i++) threads.emplace_back([&work, i] { work(i); });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

TEST_CASE("of eight appends under the same condition exactly one succeeds, each round", "[store][threads]") {
  using Kind = Condition::Kind;
  const Kind kind = GENERATE(Kind::kStreamVersion, Kind::kNoneMatch, Kind::kHead);
  Fixture fixture;
  std::barrier start(kWriters);
  std::vector<std::atomic<int>> winners(kRounds);
  std::atomic<int> surprises = 0;
  in_threads(kWriters, [&](int) {
    for (uint32_t round = 0; round < kRounds; round++) {
      ModelBatch batch = one_event("seat-1");
      Condition condition;
      condition.kind = kind;
      if (kind == Kind::kStreamVersion) condition.stream = "seat-1";
      if (kind == Kind::kStreamVersion) condition.version = Version{round};
      if (kind != Kind::kStreamVersion) condition.position = Position{round};
      if (kind == Kind::kNoneMatch) condition.match = {MatchItem{{}, {"seat:1"}, {}, {}}};
      batch.head.conditions = {condition};
      start.arrive_and_wait();
      const Result<AppendOutcome> outcome = append(*fixture.store, batch);
      if (!outcome) surprises++;
      if (outcome && outcome->appended) winners[round]++;
      if (outcome && outcome->conflict && outcome->conflict->missed != std::vector{Position{round + 1}}) surprises++;
      start.arrive_and_wait();
    }
  });
  for (uint32_t round = 0; round < kRounds; round++) CHECK(winners[round] == 1);
  CHECK(surprises == 0);
  CHECK(main_view(*fixture.store).head() == Position{kRounds});
}

TEST_CASE("the same request from eight threads is committed once and answered alike", "[store][threads]") {
  Fixture fixture;
  std::barrier start(kWriters);
  std::vector<std::atomic<int>> fresh(kRounds);
  std::atomic<int> surprises = 0;
  in_threads(kWriters, [&](int) {
    for (uint32_t round = 0; round < kRounds; round++) {
      ModelBatch batch = one_event("order-1");
      batch.head.request_id = "request-" + std::to_string(round);
      start.arrive_and_wait();
      const Result<AppendOutcome> outcome = append(*fixture.store, batch);
      const bool agrees = outcome && outcome->appended && outcome->appended->first_position == Position{round + 1};
      if (!agrees) surprises++;
      if (agrees && !outcome->appended->replayed) fresh[round]++;
      start.arrive_and_wait();
    }
  });
  for (uint32_t round = 0; round < kRounds; round++) CHECK(fresh[round] == 1);
  CHECK(surprises == 0);
}

TEST_CASE("readers see whole commits, dense and in order, while eight threads write", "[store][threads]") {
  Fixture fixture;
  std::atomic<int> writing = kWriters;
  std::vector<std::string> problems(2);
  const auto write = [&](int i) {
    ModelBatch batch = one_event("order-" + std::to_string(i % 3));
    batch.events.push_back(batch.events.front());
    for (uint32_t n = 0; n < kRounds; n++) {
      if (i == 0) fixture.clock.advance(n % 5 == 0 ? -3 : 1);
      if (n % 4 == 3) fixture.store->mark_quiet();
      static_cast<void>(append(*fixture.store, batch));
    }
    writing--;
  };
  const auto read = [&](std::string& problem) {
    View kept = main_view(*fixture.store);
    Position kept_head = kept.head();
    while (writing > 0 && problem.empty()) {
      const View view = main_view(*fixture.store);
      if (view.head() < kept_head) problem = "the head goes back";
      if (problem.empty()) problem = broken_rule(view);
      if (problem.empty()) problem = broken_rule(kept);
      if (kept.head() != kept_head) problem = "a view changed";
      kept = view.cut(Position{view.head().value / 4 * 2});
      kept_head = kept.head();
    }
  };
  in_threads(kWriters + 2, [&](int i) {
    if (i < kWriters)
      write(i);
    else
      read(problems[static_cast<size_t>(i - kWriters)]);
  });
  CHECK(problems == std::vector<std::string>(2));
  CHECK(main_view(*fixture.store).head() == Position{2 * kWriters * kRounds});
  fixture.store.reset();
  fixture.open();
  CHECK(broken_rule(main_view(*fixture.store)).empty());
  CHECK(main_view(*fixture.store).head() == Position{2 * kWriters * kRounds});
}

TEST_CASE("forks are made, written to and discarded while main is written to", "[store][threads]") {
  Fixture fixture;
  std::atomic<int> surprises = 0;
  in_threads(kWriters, [&](int i) {
    for (uint32_t n = 0; n < kRounds / 4; n++) {
      const std::string name = "try-" + std::to_string(i) + "-" + std::to_string(n);
      ModelBatch batch = one_event("order-1");
      if (!append(*fixture.store, batch)) surprises++;
      NewFork wanted;
      wanted.name = name;
      const Result<ForkInfo> fork = fixture.store->create_fork(wanted);
      batch.head.fork = name;
      const Result<AppendOutcome> outcome = append(*fixture.store, batch);
      if (!fork || !outcome || outcome->appended->first_position.value != fork->position.value + 1) surprises++;
      const Result<View> view = fixture.store->view({name, std::nullopt, std::nullopt});
      if (!view || view->stream("order-1").size() != fork->position.value + 1) surprises++;
      if (n % 2 == 0 && !fixture.store->discard_fork(name, "", local_principal())) surprises++;
    }
  });
  CHECK(surprises == 0);
  CHECK(fixture.store->forks().size() == 1 + kWriters * (kRounds / 4 / 2));
}

TEST_CASE("eight threads that do not wait for the disk lose nothing to each other", "[store][threads]") {
  Fixture fixture;
  constexpr uint32_t kEach = 500;
  std::atomic<int> surprises = 0;
  in_threads(kWriters, [&](int i) {
    ModelBatch batch = one_event("order-" + std::to_string(i));
    batch.head.durability = Durability::kOs;
    for (uint32_t n = 1; n <= kEach; n++) {
      const Result<AppendOutcome> outcome = append(*fixture.store, batch);
      if (!outcome || !outcome->appended || outcome->appended->versions.at(0).second != Version{n}) surprises++;
    }
  });
  CHECK(surprises == 0);
  CHECK(fixture.store->view({})->head() == Position{kWriters * kEach});
  fixture.store.reset();
  fixture.open();
  CHECK(fixture.store->view({})->head() == Position{kWriters * kEach});
}

TEST_CASE("a group is written though some that were in the last one do not come again", "[store][threads]") {
  Fixture fixture;
  std::atomic<int> surprises = 0;
  in_threads(kWriters, [&](int i) {
    ModelBatch batch = one_event("order-" + std::to_string(i));
    for (uint32_t n = 1; n <= 5 * static_cast<uint32_t>(i + 1); n++) {
      batch.head.durability = i % 4 == 3 && n % 2 == 0 ? Durability::kOs : Durability::kFsync;
      const Result<AppendOutcome> outcome = append(*fixture.store, batch);
      if (!outcome || !outcome->appended || outcome->appended->versions.at(0).second != Version{n}) surprises++;
    }
  });
  CHECK(surprises == 0);
  CHECK(fixture.store->view({})->head() == Position{5 * kWriters * (kWriters + 1) / 2});
}

}  // namespace chronos::test
