#include "bench/query_times.h"

#include <algorithm>
#include <numeric>

namespace chronos::bench {
namespace {

void emit_times(const std::string& figure, const std::string& config, std::vector<uint64_t> ns) {
  if (ns.empty()) return;
  std::sort(ns.begin(), ns.end());
  const auto at = [&ns](double share) {
    const auto place = static_cast<size_t>(share * static_cast<double>(ns.size()));
    return static_cast<double>(ns[std::min(ns.size() - 1, place)]);
  };
  const double mean = std::accumulate(ns.begin(), ns.end(), 0.0) / static_cast<double>(ns.size());
  emit(figure + "_mean", config, mean / 1e3, "us");
  emit(figure + "_p50", config, at(0.50) / 1e3, "us");
  emit(figure + "_p99", config, at(0.99) / 1e3, "us");
}

}  // namespace

void QueryTimes::time(const std::function<void()>& query) {
  const uint64_t wall = now_ns();
  const uint64_t cpu = thread_cpu_ns();
  query();
  cpu_.push_back(thread_cpu_ns() - cpu);
  wall_.push_back(now_ns() - wall);
}

void QueryTimes::emit_us(const std::string& figure, const std::string& config) const {
  emit_times(figure, config + " clock=cpu", cpu_);
  emit_times(figure, config + " clock=wall", wall_);
}

std::vector<QueryTimes> time_queries(const std::vector<std::string>& queries, double seconds,
                                     const std::vector<Ask>& engines) {
  std::vector<QueryTimes> times(engines.size());
  const auto enough = static_cast<uint64_t>(seconds * 1e9);
  const uint64_t warming = now_ns();
  for (const std::string& query : queries) {
    for (const Ask& ask : engines) ask(query);
    if (now_ns() - warming > enough) break;
  }
  const uint64_t start = now_ns();
  for (size_t done = 0;; done++) {
    const uint64_t spent = now_ns() - start;
    const bool is_whole = done > 0 && done % queries.size() == 0;
    if ((is_whole && spent > enough) || spent > 5 * enough) break;
    const std::string& query = queries[done % queries.size()];
    for (size_t k = 0; k < engines.size(); k++) {
      const size_t engine = (done + k) % engines.size();
      times[engine].time([&] { engines[engine](query); });
    }
  }
  return times;
}

}  // namespace chronos::bench
