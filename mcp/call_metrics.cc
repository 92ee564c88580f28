#include "mcp/call_metrics.h"

#include <algorithm>
#include <cstdio>

namespace chronos {
namespace {

void append_head(std::string& to, std::string_view name, std::string_view type, std::string_view help) {
  to.append("# HELP ").append(name).append(" ").append(help).append("\n");
  to.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

// The value of that key, which is new at most once.
template <typename Value>
Value& at(std::map<std::string, Value, std::less<>>& map, std::string_view key) {
  const auto found = map.find(key);
  return found != map.end() ? found->second : map[std::string(key)];
}

std::string short_number(double number) {
  std::array<char, 32> text;
  const int size = std::snprintf(text.data(), text.size(), "%.9g", number);
  return {text.data(), static_cast<size_t>(size)};
}

}  // namespace

void append_metric(std::string& to, std::string_view name, std::string_view type, std::string_view help,
                   uint64_t value) {
  append_head(to, name, type, help);
  to.append(name).append(" ").append(std::to_string(value)).append("\n");
}

Result<std::string> CallMetrics::call(const ToolCall& call) {
  using std::chrono::steady_clock;
  {
    const std::lock_guard lock(mutex_);
    running_++;
  }
  const auto begin = steady_clock::now();
  auto answer = backend_.call(call);
  const double seconds = std::chrono::duration<double>(steady_clock::now() - begin).count();
  const std::string_view status = answer ? "ok" : code_name(answer.error().code);
  const std::lock_guard lock(mutex_);
  running_--;
  Tally& tally = at(tools_, call.tool->name);
  at(tally.by_status, status)++;
  const auto bucket = std::lower_bound(kBounds.begin(), kBounds.end(), seconds) - kBounds.begin();
  tally.by_time[static_cast<size_t>(bucket)]++;
  tally.seconds += seconds;
  return answer;
}

std::string CallMetrics::text() {
  std::string text;
  const std::lock_guard lock(mutex_);
  append_head(text, "chronos_calls_total", "counter", "Tool calls by tool and status.");
  for (const auto& [tool, tally] : tools_) {
    for (const auto& [status, count] : tally.by_status) {
      text.append("chronos_calls_total{tool=\"").append(tool).append("\",status=\"").append(status);
      text.append("\"} ").append(std::to_string(count)).append("\n");
    }
  }
  append_head(text, "chronos_call_seconds", "histogram", "How long tool calls took.");
  for (const auto& [tool, tally] : tools_) {
    const std::string label = "{tool=\"" + tool + "\"";
    uint64_t count = 0;
    for (size_t i = 0; i < tally.by_time.size(); i++) {
      count += tally.by_time[i];
      const std::string bound = i < kBounds.size() ? short_number(kBounds[i]) : "+Inf";
      text.append("chronos_call_seconds_bucket").append(label).append(",le=\"").append(bound).append("\"} ");
      text.append(std::to_string(count)).append("\n");
    }
    text.append("chronos_call_seconds_sum").append(label).append("} ").append(short_number(tally.seconds)).append("\n");
    text.append("chronos_call_seconds_count").append(label).append("} ").append(std::to_string(count)).append("\n");
  }
  append_metric(text, "chronos_calls_running", "gauge", "Tool calls that are running.", running_);
  return text;
}

}  // namespace chronos
