// What a producer does here is what an import does with its lines, and the server with append_events: check the JSON,
// decode the events, encode the batch, append, wait for the acknowledgement.  Closed loop: the next batch starts when
// the one before is acknowledged.
#include <atomic>
#include <filesystem>
#include <memory>

#include "bench/fill.h"
#include "bench/measure.h"
#include "bench/parts.h"
#include "core/event_json.h"
#include "core/store.h"
#include "core/valid_json.h"

namespace chronos::bench {
namespace {

struct Case {
  unsigned producers;
  size_t batch;
  Durability durability;
  bool conditional = false;  // each batch under a condition, with a request id
};

std::string name_of(const Case& c) {
  return "producers=" + std::to_string(c.producers) + " batch=" + std::to_string(c.batch) +
         (c.durability == Durability::kFsync ? " durable=fsync" : " durable=no") +
         (c.conditional ? " conditions=on request_id=on" : "");
}

class Producer {
 public:
  Producer(Store& store, const Workload& workload, const Case& c)
      : store_(store),
        workload_(workload),
        case_(c),
        decoder_(store.limits(), EventSource::kClient),
        builder_(store.limits()) {}

  void append(size_t from, size_t count) {
    BatchHead head;
    head.durability = case_.durability;
    if (case_.conditional) {
      head.request_id = "bench-" + std::to_string(from);
      Condition absent;
      absent.kind = Condition::Kind::kStreamVersion;
      absent.stream = "absent-" + std::to_string(from);
      head.conditions.push_back(absent);
    }
    builder_.begin(std::move(head));
    const std::string_view last = workload_.lines[from + count - 1];
    scan_.begin({workload_.lines[from].data(), last.data() + last.size()});
    for (size_t i = from; i < from + count; i++) {
      const auto event = decode(workload_.lines[i]);
      if (!event) die(event.error().message);
      if (auto added = builder_.add(*event); !added) die(added.error().message);
    }
    auto batch = builder_.finish();
    if (!batch) die(batch.error().message);
    const auto outcome = store_.append(std::move(*batch));
    if (!outcome) die(outcome.error().message);
    if (!outcome->appended) die("a condition failed that holds");
  }

 private:
  Result<NewEvent> decode(std::string_view line) {
    const size_t depth = store_.limits().json_depth + 1;
    if (scan_.take(line, depth) && !scan_.members().empty()) return decoder_.decode(scan_.members());
    const auto json = validate_json(line, depth);
    return json ? decoder_.decode(*json) : json.error();
  }

  Store& store_;
  const Workload& workload_;
  const Case& case_;
  JsonScan scan_;
  EventDecoder decoder_;
  BatchBuilder builder_;
};

void measure(const Setting& setting, const Workload& workload, const Case& c) {
  auto store = fresh_store(setting.directory + "/appends");
  const size_t share = workload.lines.size() / c.producers;
  std::vector<Latencies> latencies(c.producers);
  std::atomic<size_t> done{0};
  const uint64_t stop = now_ns() + static_cast<uint64_t>(setting.seconds * 1e9);
  const uint64_t cpu = cpu_ns();
  const uint64_t took = in_parallel(c.producers, [&](unsigned number) {
    Producer producer(*store, workload, c);
    size_t i = number * share;
    const size_t end = i + share;
    while (i < end && now_ns() < stop) {
      const size_t count = std::min(c.batch, end - i);
      const uint64_t start = now_ns();
      producer.append(i, count);
      latencies[number].add(now_ns() - start);
      i += count;
      done.fetch_add(count, std::memory_order_relaxed);
    }
  });
  for (unsigned i = 1; i < c.producers; i++) latencies[0].merge(latencies[i]);
  const std::string config = name_of(c);
  const auto events = static_cast<double>(done.load());
  emit("append", config, events / static_cast<double>(took) * 1e9, "events/s");
  emit("append_cpu", config, static_cast<double>(cpu_ns() - cpu) / events, "ns/event");
  latencies[0].emit_us("append_batch", config);
}

}  // namespace

void measure_burst(const Setting& setting, const Workload& workload) {
  constexpr unsigned kThreads = 8;
  constexpr size_t kEach = 250;
  const Case c{kThreads, 1, Durability::kOs};
  auto store = fresh_store(setting.directory + "/appends");
  Latencies whole;
  const size_t rounds = std::min<size_t>(40, workload.lines.size() / (kThreads * kEach));
  for (size_t round = 0; round < rounds; round++) {
    std::vector<std::unique_ptr<Producer>> producers;
    for (unsigned i = 0; i < kThreads; i++) producers.push_back(std::make_unique<Producer>(*store, workload, c));
    whole.add(in_parallel(kThreads, [&](unsigned number) {
      const size_t from = (round * kThreads + number) * kEach;
      for (size_t i = 0; i < kEach; i++) producers[number]->append(from + i, 1);
    }));
  }
  emit("burst_8x250_p50", "durable=no", whole.percentile_us(0.50) / 1e3, "ms");
  emit("burst_8x250_p99", "durable=no", whole.percentile_us(0.99) / 1e3, "ms");
}

void measure_appends(const Setting& setting, const Workload& workload) {
  for (const Durability durability : {Durability::kFsync, Durability::kOs}) {
    for (const unsigned producers : {1u, 8u}) {
      for (const size_t batch : {size_t{1}, size_t{100}, size_t{1000}}) {
        measure(setting, workload, {producers, batch, durability, false});
      }
    }
  }
  measure(setting, workload, {8, 1, Durability::kFsync, true});
  measure(setting, workload, {8, 1000, Durability::kFsync, true});
  std::filesystem::remove_all(setting.directory + "/appends");
}

}  // namespace chronos::bench
