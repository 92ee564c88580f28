#include "bench/peers/frame.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <unordered_map>

#include "bench/measure.h"
#include "core/log.h"
#include "core/valid_json.h"

namespace chronos::bench {

uint64_t time_of(uint64_t position) { return 1'700'000'000'000'000 + position * 1000; }

void Copies::clear() {
  bytes_.clear();
  count_ = 0;
}

void Copies::add(const LineFields& fields, Numbers numbers) {
  bytes_.append(fields.stream).append(fields.type).append(fields.data).append(fields.metadata);
  bytes_.append(reinterpret_cast<const char*>(&numbers), sizeof numbers);
  count_++;
}

namespace {

constexpr size_t kFoldRoom = size_t{4} << 20;
constexpr size_t kLoadBatch = 1000;

struct PeerWorkload {
  Workload lines;
  std::vector<PeerEvent> events;
  std::unordered_map<std::string_view, size_t> lengths;  // of the streams
};

PeerWorkload load(const std::string& file, size_t limit) {
  PeerWorkload workload;
  workload.lines = file.empty() ? make_workload(limit) : load_workload(file, limit);
  for (const std::string_view line : workload.lines.lines) {
    PeerEvent event;
    static_cast<LineFields&>(event) = split_line(line);
    event.position = workload.events.size() + 1;
    event.version = static_cast<uint32_t>(++workload.lengths[event.stream]);
    event.time_us = time_of(event.position);
    workload.events.push_back(event);
  }
  return workload;
}

std::string config_of(const Peer& peer, const Peer::Start& start) {
  const std::string detail = peer.detail(start);
  return "producers=" + std::to_string(start.producers) + " batch=" + std::to_string(start.batch) +
         (start.durable ? " durable=fsync" : " durable=no") + (detail.empty() ? "" : " " + detail);
}

struct Appended {
  double rate = 0;  // events a second
  Latencies batches;
};

// All events, or as many as the seconds allow.
Appended append_all(Peer& peer, const PeerWorkload& workload, const Peer::Start& start, double seconds) {
  std::vector<std::unique_ptr<PeerProducer>> producers;
  for (unsigned i = 0; i < start.producers; i++) producers.push_back(peer.producer());
  const std::span<const PeerEvent> events = workload.events;
  const size_t share = events.size() / start.producers;
  std::vector<Latencies> latencies(start.producers);
  std::atomic<size_t> done{0};
  const uint64_t stop = now_ns() + static_cast<uint64_t>(seconds * 1e9);
  const uint64_t took = in_parallel(start.producers, [&](unsigned number) {
    const size_t end = (number + 1) * share;
    for (size_t i = number * share; i < end && now_ns() < stop;) {
      const size_t count = std::min(start.batch, end - i);
      const uint64_t begin = now_ns();
      producers[number]->append(events.subspan(i, count));
      latencies[number].add(now_ns() - begin);
      i += count;
      done.fetch_add(count, std::memory_order_relaxed);
    }
  });
  for (unsigned i = 1; i < start.producers; i++) latencies[0].merge(latencies[i]);
  return {static_cast<double>(done.load()) / static_cast<double>(took) * 1e9, std::move(latencies[0])};
}

// Every batch and number of producers for a while, then the whole workload with the best of them.
void measure_appends(Peer& peer, const PeerSetting& setting, const PeerWorkload& workload, bool durable) {
  double best_rate = 0;
  Peer::Start best{};
  for (const unsigned producers : {1u, 8u}) {
    for (const size_t batch : {1, 100, 1000, 10000}) {
      const Peer::Start start{durable, producers, batch};
      if (!peer.start(start)) continue;
      Appended appended = append_all(peer, workload, start, setting.seconds);
      emit("append", config_of(peer, start), appended.rate, "events/s");
      appended.batches.emit_us("append_batch", config_of(peer, start));
      if (appended.rate > best_rate) {
        best_rate = appended.rate;
        best = start;
      }
    }
  }
  if (best_rate == 0) {
    return emit_not_measured(durable ? "durable appends" : "appends that are not durable",
                             "it acknowledges before the disk has what it acknowledges");
  }
  peer.start(best);
  emit("import", config_of(peer, best), append_all(peer, workload, best, 10 * setting.seconds).rate, "events/s");
}

// At most so many, and no longer than twice the seconds given; 50 at least.
void time_each(const PeerSetting& setting, const std::string& figure, const std::string& config,
               const std::function<void()>& read) {
  constexpr size_t kReads = 20000;
  for (size_t i = 0; i < 20; i++) read();
  Latencies latencies;
  const uint64_t stop = now_ns() + static_cast<uint64_t>(2 * setting.seconds * 1e9);
  for (size_t i = 0; i < kReads && (i < 50 || now_ns() < stop); i++) {
    const uint64_t start = now_ns();
    read();
    latencies.add(now_ns() - start);
  }
  latencies.emit_us(figure, config);
}

void expect(const std::string& figure, size_t found, size_t expected) {
  if (found == expected) return;
  die(figure + " found " + std::to_string(found) + " events, not " + std::to_string(expected));
}

void measure_reads(PeerReads& reads, const PeerSetting& setting, const PeerWorkload& workload) {
  Dice dice(7);
  Copies copies;
  const auto& streams = workload.lines.hundred_streams;
  const auto stream = [&]() -> const std::string& { return streams[dice.below(streams.size())]; };
  time_each(setting, "q_point", "at=now", [&] {
    copies.clear();
    reads.point(1 + dice.below(workload.events.size()), copies);
    expect("q_point", copies.count(), 1);
  });
  time_each(setting, "q_last", "at=now", [&] {
    copies.clear();
    reads.last(stream(), copies);
    expect("q_last", copies.count(), 1);
  });
  time_each(setting, "q_stream100", "at=now", [&] {
    copies.clear();
    const std::string& name = stream();
    reads.whole(name, copies);
    expect("q_stream100", copies.count(), workload.lengths.at(name));
  });
  StateFold state;
  uint64_t folded = 0;
  uint64_t states = 0;
  time_each(setting, "q_asof", "fork=main", [&] {
    state.clear();
    reads.as_of(stream(), time_of(1 + dice.below(workload.events.size())), state);
    folded += state.count();
    states++;
    keep(state.to_json().size());
  });
  emit("q_asof_events_folded", "fork=main", static_cast<double>(folded) / static_cast<double>(states), "events/query");
}

void load_and_read(Peer& peer, const PeerSetting& setting, const PeerWorkload& workload) {
  if (!peer.start({false, 1, kLoadBatch}) && !peer.start({true, 1, kLoadBatch})) die("it cannot be loaded");
  {
    const auto producer = peer.producer();
    const std::span<const PeerEvent> events = workload.events;
    for (size_t i = 0; i < events.size(); i += kLoadBatch) {
      producer->append(events.subspan(i, std::min(kLoadBatch, events.size() - i)));
    }
  }
  const auto count = static_cast<double>(workload.events.size());
  emit("stored_bytes_per_event", "", static_cast<double>(peer.compact()) / count, "B");
  emit("raw_bytes_per_event", "", static_cast<double>(workload.lines.size) / count, "B");
  if (const auto opening = peer.reopen()) {
    emit("open", "store=" + std::to_string(workload.events.size()), static_cast<double>(*opening) / 1e6, "ms");
  }
  measure_reads(*peer.reads(), setting, workload);
}

}  // namespace

StateFold::StateFold() : memory_(std::make_unique_for_overwrite<char[]>(kFoldRoom)) {}

void StateFold::clear() {
  state_ = State();
  used_ = 0;
  count_ = 0;
}

void StateFold::add(std::string_view data) {
  if (used_ + data.size() + kSimdPadding > kFoldRoom) die("a stream has more data than the fold has room for");
  char* at = memory_.get() + used_;
  std::memcpy(at, data.data(), data.size());
  std::memset(at + data.size(), 0, kSimdPadding);
  used_ += data.size() + kSimdPadding;
  count_++;
  state_.apply(ValidJson::trusted({at, data.size()}));
}

int run_peer(int argc, char** argv, const std::string& name, const MakePeer& make) {
  name_program(name);
  PeerSetting setting;
  setting.directory = (std::filesystem::temp_directory_path() / name).string();
  std::string file;
  size_t events = 1'000'000;
  std::vector<std::string> parts = {"appends", "reads"};
  CLI::App app{"Measures another store with Chronos's workload; prints one JSON line per figure.", name};
  app.add_option("--file", file, "workload as NDJSON; made when not given");
  app.add_option("--events", events, "events of the workload")->capture_default_str();
  app.add_option("--dir", setting.directory, "scratch directory, on the disk to measure; a server's data")
      ->capture_default_str();
  app.add_option("--address", setting.address, "of the server, where the store is one");
  app.add_option("--seconds", setting.seconds, "for each measurement that could go on")->capture_default_str();
  app.add_option("--part", parts, "appends, reads")->delimiter(',')->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  std::filesystem::create_directories(setting.directory);
  const PeerWorkload workload = load(file, events);
  const auto peer = make(setting);
  for (const std::string& part : parts) {
    if (part == "appends") {
      for (const bool durable : {true, false}) measure_appends(*peer, setting, workload, durable);
    } else if (part == "reads") {
      load_and_read(*peer, setting, workload);
    } else {
      die("no part '" + part + "'; there are appends and reads");
    }
  }
  return 0;
}

}  // namespace chronos::bench
