// hnswlib alone: one graph of floats with as many links as those of Chronos, made by one thread, asked with the
// smallest list that finds 95 of 100; and beside it every float looked at, by the same arithmetic.  Both are compiled
// for this very processor.  It has no filter and no past: only all vectors, now, are asked.
#include <hnswlib/hnswlib.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "bench/measure.h"
#include "bench/query_times.h"
#include "bench/vector_workload.h"

namespace chronos::bench {
namespace {

constexpr size_t kBest = 10;
constexpr size_t kLinks = 16;
constexpr size_t kConstruction = 120;
constexpr double kEnough = 0.95;

struct Vectors {
  size_t dimension;
  std::vector<float> floats;
  const float* row(size_t i) const { return floats.data() + i * dimension; }
  size_t size() const { return floats.size() / dimension; }
};

class Peer {
 public:
  explicit Peer(const VectorWorkload& workload) : workload_(workload), space_(workload.dimension()) {}

  // Or reads the graph, when it is there.
  void build(const std::string& file, const std::string& config) {
    for (size_t i = 0; i < workload_.size(); i++) {
      const std::vector<float> vector = workload_.vector(i);
      vectors_.floats.insert(vectors_.floats.end(), vector.begin(), vector.end());
    }
    vectors_.dimension = workload_.dimension();
    if (std::filesystem::exists(file)) {
      graph_ = std::make_unique<Graph>(&space_, file);
      return;
    }
    const auto count = static_cast<double>(workload_.size());
    const uint64_t memory = resident_bytes();
    const uint64_t before = thread_cpu_ns();
    graph_ = std::make_unique<Graph>(&space_, workload_.size(), kLinks, kConstruction);
    for (size_t i = 0; i < workload_.size(); i++) graph_->addPoint(vectors_.row(i), i);
    emit("vector_index_and_graphs", config + " clock=cpu", count / static_cast<double>(thread_cpu_ns() - before) * 1e9,
         "vectors/s");
    emit("vector_memory", config, static_cast<double>(resident_bytes() - memory) / 1048576.0, "MiB");
    graph_->saveIndex(file + ".new");
    std::filesystem::rename(file + ".new", file);
    emit("vector_bytes", config, static_cast<double>(disk_bytes(file)) / count, "B");
  }

  void ask(double seconds, const std::string& config) {
    std::vector<std::string> queries;
    std::vector<std::vector<float>> asked;
    std::vector<std::set<size_t>> wanted;
    for (size_t i = 0; i < kVectorQueries; i++) {
      queries.push_back(std::to_string(i));
      asked.push_back(workload_.query(i));
      wanted.push_back(scan(asked.back()));
    }
    double recall = 0;
    size_t list = kBest;
    for (; recall < kEnough && list < 4000; list += (list + 4) / 5) {
      graph_->setEf(list);
      size_t same = 0;
      for (size_t i = 0; i < kVectorQueries; i++) {
        for (const size_t each : walk(asked[i])) same += wanted[i].count(each);
      }
      recall = static_cast<double>(same) / static_cast<double>(kVectorQueries * kBest);
      if (recall >= kEnough) break;
    }
    const auto times = time_queries(queries, seconds,
                                    {[&](const std::string& query) { keep(walk(asked[std::stoul(query)]).size()); },
                                     [&](const std::string& query) { keep(scan(asked[std::stoul(query)]).size()); }});
    const std::string walked = config + " at=now keep=100% way=walk";
    times[0].emit_us("vector_query", walked);
    emit("vector_recall", walked, recall, "of 10");
    emit("vector_list", walked, static_cast<double>(list), "kept");
    times[1].emit_us("vector_query", config + " at=now keep=100% way=exact");
    emit("vector_recall", config + " at=now keep=100% way=exact", 1, "of 10");
  }

 private:
  using Graph = hnswlib::HierarchicalNSW<float>;
  std::set<size_t> walk(const std::vector<float>& query) const {
    std::set<size_t> found;
    for (auto near = graph_->searchKnn(query.data(), kBest); !near.empty(); near.pop()) found.insert(near.top().second);
    return found;
  }
  std::set<size_t> scan(const std::vector<float>& query) {
    const auto distance = space_.get_dist_func();
    std::priority_queue<std::pair<float, size_t>> best;
    for (size_t i = 0; i < vectors_.size(); i++) {
      const float far = distance(query.data(), vectors_.row(i), space_.get_dist_func_param());
      if (best.size() == kBest && far >= best.top().first) continue;
      best.emplace(far, i);
      if (best.size() > kBest) best.pop();
    }
    std::set<size_t> found;
    for (; !best.empty(); best.pop()) found.insert(best.top().second);
    return found;
  }

  const VectorWorkload& workload_;
  hnswlib::InnerProductSpace space_;
  Vectors vectors_;
  std::unique_ptr<Graph> graph_;
};

}  // namespace
}  // namespace chronos::bench

int main(int argc, char** argv) {
  using namespace chronos::bench;
  name_program("peer_hnswlib");
  std::string directory = (std::filesystem::temp_directory_path() / "peer_hnswlib").string();
  std::string file;
  std::string graph;
  size_t events = 100'000;
  size_t dimension = 384;
  double seconds = 3;
  CLI::App app{"Measures hnswlib with Chronos's vectors; prints one JSON line per figure.", "peer_hnswlib"};
  app.add_option("--search-events", events, "vectors")->capture_default_str();
  app.add_option("--dimension", dimension, "of the vectors")->capture_default_str();
  app.add_option("--vectors", file, "takes them from this .fvecs file");
  app.add_option("--graph", graph, "file of the graph: stays there, and is made only when it is not");
  app.add_option("--dir", directory, "scratch directory")->capture_default_str();
  app.add_option("--seconds", seconds, "for each measurement that could go on")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  const VectorWorkload workload = file.empty() ? VectorWorkload(events, dimension) : VectorWorkload::read(file, events);
  const std::string config =
      "events=" + std::to_string(workload.size()) + " dimension=" + std::to_string(workload.dimension());
  Peer peer(workload);
  peer.build(graph.empty() ? directory + "/graph" : graph, config);
  peer.ask(seconds, config);
  std::filesystem::remove_all(directory);
  return 0;
}
