// The keyword index of a store against one of the same events made at once: over random histories, forks and bounds,
// with files lost, damaged and left behind.
#include "search/text_index.h"

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/chance.h"
#include "tests/support/manual_clock.h"
#include "tests/support/model_store.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {
namespace {

class Indexed {
 public:
  explicit Indexed(uint64_t seed) : chance(seed), disk(seed) {
    open_store();
    open_index();
  }
  void open_store() {
    index.reset();
    store.reset();
    StoreOptions options;
    options.directory = "/store";
    options.disk = &disk;
    options.clock = &clock;
    options.random = &random_;
    options.seal_in_background = false;
    auto opened = Store::open(options);
    if (!opened) FAIL(opened.error().message);
    store = *std::move(opened);
  }
  void open_index(const std::string& language = "none") {
    index.reset();
    TextIndexOptions options;
    options.directory = "/index";
    options.disk = &disk;
    options.analyzer.language = language;
    options.large_events = 64;
    options.in_background = false;
    auto opened = TextIndex::open(*store, options);
    if (!opened) FAIL(opened.error().message);
    index = *std::move(opened);
  }
  void append(const std::string& fork, uint64_t events, Durability durability = Durability::kFsync) {
    clock.advance(10);
    ModelBatch batch;
    batch.head.fork = fork;
    batch.head.durability = durability;
    for (uint64_t i = 0; i < events; i++) {
      ModelEvent& event = batch.events.emplace_back();
      event.stream = "s" + std::to_string(chance.below(5));
      event.type = chance.percent(50) ? "OrderPaid" : "Note";
      event.data = "{\"text\":\"" + words() + "\",\"deep\":[{\"more\":\"" + words() + "\"},1,null]}";
    }
    REQUIRE(store->append(*to_engine(batch)));
  }
  std::string words() {
    std::string text;
    for (uint64_t n = chance.below(12); n > 0; n--)
      text += "w" + std::to_string(chance.below(chance.below(200) + 1)) + " ";
    return text;
  }
  // What an index of just these events finds.
  std::vector<ScoredEvent> expected(const View& view, const std::string& query) {
    const auto analyzer = *Analyzer::make({.language = "none"});
    TextSegmentBuilder builder(Position{0});
    Terms terms;
    for (uint64_t position = 1; position <= view.head().value; position++) {
      terms.clear();
      analyzer->add(view.at(Position{position}), terms);
      builder.add(terms);
    }
    std::vector<TextPiece> pieces;
    if (view.head().value > 0) {
      pieces.push_back({keep_in_memory(builder.finish()), static_cast<uint32_t>(view.head().value)});
    }
    return KeywordSearch(pieces, index->analyze(query), {}).best(25, nullptr);
  }
  std::vector<ScoredEvent> found(const View& view, const std::string& query) {
    return KeywordSearch(index->cover(view), index->analyze(query), {}).best(25, nullptr);
  }
  void check(const View& view) {
    for (int i = 0; i < 3; i++) {
      const std::string query = words() + "paid";
      REQUIRE(found(view, query) == expected(view, query));
    }
  }
  std::vector<std::string> files() {
    auto names = disk.list("/index");
    REQUIRE(names);
    return *names;
  }
  void index_all() {
    while (index->step()) {
    }
  }

  Chance chance;
  ManualClock clock;
  SimulatedDisk disk;
  std::unique_ptr<Store> store;
  std::unique_ptr<TextIndex> index;

 private:
  Chance random_{3};
};

}  // namespace

TEST_CASE("search as of any moment and in any fork is search of just those events", "[search][index][model]") {
  for (const uint64_t seed : test_seeds(1, 12)) {
    INFO("CHRONOS_SEED=" << seed);
    Indexed run(seed);
    std::vector<std::string> forks = {"main"};
    for (int step = 0; step < 60; step++) {
      const std::string fork = run.chance.pick(forks);
      run.append(fork, run.chance.between(1, run.chance.between(1, 80)));
      const View now = *run.store->view({fork, {}, {}});
      if (run.chance.percent(20)) {
        NewFork wanted;
        wanted.name = "f" + std::to_string(step);
        wanted.from = {fork, Position{run.chance.between(0, now.head().value)}, {}};
        REQUIRE(run.store->create_fork(wanted));
        forks.push_back(wanted.name);
      }
      if (run.chance.percent(10)) REQUIRE(run.store->seal());
      if (run.chance.percent(30)) run.index_all();
      if (run.chance.percent(5)) run.open_index();
      const View other = *run.store->view({run.chance.pick(forks), {}, {}});
      run.check(other.cut(Position{run.chance.between(0, other.head().value)}));
    }
  }
}

TEST_CASE("large segments are written to files, merged, and read again", "[search][index]") {
  Indexed run(7);
  for (int i = 0; i < 9; i++) run.append("main", 900);
  const View view = *run.store->view({});
  run.index_all();
  const TextIndexStatus status = run.index->status();
  CHECK(status.events == view.head().value);
  CHECK(status.file_bytes > 0);
  CHECK(status.segments < 12);
  CHECK(status.failure.empty());
  const auto before = run.found(view, "w1 w5 w77 paid");
  CHECK(before == run.expected(view, "w1 w5 w77 paid"));

  run.open_index();
  CHECK(run.found(view, "w1 w5 w77 paid") == before);
  CHECK(run.index->status().file_bytes == status.file_bytes);

  SECTION("a damaged file is deleted and made again") {
    const auto files = run.files();
    REQUIRE_FALSE(files.empty());
    run.disk.flip_bit("/index/" + files.front(), 5000, 3);
    run.open_index();
    CHECK(run.found(view, "w1 w5 w77 paid") == before);
    run.index_all();
    CHECK(run.index->status().file_bytes > 0);
  }
  SECTION("all files can be deleted") {
    REQUIRE(run.index->rebuild());
    CHECK(run.files().empty());
    CHECK(run.found(view, "w1 w5 w77 paid") == before);
  }
  SECTION("another analyzer does not take them") {
    run.open_index("english");
    CHECK(run.index->cover(view).size() > 0);
    CHECK(run.index->status().file_bytes == 0);
  }
}

TEST_CASE("an index that has not made a file has no directory", "[search][index]") {
  Indexed run(5);
  run.append("main", 40);
  run.index_all();
  CHECK(run.index->cover(*run.store->view({})).size() == 1);
  CHECK_FALSE(*run.disk.exists("/index"));
}

TEST_CASE("at rest an index is one segment, and few while a little is added", "[search][index]") {
  Indexed run(11);
  for (int i = 0; i < 10; i++) run.append("main", 500);
  run.index_all();
  CHECK(run.index->status().segments == 1);
  CHECK(run.files().size() == 1);
  run.append("main", 20);
  run.index_all();
  CHECK(run.index->status().segments == 2);
  for (int i = 0; i < 20; i++) {
    run.append("main", 20);
    run.index_all();
    CHECK(run.index->status().segments < 6);
  }
  const View view = *run.store->view({});
  run.check(view);
  run.check(view.cut(Position{view.head().value / 2}));
  run.open_index();
  run.check(view);
}

TEST_CASE("indexing ends when it is told to, and what is there is searched", "[search][index]") {
  Indexed run(9);
  for (int i = 0; i < 5; i++) run.append("main", 900);
  const View view = *run.store->view({});
  CHECK(run.index->covered(view).empty());
  uint64_t left = 0;
  const auto ended = run.index->cover(view, [&](uint64_t events) {
    left = events;
    return false;
  });
  CHECK_FALSE(ended.has_value());
  CHECK(left == view.head().value);
  const auto pieces = run.index->covered(view);
  REQUIRE(pieces.size() == 1);
  const View before = view.cut(Position{pieces[0].cut});
  CHECK(before.head() < view.head());
  CHECK(KeywordSearch(pieces, run.index->analyze("w1 paid"), {}).best(25, nullptr) == run.expected(before, "w1 paid"));
}

TEST_CASE("an index follows its store in the background", "[search][index][threads]") {
  Indexed run(13);
  run.index.reset();
  for (int i = 0; i < 3; i++) run.append("main", 900);
  TextIndexOptions options;
  options.directory = "/index";
  options.disk = &run.disk;
  options.analyzer.language = "none";
  options.large_events = 64;
  options.begins_after = std::chrono::milliseconds(0);
  run.index = *TextIndex::open(*run.store, options);
  const auto is_all_there = [&run](const View& view) {
    for (;;) {
      const auto pieces = run.index->covered(view);
      if (!pieces.empty() && pieces.back().segment->base().value + pieces.back().cut == view.head().value) return true;
      std::this_thread::yield();
    }
  };
  CHECK(is_all_there(*run.store->view({})));
  run.append("main", 50);
  const View view = *run.store->view({});
  CHECK(is_all_there(view));
  run.check(view);
}

TEST_CASE("what a power cut took away is not found, and what came in its place is", "[search][index][crash]") {
  for (const uint64_t seed : test_seeds(1, 20)) {
    INFO("CHRONOS_SEED=" << seed);
    Indexed run(seed);
    run.append("main", 300);
    for (int i = 0; i < 5; i++) run.append("main", 100, Durability::kOs);
    run.index_all();
    run.index.reset();
    run.store.reset();
    run.disk.power_cut(seed);
    run.open_store();
    run.open_index();
    run.append("main", 300);
    const View view = *run.store->view({});
    run.index_all();
    run.check(view);
    run.check(view.cut(Position{view.head().value / 2}));
  }
}

TEST_CASE("a power cut while files are written loses no event from search", "[search][index][crash]") {
  for (const uint64_t seed : test_seeds(1, 30)) {
    INFO("CHRONOS_SEED=" << seed);
    Indexed run(seed);
    for (int i = 0; i < 4; i++) run.append("main", 100);
    run.disk.fail_after(run.chance.between(1, 60), SimulatedDisk::Failing::kFromThenOn);
    run.index_all();
    run.disk.power_cut(seed);
    run.disk.stop_failing();
    run.index.reset();
    run.store.reset();
    run.open_store();
    run.open_index();
    run.check(*run.store->view({}));
    run.index_all();
    run.check(*run.store->view({}));
    CHECK(run.index->status().failure.empty());
  }
}

TEST_CASE("files of a fork that is discarded go with it", "[search][index]") {
  Indexed run(3);
  run.append("main", 10);
  NewFork wanted;
  wanted.name = "try";
  REQUIRE(run.store->create_fork(wanted));
  run.append("try", 90);
  run.index_all();
  CHECK(run.files().size() == 1);
  REQUIRE(run.store->discard_fork("try", "", local_principal("tester")));
  run.index_all();
  CHECK(run.files().empty());
}

}  // namespace chronos::test
