#include "mcp/http_exchange.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "core/log.h"
#include "tools/tool.h"

namespace chronos {
namespace {

using std::chrono::steady_clock;

constexpr std::string_view kJson = "application/json";

// A chunk of the chunked transfer coding.
std::string framed(std::string_view part) {
  std::array<char, 16> size;
  const auto end = std::to_chars(size.data(), size.data() + size.size(), part.size(), 16).ptr;
  std::string chunk(size.data(), end);
  chunk.reserve(chunk.size() + part.size() + 4);
  return chunk.append("\r\n").append(part).append("\r\n");
}

Code code_of(int status) {
  switch (status) {
    case 401: return Code::kUnauthenticated;
    case 403: return Code::kPermissionDenied;
    case 404: return Code::kNotFound;
    case 413:
    case 414:
    case 431: return Code::kTooLarge;
    case 408:
    case 503: return Code::kUnavailable;
    case 429: return Code::kRateLimited;
    case 500: return Code::kInternal;
    default: return Code::kInvalidArgument;
  }
}

}  // namespace

int http_status(Code code) {
  switch (code) {
    case Code::kInvalidArgument: return 400;
    case Code::kNotFound: return 404;
    case Code::kConflict:
    case Code::kIdReused: return 409;
    case Code::kTooLarge: return 413;
    case Code::kPermissionDenied: return 403;
    case Code::kUnauthenticated: return 401;
    case Code::kRateLimited: return 429;
    case Code::kUnavailable: return 503;
    case Code::kCorrupt:
    case Code::kInternal: return 500;
  }
  return 500;
}

HttpExchange::HttpExchange(HttpHead head, std::string peer, Ends ends)
    : head_(std::move(head)),
      peer_(std::move(peer)),
      ends_(std::move(ends)),
      body_left_(head_.content_length),
      body_until_(steady_clock::now() + ends_.limits.body_time),
      keeps_alive_(head_.keeps_alive) {}

// --- the body ---

bool HttpExchange::fail_body(int status, std::string message) {
  unread_ = HttpRefusal{status, std::move(message)};
  return false;
}

// What cpp-httplib reads.
ssize_t HttpExchange::read(char* to, size_t size) {
  if (unread_) return -1;
  if (is_body_read()) return 0;
  if (!flush()) return -1;  // "100 Continue", for which the other end may be waiting
  HttpInput& input = ends_.input;
  if (input.empty()) {
    std::array<char, size_t{64} << 10> part;
    const SteadyTime now = steady_clock::now();
    const SteadyTime until = is_long_body_ ? now + ends_.limits.body_stall : body_until_;
    const ssize_t got = now > until ? -1 : ends_.channel.read(part.data(), part.size(), until);
    if (got <= 0) {
      fail_body(got < 0 ? 408 : 400, got < 0 ? "The body did not arrive in time." : "The body ended before its end.");
      return -1;
    }
    input.add({part.data(), static_cast<size_t>(got)});
  }
  const uint64_t wanted = head_.is_chunked ? check_.wanted() : body_left_;
  const std::string_view bytes = input.rest().substr(0, static_cast<size_t>(std::min<uint64_t>(size, wanted)));
  if (head_.is_chunked && !check_.take(bytes)) {
    fail_body(400, "The chunks of the body are malformed.");
    return -1;
  }
  if (!head_.is_chunked) body_left_ -= bytes.size();
  bytes.copy(to, bytes.size());
  const size_t part = bytes.size();
  input.drop(part);
  return static_cast<ssize_t>(part);
}

bool HttpExchange::read_body(const HttpMessages::TakePart& take) {
  is_long_body_ = true;
  return (*reader_)(take) && is_body_read();
}

std::optional<std::string> HttpExchange::read_body(size_t limit) {
  std::string body;
  const auto too_large = [&] {
    fail_body(413, "The body is longer than " + std::to_string(limit) + " bytes. Send less at a time.");
    return false;
  };
  const auto take = [&](std::string_view part) {
    if (body.size() + part.size() > limit) return too_large();
    body.append(part);
    return true;
  };
  const bool is_read = head_.content_length > limit ? too_large() : (*reader_)(take) && is_body_read();
  if (is_read) {
    body.reserve(body.size() + kSimdPadding);
    return body;
  }
  if (!unread_) fail_body(400, "The body could not be read.");
  answer_error(unread_->status, Error{code_of(unread_->status), unread_->message, ""});
  return std::nullopt;
}

// --- plain answers ---

void HttpExchange::answer(int status, std::string_view type, std::string body, HttpHeaders headers) {
  answer_.status = status;
  answer_.headers = std::move(headers);
  answer_.headers.emplace_back("Content-Type", type);
  answer_.body = std::move(body);
  is_answered_ = true;
}

void HttpExchange::answer_json(int status, std::string body, HttpHeaders headers) {
  answer(status, kJson, std::move(body), std::move(headers));
}

void HttpExchange::answer_empty(int status, HttpHeaders headers) {
  answer_ = HttpAnswer{status, std::move(headers), ""};
  is_answered_ = true;
}

void HttpExchange::answer_error(int status, const Error& error, HttpHeaders headers) {
  answer_json(status, error_json(error), std::move(headers));
}

// --- streams ---

bool HttpExchange::begin_stream(std::string_view type, HttpHeaders headers, bool closes) {
  const std::lock_guard lock(mutex_);
  if (is_stream_) return !is_broken_;
  is_stream_ = true;
  status_ = 200;
  keeps_alive_ = keeps_alive_ && !closes && is_body_read() && !ends_.stopping.stop_requested();
  if (!head_.knows_chunks) keeps_alive_ = false;  // the end of the connection is the end of the stream
  std::string head = "HTTP/1.1 200 OK\r\nContent-Type: " + std::string(type) + "\r\n";
  if (head_.knows_chunks) head += "Transfer-Encoding: chunked\r\n";
  headers.insert(headers.end(), more_.begin(), more_.end());
  for (const auto& [name, value] : headers) head.append(name).append(": ").append(value).append("\r\n");
  if (!keeps_alive_) head += "Connection: close\r\n";
  head += "\r\n";
  is_broken_ = !flush() || !ends_.channel.write(head, ends_.limits.write_stall);
  last_sent_ = steady_clock::now();
  return !is_broken_;
}

bool HttpExchange::send(std::string_view part) {
  const std::lock_guard lock(mutex_);
  return send_locked(part);
}

bool HttpExchange::send_locked(std::string_view part) {
  if (is_broken_ || part.empty()) return !is_broken_;
  const std::string chunk = head_.knows_chunks ? framed(part) : std::string(part);
  is_broken_ = !ends_.channel.write(chunk, ends_.limits.write_stall);
  last_sent_ = steady_clock::now();
  if (is_broken_) gone_.request_stop();
  return !is_broken_;
}

void HttpExchange::end_early() {
  const std::lock_guard lock(mutex_);
  if (is_broken_) return;
  if (head_.knows_chunks) ends_.channel.write("0\r\n\r\n", ends_.limits.write_stall);
  ends_.channel.finish();
  is_broken_ = true;
}

void HttpExchange::set_comment(std::string comment) {
  const std::lock_guard lock(mutex_);
  comment_ = std::move(comment);
}

void HttpExchange::tend(SteadyTime now) {
  if (is_stream_ && may_go_on_ && now - asked_at_ >= std::chrono::seconds(1)) {
    asked_at_ = now;
    if (!may_go_on_()) gone_.request_stop();
  }
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock || !is_stream_ || is_broken_ || comment_.empty()) return;
  if (now - last_sent_ < ends_.limits.comment_after) return;
  pollfd ready{ends_.channel.fd(), POLLOUT, 0};
  if (::poll(&ready, 1, 0) > 0) send_locked(comment_);
}

// --- the run ---

// What cpp-httplib writes: nothing more once a stream was begun.
bool HttpExchange::write(std::string_view bytes) {
  if (!has_stream()) output_.append(bytes);
  return true;
}

bool HttpExchange::flush() {
  if (output_.empty()) return true;
  const bool is_written = ends_.channel.write(output_, ends_.limits.write_stall);
  output_.clear();
  return is_written;
}

HttpMessages::Outcome HttpExchange::handle(const Handler& handler, const HttpMessages::ReadBody& read_body) {
  reader_ = &read_body;
  handler(*this);
  // A short body that nobody wanted is read, so that the connection can go on.
  constexpr uint64_t kShort = uint64_t{64} << 10;
  if (!is_body_read() && !unread_ && !head_.is_chunked && body_left_ <= kShort) {
    read_body([](std::string_view) { return true; });
  }
  reader_ = nullptr;
  if (has_stream()) return {};
  if (!is_answered_) answer_error(500, Error{Code::kInternal, "The request was not answered. Please report this.", ""});
  answer_.headers.insert(answer_.headers.end(), more_.begin(), more_.end());
  status_ = answer_.status;
  keeps_alive_ = keeps_alive_ && is_body_read() && !ends_.stopping.stop_requested();
  return {std::move(answer_), !keeps_alive_};
}

void HttpExchange::end_stream() {
  const std::lock_guard lock(mutex_);
  if (is_broken_ || !head_.knows_chunks) return;
  is_broken_ = !ends_.channel.write("0\r\n\r\n", ends_.limits.write_stall);
}

bool HttpExchange::run(HttpMessages& messages, const Handler& handler) {
  const bool is_run =
      messages.run(*this, head_, [&](const HttpMessages::ReadBody& read_body) { return handle(handler, read_body); });
  if (has_stream()) {
    end_stream();
    const std::lock_guard lock(mutex_);
    return keeps_alive_ && !is_broken_;
  }
  return flush() && is_run && keeps_alive_;
}

}  // namespace chronos
