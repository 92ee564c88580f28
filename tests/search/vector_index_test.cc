// The vector index of a store against the cosine of each vector in turn: over random histories, forks and bounds, with
// files lost, damaged and left behind.
#include "search/vector_index.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/chance.h"
#include "tests/support/manual_clock.h"
#include "tests/support/model_store.h"
#include "tests/support/random_vectors.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {
namespace {

constexpr size_t kDimension = 16;

// Gives what the events have, but fails when it is told to, and is not to be waited for.
class SlowVectors : public VectorSource {
 public:
  const std::string& identity() const override { return name; }
  bool is_prompt() const override { return false; }
  Result<void> take(const View& view, Position from, Position to, VectorSegmentBuilder& builder,
                    const std::stop_token& stop) override {
    const Position last{std::min(to.value, from.value + allowed)};
    allowed -= last.value - from.value;
    if (auto taken = events.take(view, from, last, builder, stop); !taken) return taken;
    if (last < to) return Error{Code::kUnavailable, "the endpoint is down", {}};
    return {};
  }
  ClientVectors events;
  std::string name = "slow";
  uint64_t allowed = 0;
};

class Indexed {
 public:
  explicit Indexed(uint64_t seed) : chance(seed), disk(seed), vectors_(chance, kDimension, 12) {
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
  void open_index(std::shared_ptr<VectorSource> source = std::make_shared<ClientVectors>()) {
    index.reset();
    VectorIndexOptions options;
    options.directory = "/index";
    options.disk = &disk;
    options.large_events = 64;
    options.graph_vectors = 200;
    options.graph = {.links = 6, .construction = 30};
    options.in_background = false;
    index = std::make_unique<VectorIndex>(*store, std::move(source), options);
  }
  void append(const std::string& fork, uint64_t events, Durability durability = Durability::kFsync) {
    clock.advance(10);
    ModelBatch batch;
    batch.head.fork = fork;
    batch.head.durability = durability;
    for (uint64_t i = 0; i < events; i++) {
      ModelEvent& event = batch.events.emplace_back();
      event.stream = "s";
      event.type = "T";
      if (chance.percent(80)) event.embedding = vectors_.next();
      if (chance.percent(2)) event.embedding = std::vector<float>(kDimension);
      if (chance.percent(3)) event.embedding = {1, 2, 3};
    }
    REQUIRE(store->append(*to_engine(batch)));
  }
  static std::vector<ScoredEvent> expected(const View& view, const std::vector<float>& query) {
    std::vector<ScoredEvent> all;
    std::vector<float> wanted(kDimension);
    REQUIRE(to_unit(query, wanted.data()));
    for (uint64_t position = 1; position <= view.head().value; position++) {
      const Event event = view.at(Position{position});
      if (event.embedding_size() != kDimension) continue;
      std::vector<float> row(kDimension);
      event.copy_embedding(row.data());
      if (!to_unit(row, row.data())) continue;
      all.push_back({Position{position}, plain_kernels().dot_floats(wanted.data(), row.data(), kDimension)});
    }
    std::sort(all.begin(), all.end(), comes_before);
    all.resize(std::min<size_t>(all.size(), 10));
    return all;
  }
  std::vector<ScoredEvent> found(const View& view, const std::vector<float>& query) {
    const VectorCover cover = index->cover(view);
    REQUIRE(cover.indexed_to == view.head());
    auto search = VectorSearch::make(cover.pieces, {query, false});
    if (!search) {
      CHECK(search.error().message.find("stored here have 3") != std::string::npos);
      return {};
    }
    return search->best(10, nullptr);
  }
  void check(const View& view) {
    for (int i = 0; i < 3; i++) {
      const std::vector<float> query = vectors_.next();
      REQUIRE(found(view, query) == expected(view, query));
    }
  }
  std::vector<float> query() { return vectors_.next(); }
  std::vector<std::string> files() {
    auto names = disk.list("/index");
    return names ? *names : std::vector<std::string>();
  }
  void index_all() {
    while (index->step() || index->step_graph()) {
    }
  }

  Chance chance;
  ManualClock clock;
  SimulatedDisk disk;
  std::unique_ptr<Store> store;
  std::unique_ptr<VectorIndex> index;

 private:
  Chance random_{3};
  RandomVectors vectors_;
};

}  // namespace

TEST_CASE("vectors as of any moment and in any fork are those of just these events", "[search][vector][model]") {
  for (const uint64_t seed : test_seeds(1, 4)) {
    INFO("CHRONOS_SEED=" << seed);
    Indexed run(seed);
    std::vector<std::string> forks = {"main"};
    for (int step = 0; step < 40; step++) {
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
      if (run.chance.percent(20)) run.index_all();
      if (run.chance.percent(5)) run.open_index();
      const View other = *run.store->view({run.chance.pick(forks), {}, {}});
      run.check(other.cut(Position{run.chance.between(0, other.head().value)}));
    }
  }
}

TEST_CASE("large vector segments are written to files, merged, given graphs, and read again", "[search][vector]") {
  Indexed run(7);
  for (int i = 0; i < 9; i++) run.append("main", 100);
  const View view = *run.store->view({});
  run.index_all();
  const VectorIndexStatus status = run.index->status();
  CHECK(status.identity == "client");
  CHECK(status.events == view.head().value);
  CHECK(status.vectors > 600);
  CHECK(status.file_bytes > 0);
  CHECK(status.segments < 12);
  CHECK(status.graphs == 1);
  CHECK(status.failure.empty());
  const std::vector<float> query = run.query();
  const auto before = run.found(view, query);
  CHECK(before == run.expected(view, query));

  run.open_index();
  CHECK(run.found(view, query) == before);
  CHECK(run.index->status().file_bytes == status.file_bytes);
  CHECK(run.index->status().graphs == 1);

  SECTION("a damaged file is deleted and made again") {
    for (const std::string& file : run.files()) run.disk.flip_bit("/index/" + file, 700, 3);
    run.open_index();
    CHECK(run.found(view, query) == before);
    CHECK(run.index->status().file_bytes == 0);
    run.index_all();
    CHECK(run.index->status().graphs == 1);
    CHECK(run.found(view, query) == before);
  }
  SECTION("a damaged graph costs only the graph") {
    for (const std::string& file : run.files()) {
      if (file.ends_with(".graph")) run.disk.flip_bit("/index/" + file, 700, 3);
    }
    run.open_index();
    CHECK(run.found(view, query) == before);
    CHECK(run.index->status().graphs == 0);
    CHECK(run.index->status().file_bytes > 0);
    run.index_all();
    CHECK(run.index->status().graphs == 1);
  }
  SECTION("all files can be deleted") {
    run.index->rebuild();
    CHECK(run.files().empty());
    CHECK(run.found(view, query) == before);
  }
  SECTION("another model does not take them") {
    auto other = std::make_shared<SlowVectors>();
    run.open_index(other);
    CHECK(run.index->cover(view).pieces.empty());
    CHECK(run.files().empty());
  }
}

TEST_CASE("what a power cut took away has no vector, and what came in its place has", "[search][vector][crash]") {
  for (const uint64_t seed : test_seeds(1, 6)) {
    INFO("CHRONOS_SEED=" << seed);
    Indexed run(seed);
    run.append("main", 200);
    for (int i = 0; i < 5; i++) run.append("main", 60, Durability::kOs);
    run.index_all();
    run.index.reset();
    run.store.reset();
    run.disk.power_cut(seed);
    run.open_store();
    run.open_index();
    run.append("main", 200);
    const View view = *run.store->view({});
    run.index_all();
    run.check(view);
    run.check(view.cut(Position{view.head().value / 2}));
  }
}

TEST_CASE("a power cut while vector files are written loses nothing", "[search][vector][crash]") {
  for (const uint64_t seed : test_seeds(1, 10)) {
    INFO("CHRONOS_SEED=" << seed);
    Indexed run(seed);
    for (int i = 0; i < 4; i++) run.append("main", 80);
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

TEST_CASE("vector files of a fork that is discarded go with it", "[search][vector]") {
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

TEST_CASE("a source that is not prompt is asked in the background alone", "[search][vector]") {
  Indexed run(4);
  auto slow = std::make_shared<SlowVectors>();
  run.open_index(slow);
  run.append("main", 50);
  const View view = *run.store->view({});
  CHECK(run.index->cover(view).indexed_to == Position{0});
  CHECK_FALSE(run.index->step());
  CHECK(run.index->status().failure == "the endpoint is down");

  slow->allowed = 20;
  CHECK(run.index->step());
  CHECK(run.index->cover(view).indexed_to == Position{20});
  CHECK(run.index->cover(view.cut(Position{7})).indexed_to == Position{7});

  // A fork has what its parent has, and nothing behind a gap.
  NewFork wanted;
  wanted.name = "try";
  wanted.from = {"main", Position{10}, {}};
  REQUIRE(run.store->create_fork(wanted));
  run.append("try", 5);
  const View fork = *run.store->view({"try", {}, {}});
  CHECK(run.index->cover(fork).indexed_to == Position{10});
  slow->allowed = 1000;
  run.index_all();
  CHECK(run.index->cover(fork).indexed_to == Position{15});
  CHECK(run.index->cover(view).indexed_to == Position{50});
  run.check(view);
  run.check(fork);
}

TEST_CASE("vectors are indexed in the background while events are appended", "[search][vector][threads]") {
  Indexed run(9);
  VectorIndexOptions options;
  options.directory = "/background";
  options.disk = &run.disk;
  options.large_events = 64;
  options.graph_vectors = 150;
  options.graph = {.links = 6, .construction = 30};
  options.begins_after = std::chrono::milliseconds(0);
  run.index = std::make_unique<VectorIndex>(*run.store, std::make_shared<ClientVectors>(), options);
  for (int i = 0; i < 8; i++) {
    run.append("main", 60);
    run.check(*run.store->view({}));
  }
  run.check(*run.store->view({}));
  run.index->rebuild();
  run.check(*run.store->view({}));
}

}  // namespace chronos::test
