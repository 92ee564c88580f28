// From one message of a client to its reply: the protocol without the transport.  Every message is judged on its own
// (mcp/revision.h); what a connection must remember is in mcp/connection.h, what can be asked for in mcp/offer.h.
//
// Two steps, so that a transport can go on reading while requests run: accept() in the order messages arrive (it
// answers at once what can be, and lets notifications and responses take effect), then run() for what is left, on any
// thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/batch.h"
#include "core/clock.h"
#include "mcp/connection.h"
#include "mcp/message_sink.h"
#include "mcp/method.h"
#include "mcp/offer.h"
#include "mcp/request_state.h"
#include "mcp/subscriptions.h"
#include "mcp/task_table.h"

namespace chronos {

// A line of a client, taken in: replies already made and requests still to run.  Movable; refers to the line's bytes.
class Accepted {
 public:
  // Nothing is left to run: reply() is complete.
  bool is_done() const { return waiting_ == 0; }
  // Of the answer over HTTP: 200; 202 when there is nothing to answer; 400 or 404 for what the protocol itself refuses.
  int status() const;

 private:
  friend class Dispatcher;
  // A checked request that is still to be run.
  struct Waiting {
    std::string id;  // raw token
    Era era = Era::kLegacy;
    Work work;
    std::string progress_token;         // raw token, or ""
    std::optional<LogLevel> log_level;  // nothing is to be logged without
    Message message;                    // as far as a request state is bound to it
    Request request;
  };
  struct Part {
    std::string reply;                 // "" for a notification or a response
    std::unique_ptr<Waiting> waiting;  // set while the request is still to be run
    int status = kHttpOk;
  };
  std::vector<Part> parts_;  // one, or as many as the batch had messages
  size_t waiting_ = 0;
  bool is_batch_ = false;
};

// Safe to call from any number of threads, except as accept() says.
class Dispatcher {
 public:
  // Requires: they outlive the dispatcher.
  struct Parts {
    Offer& offer;
    Subscriptions& subscriptions;
    Clock& clock;
    Random& random;
  };
  explicit Dispatcher(Parts parts);

  // Takes in one line (or HTTP body) without its line end.  Never waits for anything long.
  // Requires: kSimdPadding readable bytes follow `line`, which stays unchanged until run() returned; the lines of one
  // connection come in order, one at a time.
  Accepted accept(Connection& connection, std::string_view line);
  // The same of a line that was read already, and of its message, where it is one and was taken apart.
  Accepted accept(Connection& connection, const IncomingLine& line, const Message* message);
  static constexpr size_t kMostLevels = Limits{}.json_depth + 8;  // of a line: of an event's data and what is around it

  // Runs what accept() left and returns the reply: one JSON text, or "" when nothing is to be sent (a notification, a
  // cancelled call).  Bytes of clients inside it may hold line ends between tokens.  What is sent before the reply goes
  // to `sink`, from this thread or one of the backend's; nothing after run() returned.  It lasts as long as the client
  // listens, or thinks about a question.  Call it exactly once for each Accepted.
  std::string run(Connection& connection, Accepted accepted, MessageSink& sink);

  // What to answer when a line was too long to be read.
  std::string too_long(const Connection& connection, size_t limit_bytes) const;

 private:
  Accepted::Part accept_message(Connection& connection, const Message& message, bool in_batch);
  Accepted::Part accept_request(Connection& connection, const Message& message, bool in_batch);
  std::optional<RpcError> take_answers(Accepted::Waiting& waiting) const;
  void accept_notification(Connection& connection, const Message& message);
  std::string run_one(Connection& connection, Accepted::Waiting& waiting, MessageSink& sink);
  Outcome find_outcome(Connection& connection, Accepted::Waiting& waiting, MessageSink& sink);
  Outcome put_questions(const Accepted::Waiting& waiting, const Outcome& outcome) const;

  const Parts parts_;
  const ServerTexts texts_;
  const RequestState states_;
  TaskTable tasks_;
};

}  // namespace chronos
