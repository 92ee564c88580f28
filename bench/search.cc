// Keyword search of the events of bench/search_workload.h: how fast they are indexed, what the index takes, how long
// queries take - of main now, as of half of its history, in a fork - and what indexing beside them costs appends that
// are durable.
#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <optional>

#include "bench/fill.h"
#include "bench/measure.h"
#include "bench/parts.h"
#include "bench/query_times.h"
#include "bench/search_workload.h"
#include "core/store.h"
#include "search/keyword_search.h"
#include "search/text_index.h"

namespace chronos::bench {
namespace {

constexpr size_t kForkEvents = 10'000;
constexpr size_t kBatch = 1000;
constexpr size_t kBest = 10;
constexpr const char* kFork = "other";

using Kind = SearchWorkload::Kind;

void append_message(BatchBuilder& builder, const SearchWorkload::Message& message) {
  const std::string data = R"({"text":")" + message.text + R"("})";
  NewEvent event;
  event.stream = message.stream;
  event.type = message.type;
  event.data = data;
  if (auto added = builder.add(event); !added) die(added.error().message);
}

Batch make_batch(const Store& store, const SearchWorkload& workload, size_t from, size_t to, BatchHead head) {
  BatchBuilder builder(store.limits());
  builder.begin(std::move(head));
  for (size_t i = from; i < to; i++) append_message(builder, workload.message(i));
  auto batch = builder.finish();
  if (!batch) die(batch.error().message);
  return *std::move(batch);
}

void append_messages(Store& store, const SearchWorkload& workload, const std::string& fork, size_t from, size_t to) {
  for (size_t i = from; i < to; i += kBatch) {
    BatchHead head;
    head.fork = fork;
    head.durability = Durability::kOs;
    auto done = store.append(make_batch(store, workload, i, std::min(to, i + kBatch), std::move(head)));
    if (!done) die(done.error().message);
  }
}

std::unique_ptr<TextIndex> open_index(const Store& store, const std::string& directory, bool in_background) {
  TextIndexOptions options;
  options.directory = directory + "/search";
  options.in_background = in_background;
  auto index = TextIndex::open(store, options);
  if (!index) die(index.error().message);
  return *std::move(index);
}

std::unique_ptr<Store> open_store(const std::string& directory) {
  StoreOptions options;
  options.directory = directory;
  auto store = Store::open(options);
  if (!store) die(store.error().message);
  return *std::move(store);
}

// The store with its index, kept for those who search it.
void build(const std::string& directory, const SearchWorkload& workload, const std::string& config) {
  const auto store = fresh_store(directory);
  append_messages(*store, workload, "main", 0, workload.events());
  {
    const auto index = open_index(*store, directory, false);
    const uint64_t wall = now_ns();
    const uint64_t cpu = thread_cpu_ns();
    while (index->step()) {
    }
    const auto events = static_cast<double>(workload.events());
    emit("search_index", config + " clock=cpu", events / static_cast<double>(thread_cpu_ns() - cpu) * 1e9, "events/s");
    emit("search_index", config + " clock=wall", events / static_cast<double>(now_ns() - wall) * 1e9, "events/s");
    const TextIndexStatus status = index->status();
    emit("search_bytes_per_event", config, static_cast<double>(status.memory_bytes + status.file_bytes) / events, "B");
    emit("search_segments", config, static_cast<double>(status.segments), "segments");
  }
  NewFork fork;
  fork.name = kFork;
  if (auto made = store->create_fork(fork); !made) die(made.error().message);
  append_messages(*store, workload, kFork, workload.events(), workload.events() + kForkEvents);
  if (auto sealed = store->seal(); !sealed) die(sealed.error().message);
  const auto index = open_index(*store, directory, false);
  while (index->step()) {
  }
}

class Asked {
 public:
  Asked(const Store& store, TextIndex& index, Address address)
      : store_(store), index_(index), address_(std::move(address)) {}
  void operator()(const std::string& query) const {
    const auto view = store_.view(address_);
    const KeywordSearch search(index_.cover(*view), index_.analyze(query), Bm25{});
    keep(search.best(kBest, nullptr).size());
  }

 private:
  const Store& store_;
  TextIndex& index_;
  const Address address_;
};

void ask(const std::string& directory, const SearchWorkload& workload, double seconds, const std::string& events) {
  const uint64_t before = resident_bytes();
  const auto store = open_store(directory);
  const auto index = open_index(*store, directory, false);
  const Asked now(*store, *index, {});
  const Asked half(*store, *index, {"main", Position{workload.events() / 2}, {}});
  const Asked fork(*store, *index, {kFork, {}, {}});
  for (const Kind kind : {Kind::kFull, Kind::kShort}) {
    const auto times = time_queries(workload.queries(kind, kSearchQueries), seconds, {now, half, fork});
    const std::string figure = "search_" + std::string(name_of(kind));
    times[0].emit_us(figure, events + " at=now");
    times[1].emit_us(figure, events + " at=half");
    times[2].emit_us(figure, events + " at=fork");
  }
  emit("search_memory", events, static_cast<double>(resident_bytes() - before) / 1048576.0, "MiB");
}

// Durable appends of one producer, with or without an index that tails them.
struct Ingest {
  Latencies appends;
  uint64_t longest = 0;
  uint64_t ns = 0;
  size_t events = 0;

  void run(const std::string& directory, const SearchWorkload& workload, double seconds, bool is_indexed) {
    const auto store = fresh_store(directory);
    std::unique_ptr<TextIndex> index;
    if (is_indexed) index = open_index(*store, directory, true);
    const uint64_t start = now_ns();
    for (size_t i = 0; static_cast<double>(now_ns() - start) < seconds * 1e9; i += kBatch) {
      Batch batch = make_batch(*store, workload, i, i + kBatch, BatchHead{});
      const uint64_t begin = now_ns();
      if (auto done = store->append(std::move(batch)); !done) die(done.error().message);
      const uint64_t took = now_ns() - begin;
      appends.add(took);
      longest = std::max(longest, took);
      ns += took;
      events += kBatch;
    }
  }
};

void ingest(const std::string& directory, const SearchWorkload& workload, double seconds) {
  constexpr int kTurns = 3;
  std::array<Ingest, 2> runs;
  for (int turn = 0; turn < kTurns; turn++) {
    for (const int which : {turn % 2, 1 - turn % 2}) {
      runs.at(static_cast<size_t>(which)).run(directory, workload, seconds, which == 1);
    }
  }
  for (const bool is_indexed : {false, true}) {
    Ingest& run = runs.at(is_indexed ? 1 : 0);
    const std::string config = std::string("durable=fsync batch=1000 index=") + (is_indexed ? "background" : "none");
    emit("search_ingest", config, static_cast<double>(run.events) / static_cast<double>(run.ns) * 1e9, "events/s");
    run.appends.emit_us("search_ingest_batch", config);
    emit("search_ingest_longest", config, static_cast<double>(run.longest) / 1e6, "ms");
  }
}

}  // namespace

void measure_search(const Setting& setting, const Workload& workload) {
  const size_t events = setting.search_events == 0 ? workload.lines.size() : setting.search_events;
  const std::string directory = setting.directory + "/search";
  const std::string config = "events=" + std::to_string(events);
  const SearchWorkload messages(events);
  run_apart([&] { build(directory, messages, config); });
  run_apart([&] { ask(directory, messages, setting.seconds, config); });
  run_apart([&] { ingest(directory, messages, setting.seconds); });
  std::filesystem::remove_all(directory);
}

}  // namespace chronos::bench
