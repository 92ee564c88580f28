// Backups in the middle of random work, against the model; and when the power goes.
#include "core/backup.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/salvage.h"
#include "core/store.h"
#include "tests/support/catch.h"
#include "tests/support/chance.h"
#include "tests/support/manual_clock.h"
#include "tests/support/model_store.h"
#include "tests/support/random_history.h"
#include "tests/support/simulated_disk.h"
#include "tests/support/store_checks.h"

namespace chronos::test {
namespace {

class BackedUp {
 public:
  explicit BackedUp(uint64_t seed) : chance(seed), disk(seed), history_(chance) { store = open("/store"); }

  std::unique_ptr<Store> open(const std::string& directory) {
    auto opened = try_to_open(directory);
    if (!opened) FAIL(opened.error().message);
    return *std::move(opened);
  }
  Result<std::unique_ptr<Store>> try_to_open(const std::string& directory) {
    StoreOptions options;
    options.directory = directory;
    options.disk = &disk;
    options.clock = &clock;
    options.random = &random;
    options.seal_in_background = false;
    return Store::open(options);
  }
  void live(int batches) {
    for (int i = 0; i < batches; i++) {
      clock.advance(10);
      const NewFork wanted = history_.fork(model);
      if (i % 10 == 5 && model.create_fork(wanted)) REQUIRE(store->create_fork(wanted));
      const ModelBatch batch = history_.batch(model);
      const ModelOutcome expected = model.decide(batch);
      if (!expected.appended || expected.appended->replayed) continue;
      const auto outcome = store->append(*to_engine(batch));
      REQUIRE(outcome);
      model.commit(batch, outcome->appended->recorded_at);
    }
  }

  Chance chance;
  Chance random{3};
  ManualClock clock;
  SimulatedDisk disk;
  ModelStore model;
  std::unique_ptr<Store> store;

 private:
  RandomHistory history_;
};

}  // namespace

TEST_CASE("a backup is the store as of its moment, whatever is appended later", "[backup]") {
  for (const uint64_t seed : test_seeds(1, 20)) {
    INFO("CHRONOS_SEED=" << seed);
    BackedUp run(seed);
    run.live(40);
    run.disk.refuse_links(seed % 2 == 0);
    const auto report = run.store->backup("/backup");
    REQUIRE(report);
    const ModelStore moment = run.model;
    CHECK(report->position.value == moment.find("main")->events.size());
    run.live(40);
    REQUIRE(run.store->seal());
    run.live(5);
    CHECK(check_store(*run.store, run.model) == "");
    const auto backup = run.open("/backup");
    CHECK(check_store(*backup, moment) == "");
    CHECK(backup->verify(nullptr).problems.empty());
  }
}

TEST_CASE("a backup goes on as a store of its own", "[backup]") {
  BackedUp run(5);
  run.live(40);
  REQUIRE(run.store->backup("/backup"));
  const ModelStore moment = run.model;
  run.store = run.open("/backup");
  run.live(60);
  REQUIRE(run.store->seal());
  CHECK(check_store(*run.store, run.model) == "");
  run.store = run.open("/store");
  CHECK(check_store(*run.store, moment) == "");
}

TEST_CASE("a power cut during a backup leaves the store as it is, and the backup whole, refused or not there",
          "[backup][crash]") {
  int whole = 0;
  int refused = 0;
  for (const uint64_t seed : test_seeds(1, 200)) {
    INFO("CHRONOS_SEED=" << seed);
    BackedUp run(seed);
    run.live(15);
    REQUIRE(run.store->seal());
    run.disk.refuse_links(seed % 2 == 0);
    run.disk.fail_after(run.chance.between(1, 40), SimulatedDisk::Failing::kFromThenOn);
    const bool done = run.store->backup("/backup").has_value();
    run.disk.power_cut(seed);
    run.disk.stop_failing();
    run.store.reset();
    const auto manifest = run.disk.exists("/backup/segments/manifest");
    const bool has_something = run.disk.files().lower_bound("/backup/")->first.starts_with("/backup/");
    if (done) REQUIRE(*manifest);
    if (has_something) {
      const auto backup = run.try_to_open("/backup");
      (backup ? whole : refused)++;
      if (backup && *manifest) REQUIRE(check_store(**backup, run.model) == "");
      // Without a manifest, and with a log that was never finished, there is nothing in it.
      if (backup && !*manifest) REQUIRE((*backup)->view({})->head().value == 0);
      if (!backup) REQUIRE(backup.error().code == Code::kCorrupt);
      if (!backup) REQUIRE_FALSE(done);
    }
    run.store = run.open("/store");
    REQUIRE(check_store(*run.store, run.model) == "");
  }
  if (whole + refused > 1) {  // not with one seed
    CHECK(whole > 0);
    CHECK(refused > 0);
  }
}

TEST_CASE("backups are made while others append, and each is a moment of the history", "[backup][threads]") {
  SimulatedDisk disk;
  StoreOptions options;
  options.disk = &disk;
  options.directory = "/store";
  options.seal_bytes = 10'000;
  auto opened = Store::open(options);
  REQUIRE(opened);
  Store& store = **opened;
  std::atomic<bool> is_over = false;
  std::atomic<uint64_t> appended = 0;
  std::thread writer([&] {
    for (uint64_t n = 1; !is_over; n++) {
      ModelBatch batch;
      batch.events.resize(3);
      for (ModelEvent& event : batch.events) {
        event.stream = "stream-" + std::to_string(n % 5);
        event.type = "Set";
        event.data = R"({"n":)" + std::to_string(n) + "}";
      }
      if (!store.append(*to_engine(batch))) return;
      appended = n;
    }
  });
  std::vector<uint64_t> positions;
  for (int i = 0; i < 8; i++) {
    while (appended < static_cast<uint64_t>(i) * 50) std::this_thread::yield();
    const uint64_t before = appended;
    const auto report = store.backup("/backup-" + std::to_string(i));
    if (report) positions.push_back(report->position.value);
    CHECK((report && report->position.value >= 3 * before));
  }
  is_over = true;
  writer.join();
  REQUIRE(positions.size() == 8);
  // The log goes on somewhere behind the last seal.
  const uint64_t head = store.view({})->head().value;
  opened->reset();
  REQUIRE(restore_all(disk, "/store", "/restored"));
  options.directory = "/restored";
  const auto restored = Store::open(options);
  REQUIRE(restored);
  CHECK((*restored)->view({})->head().value == head);
  for (size_t i = 0; i < positions.size(); i++) {
    options.directory = "/backup-" + std::to_string(i);
    const auto backup = Store::open(options);
    REQUIRE(backup);
    const View view = *(*backup)->view({});
    CHECK(view.head().value == positions[i]);
    CHECK(positions[i] % 3 == 0);
    for (uint64_t p = 1; p <= positions[i]; p++) {
      REQUIRE(view.at(Position{p}).data() == R"({"n":)" + std::to_string((p + 2) / 3) + "}");
    }
  }
}

TEST_CASE("a directory with something in it is no place for a backup", "[backup]") {
  BackedUp run(1);
  run.live(5);
  CHECK(run.store->backup("/store").error().code == Code::kInvalidArgument);
  REQUIRE(run.store->backup("/backup"));
  CHECK(run.store->backup("/backup").error().code == Code::kInvalidArgument);
}

TEST_CASE("what is no finished backup is not restored", "[backup]") {
  BackedUp run(1);
  run.live(5);
  REQUIRE(run.store->backup("/backup"));
  REQUIRE(run.disk.remove("/backup/segments/manifest"));
  CHECK(restore_all(run.disk, "/backup", "/restored").error().code == Code::kNotFound);
}

}  // namespace chronos::test
