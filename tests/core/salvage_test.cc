// Salvage of damaged stores, against the model: what can be read is there as it was, and what is not is listed.
#include "core/salvage.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/store_files.h"
#include "core/verify.h"
#include "tests/support/catch.h"
#include "tests/support/chance.h"
#include "tests/support/manual_clock.h"
#include "tests/support/model_store.h"
#include "tests/support/random_history.h"
#include "tests/support/simulated_disk.h"
#include "tests/support/store_checks.h"

namespace chronos::test {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// A store of some sealed files and a log, closed.
class DamagedStore {
 public:
  explicit DamagedStore(uint64_t seed, size_t batches = 60, size_t seal_every = 15) : chance(seed), disk(seed) {
    const auto store = open("/store");
    RandomHistory history(chance);
    for (size_t i = 0; i < batches; i++) {
      clock.advance(1000);
      if (i % 20 == 10) fork(*store, history);
      const ModelBatch batch = history.batch(model);
      const ModelOutcome expected = model.decide(batch);
      if (!expected.appended || expected.appended->replayed) continue;
      const auto outcome = store->append(*to_engine(batch));
      REQUIRE(outcome);
      model.commit(batch, outcome->appended->recorded_at);
      if ((i + 1) % seal_every == 0) REQUIRE(store->seal());
    }
  }

  // Enough for the events not to lie in one page with what is read when the file is opened.
  void seal_many(const std::string& stream) {
    const auto store = open("/store");
    for (int i = 0; i < 500; i++) {
      ModelBatch batch;
      batch.events.emplace_back();
      batch.events.back().stream = stream;
      batch.events.back().type = "Set";
      batch.events.back().data = R"({"n":")" + std::to_string(chance.next()) + "\"}";
      REQUIRE(store->append(*to_engine(batch)));
    }
    REQUIRE(store->seal());
  }

  std::unique_ptr<Store> open(const std::string& directory) {
    auto opened = Store::open(options(directory));
    if (!opened) FAIL(opened.error().message);
    return *std::move(opened);
  }
  StoreOptions options(const std::string& directory) {
    StoreOptions options;
    options.directory = directory;
    options.disk = &disk;
    options.clock = &clock;
    options.random = &random;
    options.seal_in_background = false;
    options.seal_bytes = uint64_t{1} << 30;
    return options;
  }
  std::vector<std::string> files(const std::string& ending) const {
    std::vector<std::string> found;
    for (const auto& [path, bytes] : disk.files()) {
      if (path.starts_with("/store/") && path.ends_with(ending)) found.push_back(path);
    }
    return found;
  }
  void flip(const std::string& path, size_t byte) { disk.flip_bit(path, byte, 2); }

  Chance chance;
  Chance random{7};
  ManualClock clock;
  SimulatedDisk disk;
  ModelStore model;

 private:
  void fork(Store& store, RandomHistory& history) {
    const NewFork wanted = history.fork(model);
    if (!model.create_fork(wanted)) return;
    REQUIRE(store.create_fork(wanted));
  }
};

// Every event of the salvaged fork was one of the old one, in the same order, and what is missing is what was listed.
std::string check_saved(const Store& saved, const ModelStore::Fork& fork, const SalvageReport& report) {
  const auto view = saved.view({fork.name, std::nullopt, std::nullopt});
  if (!view) return view.error().message;
  ModelEvents left;
  std::map<std::string, uint32_t> versions;
  for (const ModelEvent& event : fork.events) {
    const bool is_lost = std::any_of(report.lost.begin(), report.lost.end(), [&](const LostEvents& lost) {
      const bool own = event.position > fork.position;
      const std::string owner = own ? fork.name : "main";
      return lost.fork == owner && lost.first <= event.position && event.position <= lost.last;
    });
    if (is_lost) continue;
    left.push_back(event);
    left.back().position = Position{left.size()};
    left.back().version = Version{++versions[event.stream]};
  }
  return check_view(*view, left);
}

// Forks of forks are left out of the comparison: where their parents lost something is told of the parent.
std::string check_saved(const Store& saved, const ModelStore& model, const SalvageReport& report) {
  for (const ModelStore::Fork& fork : model.forks()) {
    if (fork.discarded || (!fork.parent.empty() && fork.parent != "main")) continue;
    if (std::string problem = check_saved(saved, fork, report); !problem.empty()) return fork.name + ": " + problem;
  }
  return "";
}

}  // namespace

TEST_CASE("salvage of a store with a damaged page leaves out whole batches and lists them", "[salvage]") {
  for (const uint64_t seed : test_seeds(1, 30)) {
    INFO("CHRONOS_SEED=" << seed);
    DamagedStore store(seed);
    const auto files = store.files(".seg");
    if (files.empty()) continue;
    const std::string damaged = store.chance.pick(files);
    store.flip(damaged, store.chance.below(store.disk.contents(damaged).size()));
    const auto report = salvage("/store", store.options("/saved"), nullptr);
    if (!report) FAIL(report.error().message);
    for (const LostEvents& lost : report->lost) CHECK(has(lost.what, damaged));
    for (const std::string& damage : report->damages) CHECK(has(damage, damaged));
    const auto saved = store.open("/saved");
    REQUIRE(check_saved(*saved, store.model, *report) == "");
    CHECK(saved->verify(nullptr).problems.empty());
  }
}

TEST_CASE("a store without its manifest or with damaged changes is salvaged from what its other files say",
          "[salvage]") {
  for (const uint64_t seed : test_seeds(1, 10)) {
    INFO("CHRONOS_SEED=" << seed);
    DamagedStore store(seed);
    store.flip("/store/segments/manifest", 30);
    const auto report = salvage("/store", store.options("/saved"), nullptr);
    if (!report) FAIL(report.error().message);
    REQUIRE(report->damages.size() == 1);
    CHECK(has(report->damages.front(), "manifest"));
    CHECK(report->lost_events == 0);
    REQUIRE(check_saved(*store.open("/saved"), store.model, *report) == "");

    store.flip("/store/segments/changes", 50);  // of the record that created the store
    const auto again = salvage("/store", store.options("/saved-again"), nullptr);
    if (!again) FAIL(again.error().message);
    CHECK(again->damages.size() == 2);
    CHECK(check_saved(*store.open("/saved-again"), *store.model.find("main"), *again) == "");
  }
}

TEST_CASE("a store that lacks a file its manifest names is damaged, and salvaged without it", "[salvage]") {
  DamagedStore store(7, 0);
  store.seal_many("stream-0");
  store.seal_many("stream-1");
  const std::string gone = store.files(".seg").front();
  REQUIRE(store.disk.remove(gone));
  const auto opened = Store::open(store.options("/store"));
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == Code::kCorrupt);
  CHECK(has(opened.error().message, gone));
  const auto report = salvage("/store", store.options("/saved"), nullptr);
  REQUIRE(report);
  CHECK(report->events == 500);
  CHECK(report->lost_events == 500);
  CHECK(has(report->damages.front(), gone));
}

TEST_CASE("a wrong bit in a format version is damage, not a newer version", "[salvage]") {
  DamagedStore store(6, 0);
  store.seal_many("stream-0");
  for (const std::string& path : {std::string("/store/segments/manifest"), store.files(".seg").front()}) {
    INFO(path);
    store.flip(path, 10);
    const auto opened = Store::open(store.options("/store"));
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Code::kCorrupt);
    CHECK(has(opened.error().message, "byte 8 "));
    store.flip(path, 10);
  }
  CHECK(Store::open(store.options("/store")));
}

TEST_CASE("salvage goes on behind a damaged record of the log, and lists what was in it", "[salvage]") {
  DamagedStore store(1);
  const std::string log = store.files(".log").back();
  const size_t half = store.disk.contents(log).size() / 2;
  REQUIRE(half > 100);
  store.flip(log, half);
  REQUIRE_FALSE(Store::open(store.options("/store")));
  const auto report = salvage("/store", store.options("/saved"), nullptr);
  REQUIRE(report);
  REQUIRE(report->damages.size() == 1);
  CHECK(has(report->damages.front(), log));
  CHECK(report->lost_events > 0);
  CHECK(check_saved(*store.open("/saved"), store.model, *report) == "");
}

TEST_CASE("of a sealed file with a wrong bit only the batches of one page are lost", "[salvage]") {
  DamagedStore store(5, 0);
  store.seal_many("stream-0");
  store.seal_many("stream-1");
  store.flip(store.files(".seg")[0], 5000);
  const auto report = salvage("/store", store.options("/saved"), nullptr);
  REQUIRE(report);
  CHECK(report->damages.empty());
  CHECK(report->lost_events > 0);
  CHECK(report->lost_events < 300);
  CHECK(report->events + report->lost_events == 1000);
  REQUIRE(report->lost.size() == 1);
  CHECK(has(report->lost[0].what, "byte "));
  const auto saved = store.open("/saved");
  CHECK(saved->view({})->stream("stream-0").size() == 500 - report->lost_events);
  CHECK(saved->view({})->stream("stream-1").size() == 500);
}

TEST_CASE("salvage touches neither the damaged store nor a directory with something in it", "[salvage]") {
  DamagedStore store(2);
  const auto before = store.disk.files();
  CHECK(salvage("/store", store.options("/store"), nullptr).error().code == Code::kInvalidArgument);
  CHECK(salvage("/nothing", store.options("/saved"), nullptr).error().code == Code::kNotFound);
  CHECK(store.disk.files() == before);
  const auto open = store.open("/store");
  CHECK(salvage("/store", store.options("/saved"), nullptr).error().code == Code::kUnavailable);
}

TEST_CASE("all damaged files of a store that does not open are found, with their bytes", "[salvage]") {
  DamagedStore store(3, 200);
  const auto files = store.files(".seg");
  REQUIRE(files.size() >= 3);
  store.flip(files[0], store.disk.contents(files[0]).size() - 30);
  store.flip(files[1], 20);
  store.flip(files[2], 3);
  REQUIRE_FALSE(Store::open(store.options("/store")));
  auto read = StoreFiles::open(store.disk, "/store");
  REQUIRE(read);
  CHECK((*read)->check_pages(nullptr));
  const std::vector<std::string>& damages = (*read)->damages();
  REQUIRE(damages.size() == 3);
  for (size_t i = 0; i < 3; i++) {
    const bool is_named =
        std::any_of(damages.begin(), damages.end(), [&](const std::string& damage) { return has(damage, files[i]); });
    CHECK(is_named);
  }
  for (const std::string& damage : damages) CHECK(has(damage, "byte "));
}

TEST_CASE("the check of a store lists damage in sealed files and goes on with the rest", "[salvage]") {
  DamagedStore store(4, 0);
  for (int file = 0; file < 3; file++) store.seal_many("stream-" + std::to_string(file));
  const auto files = store.files(".seg");
  REQUIRE(files.size() == 3);
  const auto whole = store.open("/store")->verify(nullptr);
  CHECK(whole.problems.empty());
  store.flip(files[0], 20);
  store.flip(files[2], 20);
  const auto opened = store.open("/store");
  const HistoryReport report = opened->verify(nullptr);
  CHECK(report.events == whole.events);
  REQUIRE(report.problems.size() >= 2);
  CHECK(has(report.problems[0].what, files[0]));
  CHECK(has(report.problems[0].what, "byte 0"));
  const bool has_other = std::any_of(report.problems.begin(), report.problems.end(),
                                     [&](const HistoryProblem& problem) { return has(problem.what, files[2]); });
  CHECK(has_other);
}

TEST_CASE("a damaged segment keeps others from merging, not from being sealed", "[salvage][sealed]") {
  DamagedStore store(6, 0);
  for (int file = 0; file < 7; file++) store.seal_many("stream-" + std::to_string(file));
  const auto files = store.files(".seg");
  REQUIRE(files.size() == 7);
  store.flip(files[0], 5000);
  const auto opened = store.open("/store");
  for (uint64_t more = 0; more < 2; more++) {
    ModelBatch batch;
    batch.events.emplace_back();
    batch.events.back().stream = "more";
    batch.events.back().type = "Set";
    REQUIRE(opened->append(*to_engine(batch)));
    REQUIRE(opened->seal());
    const StoreStatus status = opened->status();
    CHECK(status.segments == 8 + more);
    CHECK(status.log_bytes == 0);
    CHECK(has(status.sealing_failure, files[0]));
  }
  CHECK(opened->view({})->stream("more").size() == 2);
}

}  // namespace chronos::test
