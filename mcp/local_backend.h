// The engine in this process, for programs that are alone with their store: no socket, no second process.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "core/store.h"
#include "mcp/tool_backend.h"

namespace chronos {

// Runs a tool on an open store and what it is searched by (both null for tools that need none).  kCorrupt, naming file
// and byte, where the call met a damaged sealed file; everything else in the store goes on.
Result<std::string> run_tool(Store* store, SearchIndex* search, const ToolCall& call);

class LocalBackend final : public ToolBackend {
 public:
  explicit LocalBackend(StoreOptions options);
  ~LocalBackend() override;

  // A store that could not be opened is tried again by the next call.
  Result<std::string> call(const ToolCall& call) override;
  void prepare() override;
  void quiet() override;

 private:
  Result<Store*> store();

  const StoreOptions options_;
  std::mutex mutex_;  // guards store_ while it is opened; it stays once it is there
  std::unique_ptr<Store> store_;
  std::unique_ptr<SearchIndex> search_;
  std::once_flag prepared_;
  std::thread opener_;
};

}  // namespace chronos
