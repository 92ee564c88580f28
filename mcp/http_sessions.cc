#include "mcp/http_sessions.h"

#include <utility>

namespace chronos {

std::shared_ptr<EventLog> HttpSession::new_log() {
  const std::lock_guard lock(mutex_);
  return std::make_shared<EventLog>(++last_stream_);
}

void HttpSession::remember(const std::shared_ptr<EventLog>& log) {
  const std::lock_guard lock(mutex_);
  size_t over = 0;
  for (auto at = logs_.end(); at != logs_.begin();) {
    --at;
    if (at->second->is_over() && ++over >= kMostOver) at = logs_.erase(at);
  }
  logs_.emplace(log->stream(), log);
}

std::shared_ptr<EventLog> HttpSession::find_log(uint64_t stream) {
  if (stream == 0) return unasked_;
  const std::lock_guard lock(mutex_);
  const auto found = logs_.find(stream);
  return found == logs_.end() ? nullptr : found->second;
}

void HttpSession::end() {
  connection.end();
  connection.stop_reads();
  unasked_->end();
  const std::lock_guard lock(mutex_);
  for (const auto& [stream, log] : logs_) log->end();
}

std::string HttpSessions::add(const std::shared_ptr<HttpSession>& session) {
  const SessionFacts facts{session->connection.negotiated(), session->connection.client().bits()};
  std::string id = ids_.make(facts, session->connection.principal().name, random_);
  const std::lock_guard lock(mutex_);
  keep(id, session);
  return id;
}

// Requires: mutex_ is held.
void HttpSessions::keep(const std::string& id, const std::shared_ptr<HttpSession>& session) {
  const auto [found, is_new] = sessions_.try_emplace(id);
  if (!is_new) order_.erase(found->second.place);
  found->second.session = session;
  found->second.place = order_.insert(order_.end(), id);
  forget_some();
}

// Those in use stay: somebody else has them, too.
void HttpSessions::forget_some() {
  for (auto at = order_.begin(); at != order_.end() && sessions_.size() > kMostSessions;) {
    const auto found = sessions_.find(*at);
    if (found->second.session.use_count() > 1) {
      ++at;
      continue;
    }
    sessions_.erase(found);
    at = order_.erase(at);
  }
}

// The one in memory; null when it is not there, or the principal has other rights than it began with.
// Requires: mutex_ is held.
std::shared_ptr<HttpSession> HttpSessions::find_kept(const std::string& id, const Principal& principal) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || found->second.session->connection.principal() != principal) return nullptr;
  order_.splice(order_.end(), order_, found->second.place);
  return found->second.session;
}

std::shared_ptr<HttpSession> HttpSessions::find(const std::string& id, const Principal& principal) {
  {
    const std::lock_guard lock(mutex_);
    if (auto kept = find_kept(id, principal)) return kept;  // its signature was right when it came here
  }
  const auto facts = ids_.read(id, principal.name);
  if (!facts) return nullptr;
  const std::lock_guard lock(mutex_);
  if (ended_.count(id) != 0) return nullptr;
  if (auto kept = find_kept(id, principal)) return kept;
  const auto session = std::make_shared<HttpSession>(principal);
  session->connection.negotiate(facts->version, ClientCapabilities::from_bits(facts->capabilities));
  keep(id, session);
  return session;
}

bool HttpSessions::end(const std::string& id, const Principal& principal) {
  const auto session = find(id, principal);
  if (session == nullptr) return false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(id);
    if (found != sessions_.end()) {
      order_.erase(found->second.place);
      sessions_.erase(found);
    }
    if (ended_.insert(id).second) ended_order_.push_back(id);
    if (ended_order_.size() > kMostEnded) {
      ended_.erase(ended_order_.front());
      ended_order_.pop_front();
    }
  }
  session->end();
  return true;
}

size_t HttpSessions::size() {
  const std::lock_guard lock(mutex_);
  return sessions_.size();
}

}  // namespace chronos
