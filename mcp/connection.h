// What one client's connection remembers: what it negotiated in the legacy era, and which of its requests are running.
// Nothing else may depend on the connection (a modern message is judged by itself alone).
//
// Safe to call from any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/principal.h"
#include "core/result.h"
#include "mcp/client_capabilities.h"
#include "mcp/message_sink.h"
#include "mcp/request.h"
#include "mcp/revision.h"
#include "mcp/subscriptions.h"

namespace chronos {

enum class RunKind : uint8_t {
  kWrite,   // always finished
  kRead,    // may be stopped when the connection ends
  kListen,  // lasts until then
};

class Connection {
 public:
  // `principal` is who every call of this connection runs as.
  explicit Connection(Principal principal = local_principal()) : principal_(std::move(principal)) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const Principal& principal() const { return principal_; }

  // The last revision answered to initialize; "" before it.  A text of kLegacyVersions.
  std::string_view negotiated() const;
  // What the client said there that it can do.
  ClientCapabilities client() const;
  // An initialize, or what is remembered of one elsewhere.  Requires: a text of kLegacyVersions.
  void negotiate(std::string_view legacy_version, ClientCapabilities client);

  // logging/setLevel; nothing is logged before.
  std::optional<LogLevel> log_level() const;
  void set_log_level(LogLevel level);

  // How a message without a readable id is answered: the legacy era writes `"id":null`, the modern one leaves it out.
  // A connection that never said initialize and last spoke modern is taken to be modern.
  Era era_of_unreadable() const;
  void saw_modern() { saw_modern_ = true; }

  // --- requests of the client ---
  static constexpr size_t kMostListens = 8;
  enum class Begun : uint8_t { kYes, kIdIsTaken, kTooManyListens };
  // A request begins to run, or nothing changes: when one of the same id (the raw JSON token, compared byte by byte) is
  // still running, or as many listen as may.
  Begun begin(std::string_view id, RunKind kind, std::stop_token* cancelled);
  // The request is over.  False when the client cancelled it: then nothing may be sent for it.
  bool finish(std::string_view id);
  // notifications/cancelled.  Unknown ids are ignored.
  void cancel(std::string_view id);

  // --- requests to the client, in the legacy era ---
  // Sends one through `sink` and waits for the response: its result, raw JSON.  kUnavailable when the client refuses,
  // says nothing for ten minutes, or is gone, and when `cancelled`.
  struct ToClient {
    std::string_view method;
    std::string_view params;  // JSON object
  };
  Result<std::string> ask(const ToClient& request, MessageSink& sink, const std::stop_token& cancelled);
  // A response came.  Those to nothing we asked are ignored.  `error` is "" or the raw JSON of it.
  void take_response(std::string_view id, std::string_view result, std::string_view error);

  // --- what the server says unasked, in the legacy era ---
  // The way for it.  The last one attached counts; detach() of another one changes nothing.
  void attach(std::shared_ptr<MessageSink> sink);
  void detach(const MessageSink* sink);
  // Sends it there; false, and it is lost, when no sink is attached.
  bool push(std::string_view message);
  // Changes of the lists, if some of them change, are pushed from now on.
  void follow_lists(Subscriptions& subscriptions, bool tools, bool prompts, bool resources);
  // Changes of the resource are, until unsubscribe().  False when there are too many.
  // Requires: `subscriptions` outlives the connection, and is always the same.
  bool subscribe(Subscriptions& subscriptions, const std::string& uri);
  void unsubscribe(std::string_view uri);

  // --- the end ---
  // Asks the running requests that only read to stop soon; they are still answered.
  void stop_reads();
  // Nothing more will come from the client: who listens is stopped, and questions to it fail.
  void end();

 private:
  struct Running {
    std::stop_source stop;
    RunKind kind = RunKind::kRead;
    bool cancelled = false;
  };
  struct Asked {
    bool is_over = false;
    Result<std::string> result = std::string();
  };
  void stop(RunKind kind);
  Subscription* subscription(Subscriptions& subscriptions, const Interest& interest);

  const Principal principal_;
  std::atomic<bool> saw_modern_ = false;
  mutable std::mutex mutex_;     // guards all below but the subscription
  std::string_view negotiated_;  // points into kLegacyVersions
  ClientCapabilities client_;
  std::optional<LogLevel> log_level_;
  std::map<std::string, Running, std::less<>> running_;  // by raw id
  uint64_t last_asked_ = 0;
  std::map<std::string, std::shared_ptr<Asked>, std::less<>> asked_;  // by raw id; shared with who waits
  std::condition_variable_any answered_;
  bool is_ended_ = false;
  std::shared_ptr<MessageSink> sink_;  // owned by whoever attached it, and by a push that is going on
  std::mutex subscription_mutex_;
  std::unique_ptr<Subscription> subscription_;  // last: it pushes until it is destroyed
};

}  // namespace chronos
