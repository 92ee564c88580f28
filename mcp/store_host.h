// The process that has the store open, serving the others: it listens on the socket in the data directory and runs the
// calls they forward, each answered when it is finished, none waiting for another.
//
// Whoever holds the store's lock is the host; there is no other election.  Ending, however it comes, frees the lock.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/store.h"
#include "mcp/frame_stream.h"
#include "mcp/tool_backend.h"
#include "search/model_access.h"

namespace chronos {

class SearchIndex;

class StoreHost {
 public:
  // Opens the store, which takes its lock, and listens.  Fails as Store::open does.
  // Requires: what `models` points to outlives it.
  static Result<std::unique_ptr<StoreHost>> open(const StoreOptions& options, const ModelAccess& models = {});

  // Finishes the writes that are running and sends their answers; other calls are left unanswered, so that those who
  // sent them ask the next host.
  ~StoreHost();
  StoreHost(const StoreHost&) = delete;
  StoreHost& operator=(const StoreHost&) = delete;

  // Any thread.
  Store& store() { return *store_; }
  SearchIndex& search() { return *search_; }

 private:
  struct Peer;  // another process
  struct Job {
    std::shared_ptr<Peer> peer;
    Frame frame;
    std::stop_token cancelled;
  };
  static constexpr size_t kMaxThreads = 32;

  StoreHost(const StoreOptions& options, const ModelAccess& models, std::unique_ptr<Store> store, int listener);
  void accept_peers();
  void accept_one();
  void read_calls(const std::shared_ptr<Peer>& peer);
  void enqueue(Job job);
  void work();
  void run(const Job& job);
  void reap_peers();

  const std::string directory_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<SearchIndex> search_;
  const int listener_;
  int wake_[2] = {-1, -1};  // a pipe: readable when it is time to end
  std::thread acceptor_;
  std::list<std::shared_ptr<Peer>> peers_;  // used by the acceptor; after it, by the destructor
  std::atomic<bool> closing_ = false;

  std::mutex mutex_;  // guards all below
  std::condition_variable wanted_;
  std::deque<Job> queue_;
  std::vector<std::thread> workers_;
  size_t idle_ = 0;
};

}  // namespace chronos
