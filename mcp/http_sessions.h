// The legacy sessions of an HTTP server.
//
// Most clients never end theirs, and come back after days: those not used for longest are forgotten, and made again
// from their id when somebody uses them (mcp/http_session_id.h).  Only what they were still to be sent is lost.
//
// Which ones were ended is remembered in memory alone, the last kMostEnded of them: after a restart such an id works
// again.  It gives nobody anything: it is good for its own principal only, who can have a new session at any time, and
// a session holds no rights and no data.  Writing a file at each DELETE would cost more than it is worth.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/principal.h"
#include "mcp/connection.h"
#include "mcp/http_event_log.h"
#include "mcp/http_session_id.h"

namespace chronos {

// Any thread.
class HttpSession {
 public:
  explicit HttpSession(Principal principal) : connection(std::move(principal)) {}

  Connection connection;
  std::mutex accepting;  // held by Dispatcher::accept()

  // A log for the answer to a request; remember() keeps it for clients that come back.
  std::shared_ptr<EventLog> new_log();
  void remember(const std::shared_ptr<EventLog>& log);
  // The log of that stream; null when it is not known any more.
  std::shared_ptr<EventLog> find_log(uint64_t stream);
  // What the server says unasked: stream 0.
  const std::shared_ptr<EventLog>& unasked() const { return unasked_; }
  // The client said that it is over.
  void end();

 private:
  static constexpr size_t kMostOver = 4;  // logs of requests that were answered
  const std::shared_ptr<EventLog> unasked_ = std::make_shared<EventLog>(0);
  std::mutex mutex_;  // guards all below
  uint64_t last_stream_ = 0;
  std::map<uint64_t, std::shared_ptr<EventLog>> logs_;
};

// Any thread.
class HttpSessions {
 public:
  static constexpr size_t kMostSessions = 4096;
  static constexpr size_t kMostEnded = 65536;

  HttpSessions(std::string key, Random& random) : ids_(std::move(key)), random_(random) {}

  // Gives a session that has negotiated its id.
  std::string add(const std::shared_ptr<HttpSession>& session);
  // The principal's session of that id; null when it has ended or never was.
  std::shared_ptr<HttpSession> find(const std::string& id, const Principal& principal);
  // False when there is none.
  bool end(const std::string& id, const Principal& principal);
  size_t size();

 private:
  using Order = std::list<std::string>;  // longest unused first
  struct Kept {
    std::shared_ptr<HttpSession> session;
    Order::iterator place;
  };
  void keep(const std::string& id, const std::shared_ptr<HttpSession>& session);
  void forget_some();
  std::shared_ptr<HttpSession> find_kept(const std::string& id, const Principal& principal);

  const SessionIds ids_;
  Random& random_;
  std::mutex mutex_;  // guards all below
  std::map<std::string, Kept> sessions_;
  Order order_;
  std::set<std::string> ended_;
  std::deque<std::string> ended_order_;
};

}  // namespace chronos
