// The events of one stream of a legacy session, and who is sent them: so that a client whose connection broke, or who
// only looks in now and then, misses nothing (Last-Event-ID).
//
// Only the latest are kept.  An event's id is STREAM.NUMBER; number 0 is the beginning.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "mcp/http_exchange.h"
#include "mcp/message_sink.h"

namespace chronos {

struct EventPlace {
  uint64_t stream = 0;
  uint64_t number = 0;
};
// Of the header Last-Event-ID; nullopt when we never gave such an id.
std::optional<EventPlace> read_event_id(std::string_view id);

// One event of server-sent events: its data is one line.
void append_event_data(std::string& to, std::string_view message);

inline constexpr std::string_view kEventStream = "text/event-stream";
inline constexpr std::string_view kSilentComment = ": keepalive\n\n";
HttpHeaders event_stream_headers();

// Any thread, but where it says more.
class EventLog final : public MessageSink {
 public:
  explicit EventLog(uint64_t stream) : stream_(stream) {}

  uint64_t stream() const { return stream_; }

  // The answer to a request: begins as a stream with the first message, after `when_begun`.  `primes`: the client may
  // be told how to come back before anything else (since 2025-11-25).
  // Requires: finish() is called before the exchange ends.
  void go_live(HttpExchange& exchange, bool primes, std::function<void()> when_begun);
  // The reply, "" for none, which ends the stream.  False when no stream was begun: nothing was sent then.
  bool finish(std::string_view reply);

  void send(std::string_view message) override;
  // Only where the client was told how to come back.
  void close() override;

  // Sends the events after `after`, and those to come until the stream ends, the exchange does, or another one follows.
  void follow(HttpExchange& exchange, uint64_t after);
  // Number of the last event so far.
  uint64_t last();
  bool is_over();
  // Nobody shall follow any more.
  void end();

 private:
  static constexpr size_t kMostEvents = 256;
  static constexpr size_t kMostBytes = size_t{256} << 10;
  struct Event {
    uint64_t number = 0;
    std::string text;
  };
  void begin();
  void add(std::string_view message);

  const uint64_t stream_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<Event> events_;  // without gaps
  size_t bytes_ = 0;
  uint64_t last_ = 0;
  uint64_t followers_ = 0;  // so far
  bool is_over_ = false;
  bool has_begun_ = false;
  bool primes_ = false;
  std::function<void()> when_begun_;
  HttpExchange* live_ = nullptr;
};

}  // namespace chronos
