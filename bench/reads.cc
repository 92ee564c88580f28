// Reads materialise what they return, as a caller would: the event's fields are copied out.
//
// To compare a read as of the past, or in a fork, with the same read now, all of them must return the same events:
// the store is loaded, its head is called H, then other streams grow.  "now" reads main, "past" main as of H,
// "fork" a fork made at H, "fork10" the tenth of forks of forks.  All of it is read twice: as it was appended, in
// memory, and when it is sealed.
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>

#include "bench/fill.h"
#include "bench/measure.h"
#include "bench/parts.h"
#include "core/event_json.h"
#include "core/state.h"
#include "core/store.h"
#include "core/valid_json.h"

namespace chronos::bench {
namespace {

constexpr size_t kReads = 20000;

Store& check(Result<std::unique_ptr<Store>>& store) {
  if (!store) die(store.error().message);
  return **store;
}

// The fields of one event, copied.
void copy_event(const Event& event, std::string& to) {
  const Position position = event.position();
  const Version version = event.version();
  const Timestamp time = event.recorded_at();
  to.append(event.stream()).append(event.type()).append(event.data()).append(event.metadata());
  to.append(reinterpret_cast<const char*>(&position), sizeof position);
  to.append(reinterpret_cast<const char*>(&version), sizeof version);
  to.append(reinterpret_cast<const char*>(&time), sizeof time);
}

void time_each(const std::string& figure, const std::string& config, const std::function<void(size_t)>& read) {
  for (size_t i = 0; i < 200; i++) read(i);
  Latencies latencies;
  for (size_t i = 0; i < kReads; i++) {
    const uint64_t start = now_ns();
    read(i);
    latencies.add(now_ns() - start);
  }
  latencies.emit_us(figure, config);
}

void measure_address(const Store& store, const Workload& workload, const Address& address, const std::string& config) {
  Dice dice(7);
  std::string out;
  out.reserve(1 << 20);
  const auto view_of = [&] {
    auto view = store.view(address);
    if (!view) die(view.error().message);
    return std::move(*view);
  };
  const uint64_t head = view_of().head().value;
  const auto stream_of = [&](size_t) -> const std::string& {
    return workload.hundred_streams[dice.below(workload.hundred_streams.size())];
  };
  time_each("q_point", config, [&](size_t) {
    out.clear();
    copy_event(view_of().at(Position{1 + dice.below(head)}), out);
  });
  time_each("q_last", config, [&](size_t i) {
    out.clear();
    const View view = view_of();
    const PositionList stream = view.stream(stream_of(i));
    copy_event(stream.event(stream.size() - 1), out);
  });
  time_each("q_stream100", config, [&](size_t i) {
    out.clear();
    const View view = view_of();
    const PositionList stream = view.stream(stream_of(i));
    for (size_t k = 0; k < stream.size(); k++) copy_event(stream.event(k), out);
  });
}

// The state of a stream as of a random time: about half of its hundred events are folded.
void measure_state(const Store& store, const Workload& workload, const std::string& fork, const std::string& config) {
  auto now = store.view({fork, {}, {}});
  if (!now) die(now.error().message);
  Dice dice(7);
  const int64_t first = now->at(Position{1}).recorded_at().value;
  const int64_t last = now->at(Position{workload.lines.size()}).recorded_at().value;
  uint64_t folded = 0;
  uint64_t states = 0;
  time_each("q_asof", config, [&](size_t) {
    const Timestamp time{first + static_cast<int64_t>(dice.below(static_cast<uint64_t>(last - first) + 1))};
    const std::string& name = workload.hundred_streams[dice.below(workload.hundred_streams.size())];
    auto view = store.view({fork, {}, time});
    if (!view) die(view.error().message);
    const PositionList stream = view->stream(name);
    folded += stream.size();
    states++;
    const std::string json = store.states().fold(stream, Version{static_cast<uint32_t>(stream.size())}).to_json();
    if (json.empty()) die("a state is empty");
  });
  emit("q_asof_events_folded", config, static_cast<double>(folded) / static_cast<double>(states), "events/query");
}

constexpr const char* kSealed = " sealed=yes";

StoreOptions options_of(const std::string& directory) {
  StoreOptions options;
  options.directory = directory;
  options.max_memory = uint64_t{16} << 30;
  options.seal_bytes = options.max_memory / 2;  // only when it is asked for
  return options;
}

// In a process of its own, so that memory is only the store's.
void measure_open(const std::string& directory, const Workload& workload, const std::string& sealed) {
  const pid_t child = fork();
  if (child == 0) {
    const auto events = static_cast<double>(workload.lines.size());
    const std::string config = sealed.empty() ? "" : sealed.substr(1);
    const uint64_t before = resident_bytes();
    const uint64_t start = now_ns();
    auto store = Store::open(options_of(directory));
    const uint64_t took = now_ns() - start;
    const StoreStatus status = check(store).status();
    const auto all = static_cast<double>((*store)->view({})->head().value);
    if (!sealed.empty())
      emit("open", "store=" + std::to_string(workload.lines.size()), static_cast<double>(took) / 1e6, "ms");
    emit("open_per_million", config, static_cast<double>(took) / 1e6 / all * 1e6, "ms");
    emit("log_bytes_per_event", config, static_cast<double>(status.log_bytes) / all, "B");
    emit("index_bytes_per_event", config, static_cast<double>(status.index_bytes) / all, "B");
    emit("memory_beyond_log_per_event", config,
         (static_cast<double>(resident_bytes() - before) - static_cast<double>(status.log_bytes)) / all, "B");
    if (sealed.empty()) emit("raw_bytes_per_event", "", static_cast<double>(workload.size) / events, "B");
    std::fflush(stdout);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0) die("measuring the opening of a store failed");
}

// A store, and forks of it; the position at which they were made.
Position make_store(Store& store, const Workload& workload) {
  append_lines(store, workload, 0, workload.lines.size(), "");
  const Position then{workload.lines.size()};
  append_lines(store, workload, 0, std::min<size_t>(10000, workload.lines.size()), "later-");
  std::string parent = "main";
  for (int level = 1; level <= 10; level++) {
    NewFork fork;
    fork.name = "level" + std::to_string(level);
    fork.from = {parent, then, {}};
    if (auto made = store.create_fork(fork); !made) die(made.error().message);
    parent = fork.name;
  }
  return then;
}

void measure_everywhere(const Store& store, const Workload& workload, Position then, const std::string& sealed) {
  measure_address(store, workload, {}, "at=now" + sealed);
  measure_address(store, workload, {"main", then, {}}, "at=past" + sealed);
  measure_address(store, workload, {"level1", {}, {}}, "at=fork" + sealed);
  measure_address(store, workload, {"level10", {}, {}}, "at=fork10" + sealed);
  measure_state(store, workload, "main", "fork=main" + sealed);
  measure_state(store, workload, "level1", "fork=level1" + sealed);
}

}  // namespace

void measure_reads(const Setting& setting, const Workload& workload) {
  const std::string directory = setting.directory + "/reads";
  std::filesystem::remove_all(directory);
  Position then;
  {
    auto opened = Store::open(options_of(directory));
    then = make_store(check(opened), workload);
    measure_everywhere(**opened, workload, then, "");
  }
  measure_open(directory, workload, "");
  {
    auto opened = Store::open(options_of(directory));
    if (auto sealed = check(opened).seal(); !sealed) die(sealed.error().message);
    measure_everywhere(**opened, workload, then, kSealed);
  }
  measure_open(directory, workload, kSealed);
  std::filesystem::remove_all(directory);
}

}  // namespace chronos::bench
