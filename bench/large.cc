// A store that is larger than the memory it may take: how fast it opens, how much memory reading it takes, how small it
// is, and what a read costs when its block has to be decompressed.
//
// `large_store` names a store that is there already; without it one is made, of the workload over and over, the streams
// of each time named apart.
#include <filesystem>

#include "bench/fill.h"
#include "bench/measure.h"
#include "bench/parts.h"
#include "core/state.h"
#include "core/store.h"

namespace chronos::bench {
namespace {

constexpr uint64_t kMaxMemory = uint64_t{1} << 30;
constexpr size_t kPoints = 500'000;
constexpr size_t kStreams = 5'000;

void make_store(const std::string& directory, const Workload& workload, size_t events) {
  const auto store = fresh_store(directory);
  const uint64_t start = now_ns();
  for (size_t done = 0, times = 0; done < events; times++) {
    const size_t more = std::min(workload.lines.size(), events - done);
    append_lines(*store, workload, 0, more, "t" + std::to_string(times) + "-");
    done += more;
  }
  if (auto sealed = store->seal(); !sealed) die(sealed.error().message);
  emit("large_fill", "durable=no sealed=all",
       static_cast<double>(events) / (static_cast<double>(now_ns() - start) / 1e9), "events/s");
}

void measure_points(const Store& store, uint64_t head) {
  Dice dice(11);
  Latencies latencies;
  std::string out;
  uint64_t most = 0;
  // As many reads again before that are not timed: where the blocks are has to be read, and checked, once.
  for (size_t i = 0; i < 2 * kPoints; i++) {
    const Position at{1 + dice.below(head)};
    const uint64_t start = now_ns();
    const auto view = store.view({});
    const Event event = view->at(at);
    out.assign(event.stream()).append(event.type()).append(event.data()).append(event.metadata());
    if (i >= kPoints) latencies.add(now_ns() - start);
    if (i % 2000 == 0) most = std::max(most, resident_bytes());
  }
  latencies.emit_us("large_point", "cache=page");
  emit("large_memory", "reading=points", static_cast<double>(most) / 1048576.0, "MiB");
}

// Of streams met at random positions: the latest hundred events, and the state after fifty of them.
void measure_streams(const Store& store, uint64_t head) {
  Dice dice(12);
  Latencies hundred;
  Latencies state;
  std::string out;
  const auto view = store.view({});
  for (size_t i = 0; i < kStreams; i++) {
    const Event any = view->at(Position{1 + dice.below(head)});
    const std::string name(any.stream());
    uint64_t start = now_ns();
    const PositionList stream = view->stream(name);
    out.clear();
    for (size_t k = stream.size() - std::min<size_t>(100, stream.size()); k < stream.size(); k++) {
      out.append(stream.event(k).data());
    }
    hundred.add(now_ns() - start);
    start = now_ns();
    if (store.states().fold(view->stream(name), Version{50}).to_json().empty()) die("a state is empty");
    state.add(now_ns() - start);
  }
  hundred.emit_us("large_stream100", "cache=page");
  state.emit_us("large_state50", "cache=page");
}

void measure_in_child(const std::string& directory, double raw) {
  StoreOptions options;
  options.directory = directory;
  options.max_memory = kMaxMemory;
  const uint64_t start = now_ns();
  auto opened = Store::open(options);
  const uint64_t took = now_ns() - start;
  if (!opened) die(opened.error().message);
  const uint64_t head = (*opened)->view({})->head().value;
  const auto events = static_cast<double>(head);
  const StoreStatus status = (*opened)->status();
  emit("large_open", "store=" + std::to_string(head), static_cast<double>(took) / 1e6, "ms");
  emit("large_memory", "reading=nothing", static_cast<double>(resident_bytes()) / 1048576.0, "MiB");
  emit("large_sealed_bytes_per_event", "", static_cast<double>(status.sealed_bytes) / events, "B");
  const auto stored = static_cast<double>(disk_bytes(directory + "/log") + disk_bytes(directory + "/segments"));
  emit("large_stored_bytes_per_event", "", stored / events, "B");
  emit("large_stored_of_raw", "", 100 * stored / (raw * events), "%");
  emit("large_segments", "", static_cast<double>(status.segments), "files");
  measure_points(**opened, head);
  measure_streams(**opened, head);
}

}  // namespace

void measure_large(const Setting& setting, const Workload& workload) {
  const bool is_given = !setting.large_store.empty();
  const std::string directory = is_given ? setting.large_store : setting.directory + "/large";
  if (!is_given) make_store(directory, workload, setting.large_events);
  const double raw = static_cast<double>(workload.size) / static_cast<double>(workload.lines.size());
  run_apart([&] { measure_in_child(directory, raw); });
  if (!is_given) std::filesystem::remove_all(directory);
}

}  // namespace chronos::bench
