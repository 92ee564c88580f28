// Search by vectors that events came with: how fast they are indexed and get their graphs, what that takes, and how
// long the ten nearest take and how many of the true ten they are - of main now, as of half of its history, and of one
// of 2, 10 or 100 events.  Each is asked in the way that is chosen, and in those that it is chosen from.
#include "bench/vector_workload.h"

#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/fill.h"
#include "bench/measure.h"
#include "bench/parts.h"
#include "bench/query_times.h"
#include "core/store.h"
#include "search/vector_index.h"
#include "search/vector_search.h"

namespace chronos::bench {
namespace {

constexpr size_t kBest = 10;
constexpr size_t kBatch = 500;
constexpr uint64_t kFew = 8;  // as of a rule that a bitmap is made of (search/event_selection.cc)
constexpr double kMuch = 1e12;

void append_vectors(Store& store, const VectorWorkload& workload) {
  for (size_t i = 0; i < workload.size(); i += kBatch) {
    BatchBuilder builder(store.limits());
    BatchHead head;
    head.durability = Durability::kOs;
    builder.begin(std::move(head));
    for (size_t n = i; n < std::min(workload.size(), i + kBatch); n++) {
      const std::vector<float> vector = workload.vector(n);
      NewEvent event;
      event.stream = "vectors";
      event.type = "Vector";
      event.data = "{}";
      event.embedding = vector;
      if (auto added = builder.add(event); !added) die(added.error().message);
    }
    auto batch = builder.finish();
    if (!batch) die(batch.error().message);
    if (auto done = store.append(*std::move(batch)); !done) die(done.error().message);
  }
}

std::unique_ptr<VectorIndex> open_index(const Store& store, const std::string& directory) {
  VectorIndexOptions options;
  options.directory = directory + "/search";
  options.in_background = false;
  return std::make_unique<VectorIndex>(store, std::make_shared<ClientVectors>(), options);
}

void build(const std::string& directory, const VectorWorkload& workload, const std::string& config) {
  const auto store = fresh_store(directory);
  append_vectors(*store, workload);
  const auto index = open_index(*store, directory);
  const auto count = static_cast<double>(workload.size());
  const uint64_t before = thread_cpu_ns();
  while (index->step()) {
  }
  const uint64_t indexed = thread_cpu_ns();
  while (index->step_graph()) {
  }
  const uint64_t made = thread_cpu_ns();
  const VectorIndexStatus status = index->status();
  if (!status.failure.empty()) die(status.failure);
  emit("vector_index", config + " clock=cpu", count / static_cast<double>(indexed - before) * 1e9, "vectors/s");
  emit("vector_index_and_graphs", config + " clock=cpu", count / static_cast<double>(made - before) * 1e9, "vectors/s");
  emit("vector_segments", config, static_cast<double>(status.segments), "segments");
  emit("vector_graphs", config, static_cast<double>(status.graphs), "graphs");
  emit("vector_bytes", config, static_cast<double>(status.memory_bytes + status.file_bytes) / count, "B");
}

struct Way {
  const char* name;
  bool exact;
  VectorCosts costs;
};

struct Moment {
  std::string name;
  Address at;
  uint64_t keeps_one_of = 1;
};

class Asked {
 public:
  Asked(const VectorWorkload& workload, VectorIndex& index, const View& view, uint64_t keeps_one_of)
      : index_(index), view_(view) {
    for (size_t query = 0; query < kVectorQueries; query++) queries_.push_back(workload.query(query));
    // No neighbours: one of so many, at places that follow no order.  Of few the positions are known, as a store has
    // lists of them; whether one of many is kept is asked when it is met.
    if (keeps_one_of == 1) return;
    const auto keeps = [keeps_one_of](Position position) { return Dice(position.value).next() % keeps_one_of == 0; };
    if (keeps_one_of < kFew) {
      selection_.filter = keeps;
      return;
    }
    for (uint64_t position = 1; position <= view.head().value; position++) {
      if (keeps(Position{position})) kept_.push_back(position);
    }
  }
  std::vector<ScoredEvent> best(size_t query, const Way& way) const {
    auto search = VectorSearch::make(index_.cover(view_).pieces, {queries_[query], way.exact, way.costs});
    if (!search) die(search.error().message);
    if (kept_.empty()) return search->best(kBest, selection_);
    std::vector<uint64_t> bits(view_.head().value / 64 + 1);
    for (const uint64_t position : kept_) bits[(position - 1) / 64] |= uint64_t{1} << (position - 1) % 64;
    return search->best(kBest, VectorSelection{Position{1}, view_.head(), bits, nullptr});
  }

 private:
  std::vector<std::vector<float>> queries_;
  VectorIndex& index_;
  const View view_;
  VectorSelection selection_;
  std::vector<uint64_t> kept_;
};

double recall(const std::vector<ScoredEvent>& found, const std::vector<ScoredEvent>& wanted) {
  size_t same = 0;
  for (const ScoredEvent& event : wanted) {
    same += std::any_of(found.begin(), found.end(), [&](const auto& each) { return each.position == event.position; });
  }
  return wanted.empty() ? 1 : static_cast<double>(same) / static_cast<double>(wanted.size());
}

void ask_at(const Moment& moment, const VectorWorkload& workload, const Store& store, VectorIndex& index,
            double seconds, const std::string& config) {
  const std::vector<Way> ways = {
      {"chosen", false, {}}, {"walk", false, {0, 1 / kMuch, 1}}, {"scan", false, {kMuch, 1, 1}}, {"exact", true, {}}};
  const Asked asked(workload, index, *store.view(moment.at), moment.keeps_one_of);
  std::vector<double> recalls(ways.size());
  std::vector<std::string> queries;
  for (size_t query = 0; query < kVectorQueries; query++) {
    queries.push_back(std::to_string(query));
    const auto wanted = asked.best(query, ways.back());
    for (size_t i = 0; i < ways.size(); i++) recalls[i] += recall(asked.best(query, ways[i]), wanted);
  }
  std::vector<Ask> asks;
  for (const Way& way : ways) {
    asks.emplace_back([&asked, &way](const std::string& query) { keep(asked.best(std::stoul(query), way).size()); });
  }
  // Apart from the exact one, which leaves nothing of what the others need in the caches.
  const Ask exact = std::move(asks.back());
  asks.pop_back();
  auto times = time_queries(queries, seconds, asks);
  times.push_back(time_queries(queries, seconds / 2, {exact}).front());
  for (size_t i = 0; i < ways.size(); i++) {
    const std::string which = config + " " + moment.name + " way=" + ways[i].name;
    times[i].emit_us("vector_query", which);
    emit("vector_recall", which, recalls[i] / static_cast<double>(kVectorQueries), "of 10");
  }
}

void ask(const std::string& directory, const VectorWorkload& workload, double seconds, const std::string& config) {
  const uint64_t before = resident_bytes();
  StoreOptions options;
  options.directory = directory;
  auto store = Store::open(options);
  if (!store) die(store.error().message);
  const auto index = open_index(**store, directory);
  const std::vector<Moment> moments = {
      {"at=now keep=100%", {}, 1},
      {"at=half keep=100%", {"main", Position{workload.size() / 2}, {}}, 1},
      {"at=tenth keep=100%", {"main", Position{workload.size() / 10}, {}}, 1},
      {"at=now keep=50%", {}, 2},
      {"at=now keep=10%", {}, 10},
      {"at=now keep=1%", {}, 100},
  };
  const VectorCover cover = index->cover(*(*store)->view({}));
  keep(cover.pieces.size());
  for (const Moment& moment : moments) {
    ask_at(moment, workload, **store, *index, seconds, config);
    if (&moment == &moments.front()) {
      emit("vector_memory", config, static_cast<double>(resident_bytes() - before) / 1048576.0, "MiB");
    }
  }
}

}  // namespace

void measure_vectors(const Setting& setting, const Workload& workload) {
  const size_t events = setting.search_events == 0 ? workload.lines.size() : setting.search_events;
  const bool stays = !setting.vector_store.empty();
  const std::string directory = stays ? setting.vector_store : setting.directory + "/vectors";
  const VectorWorkload vectors = setting.vector_file.empty()
                                     ? VectorWorkload(events, setting.vector_dimension)
                                     : VectorWorkload::read(setting.vector_file, setting.search_events);
  const std::string config =
      "events=" + std::to_string(vectors.size()) + " dimension=" + std::to_string(vectors.dimension());
  if (!stays || !std::filesystem::exists(directory)) {
    const std::string making = directory + ".new";
    run_apart([&] { build(making, vectors, config); });
    std::filesystem::remove_all(directory);
    std::filesystem::rename(making, directory);
  }
  run_apart([&] { ask(directory, vectors, setting.seconds, config); });
  if (!stays) std::filesystem::remove_all(directory);
}

}  // namespace chronos::bench
