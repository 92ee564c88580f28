// What one client's connection remembers: the legacy revision it negotiated, and which of its requests are running.
// Nothing else may depend on the connection (a modern message is judged by itself alone).
//
// Safe to call from any thread.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/principal.h"
#include "mcp/message_sink.h"
#include "mcp/revision.h"

namespace chronos {

class Connection {
 public:
  // `principal` is who every call of this connection runs as.
  explicit Connection(Principal principal = local_principal()) : principal_(std::move(principal)) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const Principal& principal() const { return principal_; }

  // The last revision answered to initialize; "" before it.  A text of kLegacyVersions.
  std::string_view negotiated() const;
  void negotiate(std::string_view legacy_version);

  // How a message without a readable id is answered: the legacy era writes `"id":null`, the modern one leaves it out.
  // A connection that never said initialize and last spoke modern is taken to be modern.
  Era era_of_unreadable() const;
  void saw_modern() { saw_modern_ = true; }

  // A request begins to run.  False, and nothing changes, when one of the same id (the raw JSON token, compared byte
  // by byte) is still running.  `read_only`: it may be stopped when the connection ends.
  bool begin(std::string_view id, bool read_only, std::stop_token* cancelled);
  // The request is over.  False when the client cancelled it: then nothing may be sent for it.
  bool finish(std::string_view id);
  // notifications/cancelled.  Unknown ids are ignored.
  void cancel(std::string_view id);
  // The way for what the server says unasked in the legacy era (changes of lists and resources).  The last one attached
  // counts; detach() of another one changes nothing.
  void attach(std::shared_ptr<MessageSink> sink);
  void detach(const MessageSink* sink);
  // Sends it there; false, and it is lost, when no sink is attached.
  bool push(std::string_view message);

  // Asks the running requests that only read to stop soon; they are still answered.
  void stop_reads();

 private:
  struct Running {
    std::stop_source stop;
    bool read_only = false;
    bool cancelled = false;
  };

  const Principal principal_;
  std::atomic<bool> saw_modern_ = false;
  mutable std::mutex mutex_;                             // guards all below
  std::string_view negotiated_;                          // points into kLegacyVersions
  std::map<std::string, Running, std::less<>> running_;  // by raw id
  std::shared_ptr<MessageSink> sink_;  // owned by whoever attached it, and by a push that is going on
};

}  // namespace chronos
