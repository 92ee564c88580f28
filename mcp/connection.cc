#include "mcp/connection.h"

#include <chrono>

namespace chronos {
namespace {

constexpr std::chrono::minutes kPatience{10};

}  // namespace

std::string_view Connection::negotiated() const {
  std::lock_guard lock(mutex_);
  return negotiated_;
}

ClientCapabilities Connection::client() const {
  std::lock_guard lock(mutex_);
  return client_;
}

void Connection::negotiate(std::string_view legacy_version, ClientCapabilities client) {
  std::lock_guard lock(mutex_);
  negotiated_ = legacy_version;
  client_ = client;
}

std::optional<LogLevel> Connection::log_level() const {
  std::lock_guard lock(mutex_);
  return log_level_;
}

void Connection::set_log_level(LogLevel level) {
  std::lock_guard lock(mutex_);
  log_level_ = level;
}

Era Connection::era_of_unreadable() const { return saw_modern_ && negotiated().empty() ? Era::kModern : Era::kLegacy; }

Connection::Begun Connection::begin(std::string_view id, RunKind kind, std::stop_token* cancelled) {
  std::lock_guard lock(mutex_);
  if (running_.contains(id)) return Begun::kIdIsTaken;
  if (kind == RunKind::kListen) {
    size_t listens = 0;
    for (const auto& [other, running] : running_) listens += running.kind == RunKind::kListen ? 1 : 0;
    if (listens >= kMostListens) return Begun::kTooManyListens;
  }
  Running& running = running_[std::string(id)];
  running.kind = kind;
  if (is_ended_ && kind == RunKind::kListen) running.stop.request_stop();
  *cancelled = running.stop.get_token();
  return Begun::kYes;
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

Result<std::string> Connection::ask(const ToClient& request, MessageSink& sink, const std::stop_token& cancelled) {
  const auto asked = std::make_shared<Asked>();
  const Error gone{Code::kUnavailable, "the client is gone, or did not answer in time", ""};
  std::string id;
  {
    std::lock_guard lock(mutex_);
    if (is_ended_) return gone;
    id = "\"chronos-" + std::to_string(++last_asked_) + "\"";
    asked_.emplace(id, asked);
  }
  sink.send(R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":")" + std::string(request.method) + R"(","params":)" +
            std::string(request.params) + "}");
  std::unique_lock lock(mutex_);
  answered_.wait_for(lock, cancelled, kPatience, [&] { return asked->is_over || is_ended_; });
  asked_.erase(id);
  if (asked->is_over) return asked->result;
  return gone;
}

void Connection::take_response(std::string_view id, std::string_view result, std::string_view error) {
  std::lock_guard lock(mutex_);
  const auto found = asked_.find(id);
  if (found == asked_.end()) return;
  Asked& asked = *found->second;
  asked.is_over = true;
  if (error.empty()) {
    asked.result = std::string(result);
  } else {
    asked.result = Error{Code::kUnavailable, "the client refused: " + std::string(error.substr(0, 300)), ""};
  }
  answered_.notify_all();
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

// The one subscription of a connection, made with `interest` when there was none yet; null when there may be no more.
// Requires: subscription_mutex_ is held.
Subscription* Connection::subscription(Subscriptions& subscriptions, const Interest& interest) {
  if (subscription_ == nullptr) {
    subscription_ = subscriptions.add(interest, [this](const Change& change) { push(notification_of(change, "")); });
  }
  return subscription_.get();
}

void Connection::follow_lists(Subscriptions& subscriptions, bool tools, bool prompts, bool resources) {
  if (!tools && !prompts && !resources) return;
  Interest interest;
  interest.tools = tools;
  interest.prompts = prompts;
  interest.resources = resources;
  const std::lock_guard lock(subscription_mutex_);
  subscription(subscriptions, interest);
}

bool Connection::subscribe(Subscriptions& subscriptions, const std::string& uri) {
  const std::lock_guard lock(subscription_mutex_);
  Subscription* const mine = subscription(subscriptions, Interest());
  return mine != nullptr && mine->add_uri(uri);
}

void Connection::unsubscribe(std::string_view uri) {
  const std::lock_guard lock(subscription_mutex_);
  if (subscription_ != nullptr) subscription_->remove_uri(uri);
}

void Connection::stop(RunKind kind) {
  std::vector<std::stop_source> stops;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, running] : running_) {
      if (running.kind == kind) stops.push_back(running.stop);
    }
  }
  for (std::stop_source& stop : stops) stop.request_stop();
}

void Connection::stop_reads() { stop(RunKind::kRead); }

void Connection::end() {
  {
    std::lock_guard lock(mutex_);
    is_ended_ = true;
    answered_.notify_all();
  }
  stop(RunKind::kListen);
}

}  // namespace chronos
