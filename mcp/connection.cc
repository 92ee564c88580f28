#include "mcp/connection.h"

namespace chronos {

std::string_view Connection::negotiated() const {
  std::lock_guard lock(mutex_);
  return negotiated_;
}

void Connection::negotiate(std::string_view legacy_version) {
  std::lock_guard lock(mutex_);
  negotiated_ = legacy_version;
}

Era Connection::era_of_unreadable() const { return saw_modern_ && negotiated().empty() ? Era::kModern : Era::kLegacy; }

bool Connection::begin(std::string_view id, bool read_only, std::stop_token* cancelled) {
  std::lock_guard lock(mutex_);
  const auto [running, is_new] = running_.try_emplace(std::string(id));
  if (!is_new) return false;
  running->second.read_only = read_only;
  *cancelled = running->second.stop.get_token();
  return true;
}

bool Connection::finish(std::string_view id) {
  std::lock_guard lock(mutex_);
  const auto running = running_.find(id);
  CHECK(running != running_.end());
  const bool is_wanted = !running->second.cancelled;
  running_.erase(running);
  return is_wanted;
}

void Connection::cancel(std::string_view id) {
  std::stop_source stop(std::nostopstate);
  {
    std::lock_guard lock(mutex_);
    const auto running = running_.find(id);
    if (running == running_.end()) return;
    running->second.cancelled = true;
    stop = running->second.stop;
  }
  stop.request_stop();  // runs the call's stop callbacks: not under the lock
}

void Connection::attach(std::shared_ptr<MessageSink> sink) {
  std::lock_guard lock(mutex_);
  sink_ = std::move(sink);
}

void Connection::detach(const MessageSink* sink) {
  std::lock_guard lock(mutex_);
  if (sink_.get() == sink) sink_ = nullptr;
}

bool Connection::push(std::string_view message) {
  std::shared_ptr<MessageSink> sink;
  {
    std::lock_guard lock(mutex_);
    sink = sink_;
  }
  if (sink == nullptr) return false;
  sink->send(message);  // may wait for the client: not under the lock
  return true;
}

void Connection::stop_reads() {
  std::vector<std::stop_source> stops;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, running] : running_) {
      if (running.read_only) stops.push_back(running.stop);
    }
  }
  for (std::stop_source& stop : stops) stop.request_stop();
}

}  // namespace chronos
