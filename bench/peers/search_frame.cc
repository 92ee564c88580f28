#include "bench/peers/search_frame.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "bench/measure.h"
#include "bench/query_times.h"

namespace chronos::bench {
namespace {

using Kind = SearchWorkload::Kind;

void build(SearchPeer& peer, const SearchWorkload& workload, const std::string& directory, const std::string& config) {
  const auto events = static_cast<double>(workload.events());
  const uint64_t wall = now_ns();
  const uint64_t cpu = cpu_ns();
  peer.index(workload);
  emit("search_index", config + " clock=cpu", events / static_cast<double>(cpu_ns() - cpu) * 1e9, "events/s");
  emit("search_index", config + " clock=wall", events / static_cast<double>(now_ns() - wall) * 1e9, "events/s");
  peer.compact();
  emit("search_bytes_per_event", config, static_cast<double>(disk_bytes(directory)) / events, "B");
}

void ask(SearchPeer& peer, const SearchWorkload& workload, double seconds, const std::string& config) {
  const uint64_t before = resident_bytes();
  peer.open();
  for (const Kind kind : {Kind::kFull, Kind::kShort}) {
    const Ask one = [&peer](const std::string& query) { keep(peer.best(query).size()); };
    const auto times = time_queries(workload.queries(kind, kSearchQueries), seconds, {one});
    times[0].emit_us("search_" + std::string(name_of(kind)), config + " at=now");
  }
  emit("search_memory", config, static_cast<double>(resident_bytes() - before) / 1048576.0, "MiB");
}

void show(SearchPeer& peer, const SearchWorkload& workload, size_t count) {
  peer.open();
  for (const Kind kind : {Kind::kFull, Kind::kShort}) {
    for (const std::string& query : workload.queries(kind, count)) {
      std::fprintf(stderr, "%s:", query.c_str());
      for (const uint64_t message : peer.best(query)) std::fprintf(stderr, " %llu", (unsigned long long)message);
      std::fprintf(stderr, "\n");
    }
  }
}

}  // namespace

int run_search_peer(int argc, char** argv, const std::string& name, const MakeSearchPeer& make) {
  name_program(name);
  std::string directory = (std::filesystem::temp_directory_path() / name).string();
  size_t events = 100'000;
  double seconds = 3;
  size_t shown = 0;
  CLI::App app{"Measures another search engine with Chronos's messages; prints one JSON line per figure.", name};
  app.add_option("--search-events", events, "messages")->capture_default_str();
  app.add_option("--dir", directory, "scratch directory")->capture_default_str();
  app.add_option("--seconds", seconds, "for each measurement that could go on")->capture_default_str();
  app.add_option("--show", shown, "also tells, on stderr, what so many queries of each kind find");
  CLI11_PARSE(app, argc, argv);
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  const SearchWorkload workload(events);
  const std::string config = "events=" + std::to_string(events);
  run_apart([&] { build(*make(directory), workload, directory, config); });
  run_apart([&] { ask(*make(directory), workload, seconds, config); });
  if (shown > 0) run_apart([&] { show(*make(directory), workload, shown); });
  std::filesystem::remove_all(directory);
  return 0;
}

}  // namespace chronos::bench
