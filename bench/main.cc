// chronos_bench: measures Chronos on this machine, one JSON line per figure.  bench/README.md says how to run it
// beside the machine's limits and its peers.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <map>

#include "bench/measure.h"
#include "bench/parts.h"
#include "bench/search_workload.h"

int main(int argc, char** argv) {
  using namespace chronos::bench;
  Setting setting;
  setting.directory = (std::filesystem::temp_directory_path() / "chronos_bench").string();
  setting.chronos = (std::filesystem::path(argv[0]).parent_path().parent_path() / "chronos").string();
  std::string file;
  size_t events = 1'000'000;
  std::vector<std::string> parts = {"appends", "burst", "import", "stages", "reads", "forks", "stdio", "search"};
  std::string make;
  std::string make_search;

  CLI::App app{"Measures Chronos; prints one JSON line per figure.", "chronos_bench"};
  app.add_option("--file", file, "workload as NDJSON; made when not given");
  app.add_option("--make", make, "only writes the workload to this file");
  app.add_option("--events", events, "events of the workload")->capture_default_str();
  app.add_option("--dir", setting.directory, "scratch directory, on the disk to measure")->capture_default_str();
  app.add_option("--chronos", setting.chronos, "the chronos program")->capture_default_str();
  app.add_option("--seconds", setting.seconds, "for each measurement that could go on")->capture_default_str();
  app.add_option("--fork-events", setting.fork_events, "of the large store in which forks are made")
      ->capture_default_str();
  app.add_option("--large-events", setting.large_events, "of the store that is larger than its memory (part large)")
      ->capture_default_str();
  app.add_option("--large-store", setting.large_store, "a store to take for it, instead of making one");
  app.add_option("--search-events", setting.search_events, "of the store that is searched (parts search, vectors)")
      ->capture_default_str();
  app.add_option("--dimension", setting.vector_dimension, "of the vectors of part vectors")->capture_default_str();
  app.add_option("--vectors", setting.vector_file, "takes them from this .fvecs file, instead of making some");
  app.add_option("--vector-store", setting.vector_store, "of part vectors: stays, and is made when it is not there");
  app.add_option("--make-search", make_search, "only writes the events and queries of search into this directory");
  app.add_option("--part", parts, "which figures")->delimiter(',')->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  if (!make.empty()) {
    write_workload(make_workload(events), make);
    return 0;
  }
  if (!make_search.empty()) {
    SearchWorkload(setting.search_events).write(make_search, kSearchQueries);
    return 0;
  }
  std::filesystem::create_directories(setting.directory);
  const Workload workload = file.empty() ? make_workload(events) : load_workload(file, events);
  setting.file = setting.directory + "/workload.ndjson";
  write_workload(workload, setting.file);

  const std::map<std::string, std::function<void(const Setting&, const Workload&)>> known = {
      {"appends", measure_appends}, {"burst", measure_burst}, {"import", measure_import}, {"stages", measure_stages},
      {"reads", measure_reads},     {"forks", measure_forks}, {"stdio", measure_stdio},   {"large", measure_large},
      {"search", measure_search},   {"vectors", measure_vectors}};
  for (const std::string& part : parts) {
    const auto found = known.find(part);
    if (found == known.end()) {
      die("no part '" + part + "'; there are appends, burst, import, stages, reads, forks, stdio, search, vectors and "
          "large");
    }
    found->second(setting, workload);
  }
  std::filesystem::remove(setting.file);
}
