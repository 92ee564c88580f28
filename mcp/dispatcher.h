// From one message of a client to its reply: the protocol without the transport.  Every message is judged on its own
// (mcp/revision.h); what a connection must remember is in mcp/connection.h.
//
// Two steps, so that a transport can go on reading while tools run: accept() in the order messages arrive (it answers
// all but tool calls at once, and lets notifications take effect), then run() for what is left, on any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "mcp/connection.h"
#include "mcp/message_sink.h"
#include "mcp/method.h"
#include "mcp/tool_backend.h"
#include "tools/tool.h"

namespace chronos {

// A line of a client, taken in: replies already made and calls still to run.  Movable; refers to the line's bytes.
class Accepted {
 public:
  // Nothing is left to run: reply() is complete.
  bool is_done() const { return calls_ == 0; }
  // Of the answer over HTTP: 200; 202 when there is nothing to answer; 400 or 404 for what the protocol itself refuses.
  int status() const;

 private:
  friend class Dispatcher;
  struct Part {
    std::string reply;  // "" for a notification or a response
    CallStart call;     // call.tool is set while the call is still to be run
    int status = 200;
  };
  std::vector<Part> parts_;  // one, or as many as the batch had messages
  size_t calls_ = 0;
  bool is_batch_ = false;
};

// Safe to call from any number of threads, except as accept() says.
class Dispatcher {
 public:
  // Requires: `tools`, `backend` and `clock` outlive the dispatcher.  `tools` are offered in their order.
  Dispatcher(std::span<const Tool> tools, ToolBackend& backend, Clock& clock);

  // Takes in one line (or HTTP body) without its line end.  Never waits for a tool.
  // Requires: kSimdPadding readable bytes follow `line`, which stays unchanged until run() returned; the lines of one
  // connection come in order, one at a time.
  Accepted accept(Connection& connection, std::string_view line);

  // Runs what accept() left and returns the reply: one JSON text, or "" when nothing is to be sent (a notification, a
  // cancelled call).  Bytes of clients inside it may hold line ends between tokens.  What is sent before the reply goes
  // to `sink`, from this thread or one of the backend's; nothing after run() returned.  Call it exactly once for each
  // Accepted.
  std::string run(Connection& connection, Accepted accepted, MessageSink& sink);

  // What to answer when a line was too long to be read.
  std::string too_long(const Connection& connection, size_t limit_bytes) const;

 private:
  Accepted::Part accept_message(Connection& connection, std::string_view text, bool in_batch, bool too_deep);
  Accepted::Part accept_request(Connection& connection, const Message& message, bool in_batch);
  void accept_notification(Connection& connection, const Message& message);
  std::string run_call(Connection& connection, const CallStart& call, MessageSink& sink);

  ServerTexts texts_;
  std::span<const Tool> tools_;
  ToolBackend& backend_;
  Clock& clock_;
};

}  // namespace chronos
