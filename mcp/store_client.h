// A connection to the process that has the store open (mcp/store_host.h): calls go out, answers come back as they
// are ready, in any order.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "mcp/frame_stream.h"
#include "mcp/tool_backend.h"

namespace chronos {

// Safe to call from any number of threads.
class StoreClient {
 public:
  // Null when no host listens there.  kUnavailable when it is another version of Chronos.
  static Result<std::shared_ptr<StoreClient>> connect(const std::string& directory);
  ~StoreClient();
  StoreClient(const StoreClient&) = delete;
  StoreClient& operator=(const StoreClient&) = delete;

  // The host's answer; nullopt when it went away before giving one (the call may have been run or not).
  // `arguments` are sent in place of the call's own.
  std::optional<Result<std::string>> call(const ToolCall& call, std::string_view arguments);

  bool is_lost() const { return is_lost_; }

 private:
  struct Pending;  // a call that waits
  explicit StoreClient(int fd);
  Result<bool> read_hello(const std::string& directory);
  void read_answers();
  static void deliver(Pending& pending, const Frame& frame);
  void lose_all();

  FrameStream stream_;
  std::thread reader_;
  std::atomic<bool> is_lost_ = false;

  std::mutex mutex_;  // guards all below
  uint64_t last_number_ = 0;
  std::map<uint64_t, std::shared_ptr<Pending>> pending_;
};

}  // namespace chronos
