// How many of the ten nearest vectors are found, against the cosine of each in turn: as of every share of history, in
// a fork of a fork of a fork, and of what filters keep - in the way that is chosen, and by graphs alone.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "search/vector_index.h"
#include "tests/support/catch.h"
#include "tests/support/chance.h"
#include "tests/support/manual_clock.h"
#include "tests/support/model_store.h"
#include "tests/support/random_vectors.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {
namespace {

constexpr size_t kDimension = 16;
constexpr size_t kBest = 10;
constexpr double kEnough = 0.95;
// So cheap that every graph is walked, whatever it saves.
constexpr VectorCosts kWalksAlways{.looks = 0, .look = 1e-9};
// As if a walk cost little: large graphs are walked, as they are at a hundred times the size, and the rest is scanned.
constexpr VectorCosts kWalksLarge{.looks = 4, .look = 1.5};

// A store with forks three deep, whose vectors are in segments of all sizes, the larger ones with graphs.
class History {
 public:
  explicit History(uint64_t seed) : random_(seed), chance_(seed), disk_(seed), vectors_(chance_, kDimension, 40) {
    StoreOptions options;
    options.directory = "/store";
    options.disk = &disk_;
    options.clock = &clock_;
    options.random = &random_;
    options.seal_in_background = false;
    auto opened = Store::open(options);
    if (!opened) FAIL(opened.error().message);
    store_ = *std::move(opened);
    append("main", 2400);
    fork("one", "main", 1500);
    append("one", 600);
    fork("two", "one", 1900);
    append("two", 500);
    fork("three", "two", 2300);
    append("three", 500);
    VectorIndexOptions indexed;
    indexed.directory = "/index";
    indexed.disk = &disk_;
    indexed.large_events = 64;
    indexed.graph_vectors = 250;
    indexed.graph = {.links = 8, .construction = 50};
    indexed.in_background = false;
    index_ = std::make_unique<VectorIndex>(*store_, std::make_shared<ClientVectors>(), indexed);
    while (index_->step() || index_->step_graph()) {
    }
  }
  View view(const std::string& fork) const { return *store_->view({fork, {}, {}}); }
  std::vector<VectorPiece> pieces(const View& view) {
    VectorCover cover = index_->cover(view);
    REQUIRE(cover.indexed_to == view.head());
    return std::move(cover.pieces);
  }
  std::vector<float> query() { return vectors_.next(); }
  uint64_t graphs() const { return index_->status().graphs; }

 private:
  void append(const std::string& fork, uint64_t events) {
    for (uint64_t done = 0; done < events; done += 100) {
      clock_.advance(10);
      ModelBatch batch;
      batch.head.fork = fork;
      for (int i = 0; i < 100; i++) {
        ModelEvent& event = batch.events.emplace_back();
        event.stream = "s";
        event.type = "T";
        if (chance_.percent(95)) event.embedding = vectors_.next();
      }
      REQUIRE(store_->append(*to_engine(batch)));
    }
  }
  void fork(const std::string& name, const std::string& parent, uint64_t at) {
    NewFork wanted;
    wanted.name = name;
    wanted.from = {parent, Position{at}, {}};
    REQUIRE(store_->create_fork(wanted));
  }

  Chance random_;
  Chance chance_;
  ManualClock clock_;
  SimulatedDisk disk_;
  RandomVectors vectors_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<VectorIndex> index_;
};

// What is kept of a view, in its order: the vector that the store has, and where.
struct Known {
  Position position;
  std::vector<float> row;
};

std::vector<Known> known_of(const View& view) {
  std::vector<Known> all;
  for (uint64_t position = 1; position <= view.head().value; position++) {
    const Event event = view.at(Position{position});
    if (event.embedding_size() != kDimension) continue;
    std::vector<float> row(float_stride(kDimension));
    event.copy_embedding(row.data());
    if (to_unit(std::vector<float>(row.begin(), row.begin() + kDimension), row.data())) {
      all.push_back({Position{position}, std::move(row)});
    }
  }
  return all;
}

struct Asked {
  uint64_t percent_of_history;
  std::string filter_name;
  std::function<bool(const Known&)> keeps;  // null: all
};

// What is asked of every view.  The last two keep what points one way, however far from there the query is: where a
// graph is entered nothing counts then.
std::vector<Asked> all_asked() {
  const auto every = [](uint64_t n) { return [n](const Known& each) { return each.position.value * 7 % n == 0; }; };
  const auto beyond = [](float least) { return [least](const Known& each) { return each.row[0] > least; }; };
  const std::vector<Asked> filters = {{0, "all", nullptr},       {0, "one of 2", every(2)},
                                      {0, "one of 10", every(10)}, {0, "one of 100", every(100)},
                                      {0, "one side", beyond(0)},  {0, "one corner", beyond(0.45F)}};
  std::vector<Asked> asked;
  for (const uint64_t percent : {1, 5, 20, 50, 100}) {
    for (Asked each : filters) {
      each.percent_of_history = percent;
      asked.push_back(each);
    }
  }
  return asked;
}

std::vector<Position> nearest(const std::vector<Known>& known, Position head, const Asked& asked,
                              const std::vector<float>& query) {
  std::vector<float> wanted(float_stride(kDimension));
  REQUIRE(to_unit(query, wanted.data()));
  std::vector<ScoredEvent> all;
  for (const Known& each : known) {
    if (each.position > head) break;
    if (asked.keeps && !asked.keeps(each)) continue;
    all.push_back({each.position, plain_kernels().dot_floats(wanted.data(), each.row.data(), wanted.size())});
  }
  const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(kBest, all.size()));
  std::partial_sort(all.begin(), end, all.end(), comes_before);
  std::vector<Position> best;
  for (auto each = all.begin(); each != end; ++each) best.push_back(each->position);
  return best;
}

// Of all queries of a way: how many were asked, and how many walked.
struct Walks {
  size_t asked = 0;
  size_t walked = 0;
};

// Demands enough of every bound and filter by itself, over ten queries.
Walks check_recall(History& history, const std::string& fork, const VectorCosts& costs) {
  Walks walks;
  const View whole = history.view(fork);
  const std::vector<Known> known = known_of(whole);
  std::vector<bool> keeps(whole.head().value + 1);
  for (const Asked& asked : all_asked()) {
    const View view = whole.cut(Position{std::max<uint64_t>(1, whole.head().value * asked.percent_of_history / 100)});
    for (const Known& each : known) keeps[each.position.value] = !asked.keeps || asked.keeps(each);
    VectorSearch::Filter filter;
    if (asked.keeps) filter = [&keeps](Position position) { return keeps[position.value]; };
    size_t right = 0;
    size_t wanted = 0;
    for (int i = 0; i < 10; i++) {
      const std::vector<float> query = history.query();
      const auto search = VectorSearch::make(history.pieces(view), {query, false, costs});
      REQUIRE(search);
      const auto found = search->best(kBest, filter);
      for (const ScoredEvent& each : found) REQUIRE((each.position <= view.head() && keeps[each.position.value]));
      for (const Position position : nearest(known, view.head(), asked, query)) {
        wanted++;
        right += std::any_of(found.begin(), found.end(),
                             [&](const ScoredEvent& each) { return each.position == position; })
                     ? 1
                     : 0;
      }
      walks.asked++;
      walks.walked += search->is_approximate() ? 1 : 0;
    }
    INFO(fork << " as of " << asked.percent_of_history << " %, " << asked.filter_name << ": " << right << " of "
              << wanted);
    CHECK(static_cast<double>(right) >= kEnough * static_cast<double>(wanted));
  }
  return walks;
}

}  // namespace

TEST_CASE("95 of 100 nearest vectors are found at any bound, three forks deep, with any filter",
          "[search][vector][recall]") {
  for (const uint64_t seed : test_seeds(1, 1)) {
    INFO("CHRONOS_SEED=" << seed);
    History history(seed);
    REQUIRE(history.graphs() >= 4);
    for (const std::string fork : {"main", "three"}) {
      // So few vectors are scanned.
      CHECK(check_recall(history, fork, {}).walked == 0);
      // But where the filter seems to keep nothing.
      const Walks always = check_recall(history, fork, kWalksAlways);
      CHECK(always.walked > always.asked * 4 / 5);
      const Walks some = check_recall(history, fork, kWalksLarge);
      CHECK(some.walked > some.asked / 10);
      CHECK(some.walked < some.asked);
    }
  }
}

}  // namespace chronos::test
