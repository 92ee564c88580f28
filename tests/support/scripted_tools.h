// Tools and a backend for tests of the protocol: what a call does is decided by the test, never by time.
//
//   echo     {"echo":ARGUMENTS}
//   write    the same, but a tool that writes
//   fail     not_found
//   count    reports progress 1, 2, ... as often as `steps` says, then the arguments
//   hold     waits until `release` lets one holder go, or for its cancellation (then unavailable)
//   hold_write  the same, as a tool that writes
//   release  lets one holder go; it may come before the holder
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "mcp/chronos_offer.h"
#include "mcp/dispatcher.h"
#include "mcp/message_sink.h"
#include "mcp/tool_backend.h"

namespace chronos {

std::span<const Tool> scripted_tools();

// A clock that stands still until it is set.
class StillClock : public Clock {
 public:
  Timestamp now() override;
  void advance_us(int64_t us);

 private:
  std::mutex mutex_;
  int64_t now_us_ = 1'000'000'000;
};

// Keeps what it is sent; for one thread at a time.
struct CollectingSink : MessageSink {
  void send(std::string_view message) override { messages.emplace_back(message); }
  std::vector<std::string> messages;
};

class ScriptedBackend : public ToolBackend {
 public:
  Result<std::string> call(const ToolCall& call) override;
  void prepare() override;
  void quiet() override;

  void release(int holders = 1);
  // Waits until so many calls of hold and hold_write have begun since the start.
  void wait_for_holders(int begun);
  void wait_for_quiet(int times);

  int prepared();
  int holders_begun();
  std::vector<std::string> calls();  // names of the tools, in the order the calls began

  int steps = 3;                     // of count; set before the call
  std::function<void()> after_step;  // of count; run in its thread

  // What the last count was given: kept, as a backend that forwards calls may do.
  std::function<void(double done, double total, std::string_view message)> kept_progress;

 private:
  Result<std::string> hold(const ToolCall& call);

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<std::string> calls_;
  int permits_ = 0;
  int holders_ = 0;
  int prepared_ = 0;
  int quiet_ = 0;
};

namespace test {

// Random numbers that repeat.  Any thread.
class CountingRandom final : public Random {
 public:
  uint64_t next() override { return ++last_ * 0x9e3779b97f4a7c15u; }

 private:
  std::atomic<uint64_t> last_ = 0;
};

}  // namespace test

// What Chronos offers, with scripted tools in place of its own.
struct ScriptedServer {
  explicit ScriptedServer(ToolBackend& backend) : offer(scripted_tools(), backend, subscriptions) {}

  StillClock clock;
  test::CountingRandom random;
  Subscriptions subscriptions;
  ChronosOffer offer;
  Dispatcher dispatcher{Dispatcher::Parts{offer, subscriptions, clock, random}};
};

}  // namespace chronos
