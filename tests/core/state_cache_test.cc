// The states that a cache gives against those folded event by event: byte for byte, over random histories with forks
// and seals, and with little room.
#include "core/state_cache.h"

#include <atomic>
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
#include "tests/support/store_checks.h"

namespace chronos::test {
namespace {

class Patched {
 public:
  Patched() {
    StoreOptions options;
    options.directory = "/store";
    options.disk = &disk_;
    options.clock = &clock_;
    options.random = &random_;
    options.seal_in_background = false;
    auto opened = Store::open(options);
    if (!opened) FAIL(opened.error().message);
    store = *std::move(opened);
  }
  void append(const std::string& fork, const std::string& stream, const std::string& data) {
    ModelBatch batch;
    batch.head.fork = fork;
    batch.events.emplace_back();
    batch.events.back().stream = stream;
    batch.events.back().type = "Patched";
    batch.events.back().data = data;
    REQUIRE(store->append(*to_engine(batch)));
  }

 private:
  Chance random_{3};
  ManualClock clock_;
  SimulatedDisk disk_;

 public:
  std::unique_ptr<Store> store;
};

// A patch of a few members, some of them removals, some nested.
std::string random_patch(Chance& chance, int depth = 0) {
  std::string patch = "{";
  const uint64_t members = chance.between(0, 4);
  for (uint64_t i = 0; i < members; i++) {
    if (i > 0) patch += ",";
    patch += "\"k" + std::to_string(chance.between(0, 6)) + (chance.below(5) == 0 ? "\\u00e4\\n" : "") + "\":";
    switch (chance.between(0, depth < 3 ? 4 : 3)) {
      case 0: patch += "null"; break;
      case 1: patch += "1." + std::to_string(chance.between(0, 99)) + "e2"; break;
      case 2: patch += "\"\\u0041" + std::string(chance.between(0, 30), 'x') + "\""; break;
      case 3: patch += "[null, {\"a\" : null}]"; break;
      default: patch += random_patch(chance, depth + 1);
    }
  }
  return patch + "}";
}

}  // namespace

TEST_CASE("a state from the cache is the fold of its events, byte for byte", "[state][cache][model]") {
  uint64_t large_hits = 0;
  uint64_t small_hits = 0;
  for (const uint64_t seed : test_seeds(1, 20)) {
    INFO("CHRONOS_SEED=" << seed);
    Chance chance(seed);
    Patched run;
    // In the second, most states are gone before they are asked for again.
    StateCache large(uint64_t{1} << 20);
    StateCache small(16 * 4000);
    std::vector<std::string> forks = {"main"};
    for (int step = 0; step < 600; step++) {
      const std::string fork = forks[chance.between(0, forks.size() - 1)];
      run.append(fork, "s" + std::to_string(chance.between(0, 2)), random_patch(chance));
      if (chance.below(150) == 0) REQUIRE(run.store->seal());
      if (chance.below(120) == 0) {
        NewFork wanted;
        wanted.name = "fork" + std::to_string(step);
        const uint64_t head = run.store->view({fork, {}, {}})->head().value;
        wanted.from = {fork, Position{chance.between(0, head)}, {}};
        REQUIRE(run.store->create_fork(wanted));
        forks.push_back(wanted.name);
      }
      if (chance.below(3) != 0) continue;
      const View view = *run.store->view({forks[chance.between(0, forks.size() - 1)], {}, {}});
      const View then = view.cut(Position{chance.between(0, view.head().value)});
      const PositionList stream = then.stream("s" + std::to_string(chance.between(0, 2)));
      const Version version{static_cast<uint32_t>(chance.between(0, stream.size() + 1))};
      const std::string expected = fold(stream, version).to_json();
      REQUIRE(large.fold(stream, version).to_json() == expected);
      REQUIRE(small.fold(stream, version).to_json() == expected);
    }
    CHECK(small.bytes() <= 16 * 4000);
    large_hits += large.hits();
    small_hits += small.hits();
  }
  CHECK(large_hits > small_hits);
  CHECK(small_hits > 0);
}

TEST_CASE("a long stream is folded from near where it is asked for", "[state][cache]") {
  Patched run;
  constexpr uint32_t kEvents = 3000;
  for (uint32_t i = 1; i <= kEvents; i++) run.append("main", "long", "{\"n\":" + std::to_string(i) + "}");
  const View view = *run.store->view({});
  const PositionList stream = view.stream("long");
  StateCache cache(uint64_t{1} << 20);
  for (uint32_t version = kEvents; version > 0; version -= 7) {
    REQUIRE(cache.fold(stream, Version{version}).to_json() == "{\"n\":" + std::to_string(version) + "}");
    if (version < 8) break;
  }
  // The first call keeps every 512th and the last ones: nearly all later ones find one.
  CHECK(cache.hits() > 350);
}

TEST_CASE("a cache that is used by many threads gives the same states", "[state][cache][threads]") {
  Patched run;
  for (uint32_t i = 1; i <= 200; i++)
    run.append("main", "s" + std::to_string(i % 3), "{\"n\":" + std::to_string(i) + "}");
  REQUIRE(run.store->seal());
  StateCache cache(16 * 4000);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; t++) {
    threads.emplace_back([&, t] {
      Chance chance(t);
      const View view = *run.store->view({});
      for (int i = 0; i < 2000; i++) {
        const PositionList stream = view.stream("s" + std::to_string(chance.between(0, 2)));
        const Version version{static_cast<uint32_t>(chance.between(1, stream.size()))};
        if (cache.fold(stream, version).to_json() != fold(stream, version).to_json()) wrong++;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(cache.hits() > 0);
}

}  // namespace chronos::test
