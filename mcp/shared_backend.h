// One store, many processes: the first to get the store's lock runs the engine and serves the others, the others
// forward to it; when it is gone, however it went, one of them takes over and unanswered calls are sent again.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "core/clock.h"
#include "core/store.h"
#include "mcp/store_client.h"
#include "mcp/store_host.h"
#include "mcp/tool_backend.h"
#include "search/model_access.h"

namespace chronos {

class SearchIndex;

struct SharedBackendOptions {
  StoreOptions store;
  ModelAccess models = {};
  std::chrono::milliseconds give_up{30'000};  // how long to look for a store that is in use but not served
};

class SharedBackend final : public ToolBackend {
 public:
  explicit SharedBackend(SharedBackendOptions options);
  // Ends serving others (mcp/store_host.h).  Requires: no call is running.
  ~SharedBackend() override;

  Result<std::string> call(const ToolCall& call) override;
  void prepare() override;
  void quiet() override;

  // The store, when this process has it or can get it; null when another process serves it: then use call().
  // It stays until the backend ends.
  Result<Store*> local_store();
  // What is searched with, where local_store() is not null.
  SearchIndex* local_search();

 private:
  struct Engine {                         // one of the two
    std::shared_ptr<StoreHost> host;      // shared with the calls that run on it
    std::shared_ptr<StoreClient> client;  // shared with the calls that wait on it
  };

  Result<Engine> engine(const std::stop_token& cancelled);
  Result<bool> try_to_find();
  bool pause();

  const SharedBackendOptions options_;
  std::mutex electing_;  // held by the one that looks for the engine
  std::mutex mutex_;     // guards engine_
  Engine engine_;
  std::condition_variable ended_;
  std::atomic<bool> closing_ = false;
  std::once_flag prepared_;
  std::thread opener_;
};

}  // namespace chronos
