#include "mcp/http_event_log.h"

#include <charconv>
#include <utility>

namespace chronos {
namespace {

std::optional<uint64_t> number_in(std::string_view text) {
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

std::string id_line(uint64_t stream, uint64_t number) {
  return "id: " + std::to_string(stream) + "." + std::to_string(number) + "\n";
}

}  // namespace

std::optional<EventPlace> read_event_id(std::string_view id) {
  const size_t dot = id.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto stream = number_in(id.substr(0, dot));
  const auto number = number_in(id.substr(dot + 1));
  if (!stream || !number) return std::nullopt;
  return EventPlace{*stream, *number};
}

// Between tokens a message may have line ends; in the middle of an event there must be none.
void append_event_data(std::string& to, std::string_view message) {
  to += "data: ";
  for (const char c : message) to += c == '\n' || c == '\r' ? ' ' : c;
  to += "\n\n";
}

HttpHeaders event_stream_headers() {
  return {{"Cache-Control", "no-cache, no-transform"}, {"X-Accel-Buffering", "no"}};
}

void EventLog::go_live(HttpExchange& exchange, bool primes, std::function<void()> when_begun) {
  const std::lock_guard lock(mutex_);
  live_ = &exchange;
  primes_ = primes;
  when_begun_ = std::move(when_begun);
}

// Requires: mutex_ is held.
void EventLog::add(std::string_view message) {
  Event event{++last_, id_line(stream_, last_)};
  append_event_data(event.text, message);
  if (live_ != nullptr) live_->send(event.text);
  bytes_ += event.text.size();
  events_.push_back(std::move(event));
  while (events_.size() > 1 && (events_.size() > kMostEvents || bytes_ > kMostBytes)) {
    bytes_ -= events_.front().text.size();
    events_.pop_front();
  }
  changed_.notify_all();
}

void EventLog::send(std::string_view message) {
  const std::lock_guard lock(mutex_);
  if (is_over_) return;
  if (!has_begun_ && live_ != nullptr) begin();
  add(message);
}

// Requires: mutex_ is held; live_ is there.
void EventLog::begin() {
  has_begun_ = true;
  when_begun_();
  // The connection is not used again: it may be closed before the reply.
  live_->begin_stream(kEventStream, event_stream_headers(), true);
  live_->set_comment(std::string(kSilentComment));
  if (primes_) live_->send(id_line(stream_, 0) + "retry: 1000\ndata: \n\n");
}

void EventLog::close() {
  const std::lock_guard lock(mutex_);
  if (live_ == nullptr || !primes_) return;
  if (!has_begun_) begin();
  live_->end_early();
  live_ = nullptr;
}

bool EventLog::finish(std::string_view reply) {
  const std::lock_guard lock(mutex_);
  if (has_begun_ && !reply.empty()) add(reply);
  live_ = nullptr;
  is_over_ = true;
  changed_.notify_all();
  return has_begun_;
}

void EventLog::follow(HttpExchange& exchange, uint64_t after) {
  const auto look = [this] {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  };
  const std::stop_callback when_gone(exchange.gone(), look);
  const std::stop_callback when_stopping(exchange.stopping(), look);
  std::unique_lock lock(mutex_);
  const uint64_t turn = ++followers_;
  live_ = nullptr;  // the client has left that connection
  changed_.notify_all();
  const auto must_end = [&] {
    return followers_ != turn || exchange.gone().stop_requested() || exchange.stopping().stop_requested();
  };
  while (true) {
    changed_.wait(lock, [&] { return must_end() || is_over_ || last_ > after; });
    if (must_end()) return;
    std::string text;
    for (const Event& event : events_) {
      if (event.number > after) text += event.text;
    }
    after = last_;
    const bool is_over = is_over_;
    lock.unlock();
    const bool is_sent = exchange.send(text);
    lock.lock();
    if (!is_sent || (is_over && after == last_)) return;
  }
}

uint64_t EventLog::last() {
  const std::lock_guard lock(mutex_);
  return last_;
}

bool EventLog::is_over() {
  const std::lock_guard lock(mutex_);
  return is_over_;
}

void EventLog::end() {
  const std::lock_guard lock(mutex_);
  is_over_ = true;
  followers_++;
  changed_.notify_all();
}

}  // namespace chronos
