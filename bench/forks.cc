// What a fork costs: to make one in a small and in a large store, beside a single durable append in the same loop,
// which writes to the log once too; and what 1,000 of them cost a store that goes on.
#include <memory>
#include <vector>

#include "bench/fill.h"
#include "bench/measure.h"
#include "bench/parts.h"
#include "core/store.h"

namespace chronos::bench {
namespace {

// So many events, the workload again and again under other names.
void fill(Store& store, const Workload& workload, size_t events) {
  for (size_t done = 0; done < events;) {
    const size_t count = std::min(workload.lines.size(), events - done);
    append_lines(store, workload, 0, count, done == 0 ? "" : std::to_string(done) + "-");
    done += count;
  }
}

void create_fork(Store& store, const std::string& name, Position at) {
  NewFork fork;
  fork.name = name;
  fork.from.position = at;
  if (auto made = store.create_fork(fork); !made) die(made.error().message);
}

void append_one(Store& store, Durability durability) {
  BatchBuilder builder(store.limits());
  BatchHead head;
  head.durability = durability;
  builder.begin(std::move(head));
  NewEvent event;
  event.stream = "beside";
  event.type = "Appended";
  event.data = R"({"text":"a small event, as the record of a fork is small"})";
  if (auto added = builder.add(event); !added) die(added.error().message);
  const auto outcome = store.append(*builder.finish());
  if (!outcome) die(outcome.error().message);
}

void measure_creation(const Setting& setting, const Workload& workload, size_t events) {
  constexpr size_t kForks = 300;
  auto store = fresh_store(setting.directory + "/forks");
  fill(*store, workload, events);
  store->mark_quiet();
  const std::string config = "events=" + std::to_string(events) + " durable=fsync";
  Latencies creations;
  Latencies appends;
  uint64_t bytes = 0;
  Dice dice(1);
  for (size_t i = 0; i < kForks; i++) {
    const uint64_t before = store->status().log_bytes;
    const uint64_t start = now_ns();
    create_fork(*store, "fork-" + std::to_string(i), Position{dice.below(events + 1)});
    creations.add(now_ns() - start);
    bytes += store->status().log_bytes - before;
    const uint64_t next = now_ns();
    append_one(*store, Durability::kFsync);
    appends.add(now_ns() - next);
  }
  creations.emit_us("fork_create", config);
  appends.emit_us("fork_append_beside", config);
  emit("fork_log_bytes", config, static_cast<double>(bytes) / kForks, "B");
}

double append_rate(Store& store, const Workload& workload, const std::string& prefix) {
  constexpr size_t kEvents = 20'000;
  const uint64_t start = now_ns();
  append_lines(store, workload, 0, std::min(kEvents, workload.lines.size()), prefix);
  return static_cast<double>(std::min(kEvents, workload.lines.size())) / static_cast<double>(now_ns() - start) * 1e9;
}

double stream_read_us(const Store& store, const Workload& workload) {
  Latencies reads;
  std::string copy;
  for (const std::string& stream : workload.hundred_streams) {
    for (int i = 0; i < 50; i++) {
      const uint64_t start = now_ns();
      copy.clear();
      const auto view = store.view({});
      const PositionList events = view->stream(stream);
      for (size_t k = 0; k < events.size(); k++) copy.append(events.event(k).data());
      reads.add(now_ns() - start);
    }
  }
  return reads.percentile_us(0.5);
}

// Two stores with the same events, one with 1,000 forks, measured in turn.
void measure_live_forks(const Setting& setting, const Workload& workload) {
  constexpr size_t kForks = 1000;
  constexpr int kTurns = 15;
  auto plain = fresh_store(setting.directory + "/forks-plain");
  auto forked = fresh_store(setting.directory + "/forks-many");
  for (Store* store : {plain.get(), forked.get()}) fill(*store, workload, workload.lines.size());
  const uint64_t before = resident_bytes();
  Dice dice(2);
  for (size_t i = 0; i < kForks; i++) {
    create_fork(*forked, "fork-" + std::to_string(i), Position{dice.below(workload.lines.size() + 1)});
  }
  emit("fork_memory", "forks=1000", static_cast<double>(resident_bytes() - before) / kForks, "B");
  std::vector<double> appends;
  std::vector<double> reads;
  for (int turn = 0; turn < kTurns; turn++) {
    const std::string prefix = "turn-" + std::to_string(turn) + "-";
    const bool plain_first = turn % 2 == 0;
    Store& first = plain_first ? *plain : *forked;
    Store& second = plain_first ? *forked : *plain;
    double rate = append_rate(first, workload, prefix) / append_rate(second, workload, prefix);
    appends.push_back(plain_first ? 1 / rate : rate);
    double time = stream_read_us(first, workload) / stream_read_us(second, workload);
    reads.push_back(plain_first ? 1 / time : time);
  }
  const auto median = [](std::vector<double>& values) {
    std::nth_element(values.begin(), values.begin() + kTurns / 2, values.end());
    return values[kTurns / 2];
  };
  emit("append_with_1000_forks", "against none", median(appends), "x");
  emit("stream_read_with_1000_forks", "against none", median(reads), "x");
}

}  // namespace

void measure_forks(const Setting& setting, const Workload& workload) {
  measure_live_forks(setting, workload);
  measure_creation(setting, workload, 1000);
  measure_creation(setting, workload, setting.fork_events);
}

}  // namespace chronos::bench
