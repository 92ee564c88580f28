// Where the messages of the server go that are not the reply itself: progress, log entries, questions to the client,
// changes of what it listens to.  One sink is one way to a client: standard output, an event stream of HTTP.
#pragma once

#include <string_view>

namespace chronos {

// Safe to call from any thread.
class MessageSink {
 public:
  virtual ~MessageSink() = default;

  // Sends one message, JSON text; line ends inside it may be between tokens only.  Messages of one thread arrive in
  // their order.  To a client that is gone nothing is sent: whoever owns the sink sees to it that its requests end.
  virtual void send(std::string_view message) = 0;

  // Ends the stream before the reply: the client comes back for what follows (polling in legacy HTTP).  Does nothing
  // where the stream is the connection.
  virtual void close() {}
};

}  // namespace chronos
