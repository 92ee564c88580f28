// Counts the calls that go through, for whoever watches the server.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "mcp/tool_backend.h"

namespace chronos {

// A line of a metric in Prometheus' text format, after its # HELP and # TYPE.
void append_metric(std::string& to, std::string_view name, std::string_view type, std::string_view help,
                   uint64_t value);

// Any thread.
class CallMetrics final : public ToolBackend {
 public:
  // Requires: `backend`, to which all calls go, outlives it.
  explicit CallMetrics(ToolBackend& backend) : backend_(backend) {}

  Result<std::string> call(const ToolCall& call) override;
  void prepare() override { backend_.prepare(); }
  void quiet() override { backend_.quiet(); }

  // What was counted, as Prometheus reads it.
  std::string text();

 private:
  static constexpr std::array<double, 10> kBounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10};
  struct Tally {
    std::map<std::string, uint64_t, std::less<>> by_status;
    std::array<uint64_t, kBounds.size() + 1> by_time{};
    double seconds = 0;
  };

  ToolBackend& backend_;
  std::mutex mutex_;  // guards all below
  std::map<std::string, Tally, std::less<>> tools_;
  uint64_t running_ = 0;
};

}  // namespace chronos
