// Tells those who listen to streams when they have grown: a thread waits for the store, in this process or the one that
// has it, as long as somebody listens.  A stream is told at most ten times a second.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "mcp/resource_uri.h"
#include "mcp/subscriptions.h"
#include "mcp/tool_backend.h"

namespace chronos {

// Safe to call from any thread.
class GrowthWatcher {
 public:
  // Requires: both outlive it; it is the only one that hears of their URIs.
  GrowthWatcher(ToolBackend& backend, Subscriptions& subscriptions);
  ~GrowthWatcher();
  GrowthWatcher(const GrowthWatcher&) = delete;
  GrowthWatcher& operator=(const GrowthWatcher&) = delete;

  // Whether the resource grows.
  static bool grows(const std::string& uri);

  // When it returns, whatever is appended to them from then on will be told.  Requires: somebody listens to them.
  void watch(const std::vector<std::string>& uris, const std::stop_token& cancelled);

 private:
  using Versions = std::map<std::string, uint64_t, std::less<>>;
  void uris_changed();
  void run(const std::stop_token& stopped);
  bool look(const std::vector<std::string>& uris, uint64_t wait_ms, const std::stop_token& cancelled);
  void pause(std::chrono::milliseconds most, const std::stop_token& stopped);

  ToolBackend& backend_;
  Subscriptions& subscriptions_;
  std::mutex mutex_;  // guards all below
  std::condition_variable_any changed_;
  bool has_changed_ = false;  // which URIs there are, since they were last taken
  std::stop_source waiting_{std::nostopstate};  // of the call that waits for the store
  Versions versions_;  // as last told or first seen, by URI
  std::jthread thread_;  // made when it is first needed
};

}  // namespace chronos
