// The progress of one running call, as notifications/progress: at most ten a second (and the one that says all is
// done), strictly rising, none after close().
//
// Safe to call from any thread.
#pragma once

#include <cstdint>
#include <limits>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "mcp/message_sink.h"

namespace chronos {

class Progress {
 public:
  // Requires: `sink` and `clock` live until close(); `token` is the raw JSON token the client gave.
  Progress(std::string token, MessageSink& sink, Clock& clock, std::stop_token cancelled);

  void report(double done, double total, std::string_view message);
  void close();

 private:
  bool may_send(bool is_last);

  const std::string token_;
  const std::stop_token cancelled_;
  std::mutex mutex_;      // guards all below; held while sending, so that close() waits for it
  MessageSink* sink_;     // null once closed
  Clock& clock_;
  double last_ = -std::numeric_limits<double>::infinity();
  int64_t second_began_us_ = 0;
  int sent_in_second_ = 0;
};

}  // namespace chronos
