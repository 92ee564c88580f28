// MCP over standard input and output: one JSON text a line, nothing else on the output.
//
// Requests are answered as they finish, in any order, and reading goes on while tools run.  A slow or silent client is
// never taken for one that is gone; only the end of the input, or stop_fd, ends the server.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "mcp/connection.h"
#include "mcp/dispatcher.h"
#include "mcp/line_io.h"
#include "mcp/tool_backend.h"

namespace chronos {

struct StdioOptions {
  int in = 0;
  int out = 1;
  int stop_fd = -1;  // becomes readable when the process is asked to end (a self-pipe of the signal handler); -1: none
  size_t max_line_bytes = size_t{20} << 20;
  size_t max_threads = 16;
  std::chrono::milliseconds quiet_after{200};  // without input: backend.quiet(), once
  std::chrono::milliseconds read_grace{1500};  // after the end: how long calls that only read may go on
};

class StdioServer {
 public:
  // Requires: both outlive the server; SIGPIPE is ignored in this process.
  StdioServer(Dispatcher& dispatcher, ToolBackend& backend, StdioOptions options);
  StdioServer(const StdioServer&) = delete;
  StdioServer& operator=(const StdioServer&) = delete;

  // Serves until the input ends, stop_fd becomes readable or the client closes our output.  Calls that are running
  // then are finished and answered; those that only read are asked to stop after read_grace.  Call it once.
  void run();

 private:
  struct Output final : MessageSink {
    explicit Output(int fd) : writer(fd) {}
    void send(std::string_view message) override { writer.write(std::string(message)); }
    LineWriter writer;
  };
  struct Job {
    Line line;  // the bytes `accepted` refers to
    Accepted accepted;
  };

  void work();
  void lead(std::unique_lock<std::mutex>& lock);
  std::optional<Job> read_job();
  void run_job(std::unique_lock<std::mutex>& lock, Job job);
  bool promote();
  void enqueue(std::unique_lock<std::mutex>& lock, Job job);

  Dispatcher& dispatcher_;
  ToolBackend& backend_;
  const StdioOptions options_;
  Connection connection_;
  LineReader reader_;  // used by the leader
  const std::shared_ptr<Output> output_;  // shared with the connection, for what the server says unasked

  std::mutex mutex_;                    // guards all below
  std::condition_variable followers_;   // a leader is wanted, or all is over
  std::condition_variable room_;        // the queue became shorter
  std::condition_variable supervisor_;  // the end came, or a call finished after it
  std::vector<std::thread> threads_;
  std::deque<Job> queue_;  // calls that no thread is free for
  size_t queued_bytes_ = 0;
  size_t idle_ = 0;
  size_t running_ = 0;
  bool has_leader_ = false;
  bool ended_ = false;
};

}  // namespace chronos
