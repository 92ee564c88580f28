// A client of MCP servers over HTTP that costs as little as it can: one thread, raw sockets, prepared requests.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/measure.h"

namespace chronos::bench {

// One connection, kept alive, with a session of its own where the server has sessions.
class HttpConnection {
 public:
  HttpConnection(uint16_t port, std::string path);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // initialize of 2025-11-25, and its notification.  Ends the process when the server refuses.
  void open_session();
  // Posts a message and waits; the body of the answer (of an event stream, all of it).
  std::string post(std::string_view message);
  // Opens the session's stream of events, and leaves it open.  Requires: nothing else is sent afterwards.
  void open_stream();

  // For many connections at a time: begins a post; take() reads what has come, and is true once the answer is whole.
  void begin(std::string_view message);
  bool take();
  int socket() const { return socket_; }
  std::string_view body() const { return body_; }

 private:
  std::string request(std::string_view method, std::string_view message) const;
  void send(std::string_view bytes) const;
  bool whole();
  bool take_chunks(size_t from);

  int socket_ = -1;
  std::string path_;
  std::string session_;
  std::string received_;
  std::string body_;
};

struct CallRate {
  double per_second = 0;
  Latencies latencies;
  uint64_t calls = 0;
};

// Calls, each connection as soon as its last one was answered, for `seconds`.  Ends the process when an answer has no
// result or says isError.
CallRate call_over(const std::vector<std::unique_ptr<HttpConnection>>& connections, const std::string& message,
                   double seconds);

}  // namespace chronos::bench
