// How long queries take: thread processor time beside the wall clock, of the same queries in the same order for every
// engine.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/measure.h"

namespace chronos::bench {

class QueryTimes {
 public:
  // Runs what is timed once.
  void time(const std::function<void()>& query);
  size_t count() const { return wall_.size(); }
  // FIGURE_mean, FIGURE_p50 and FIGURE_p99 in microseconds, of both clocks: "CONFIG clock=cpu", "CONFIG clock=wall".
  void emit_us(const std::string& figure, const std::string& config) const;

 private:
  std::vector<uint64_t> cpu_;
  std::vector<uint64_t> wall_;
};

// Asks every query once without timing and then again and again for about `seconds`; those of an engine that is so slow
// that once takes five times that are left out from there on.
// Each query is asked of every engine in turn - one engine at a few moments is several - and each has times of its own.
using Ask = std::function<void(const std::string& query)>;
std::vector<QueryTimes> time_queries(const std::vector<std::string>& queries, double seconds,
                                     const std::vector<Ask>& engines);

}  // namespace chronos::bench
