// A server on this machine that answers each request with the bytes that a test decides, or with none.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace chronos::test {

class ScriptedIssuer {
 public:
  // What is sent for a path, whole; kSilence: nothing, and the connection stays open until the server ends.
  using Answer = std::function<std::string(const std::string& path)>;
  static constexpr std::string_view kSilence = "silence";

  explicit ScriptedIssuer(Answer answer);
  ~ScriptedIssuer();
  ScriptedIssuer(const ScriptedIssuer&) = delete;
  ScriptedIssuer& operator=(const ScriptedIssuer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  void set_answer(Answer answer);
  int requests() const { return requests_; }

  static std::string ok(std::string_view body);

 private:
  void serve();

  int fd_ = -1;
  uint16_t port_ = 0;
  std::atomic<int> requests_ = 0;
  std::mutex mutex_;  // guards answer_
  Answer answer_;
  std::vector<int> silent_;  // the thread's; connections that wait for nothing
  std::thread thread_;
};

}  // namespace chronos::test
