#include "mcp/outgoing_http.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "mcp/http_channel.h"
#include "mcp/http_head.h"
#include "mcp/http_tls_client.h"

namespace chronos {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr size_t kMostHead = 65536;
constexpr uint64_t kMostRetrySeconds = 86'400;

Error no_answer(const HttpUrl& url, const std::string& why) {
  return {Code::kUnavailable, "'" + url.authority + "' gave no answer: " + why, {}};
}

// A socket that is connected, or why there is none.
Result<int> connected(const HttpUrl& url, SteadyTime until, const std::stop_token& stop) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int failed = ::getaddrinfo(url.host.c_str(), url.port.c_str(), &wanted, &found); failed != 0) {
    return no_answer(url, ::gai_strerror(failed));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(found, ::freeaddrinfo);
  std::string why = "no address";
  for (const addrinfo* each = found; each != nullptr && !stop.stop_requested(); each = each->ai_next) {
    const int fd = ::socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, each->ai_protocol);
    if (fd < 0) continue;
    int failed = ::connect(fd, each->ai_addr, each->ai_addrlen) == 0 ? 0 : errno;
    while (failed == EINPROGRESS && !stop.stop_requested()) {
      // In slices: a stop cannot wake a socket that is not connected.
      const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
      pollfd ready{fd, POLLOUT, 0};
      const int got = ::poll(&ready, 1, static_cast<int>(std::clamp<int64_t>(left.count(), 0, 100)));
      if (got == 0 && left.count() <= 0) failed = ETIMEDOUT;
      if (got <= 0) continue;
      socklen_t size = sizeof failed;
      if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) != 0) failed = errno;
    }
    const int on = 1;
    if (failed == 0) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (failed == 0) return fd;
    ::close(fd);
    why = std::strerror(failed);
  }
  return no_answer(url, stop.stop_requested() ? "it was stopped" : why);
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; });
}

struct Head {
  int status = 0;
  std::optional<uint64_t> length;
  bool is_chunked = false;
  std::optional<std::chrono::seconds> retry_after;
};

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc() && read.ptr == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

// Nothing when it is no head of a reply.
std::optional<Head> read_reply_head(std::string_view text) {
  Head head;
  const size_t line = text.find("\r\n");
  if (!text.starts_with("HTTP/1.") || line < 12) return std::nullopt;
  const auto status = number(text.substr(9, 3));
  if (!status || *status < 100) return std::nullopt;
  head.status = static_cast<int>(*status);
  for (size_t at = line + 2; at < text.size();) {
    const size_t end = text.find("\r\n", at);
    if (end == std::string_view::npos || end == at) break;
    const std::string_view field = text.substr(at, end - at);
    at = end + 2;
    const size_t colon = field.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const std::string name = lower_case(field.substr(0, colon));
    std::string_view value = field.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
    if (name == "content-length") {
      head.length = number(value);
      if (!head.length) return std::nullopt;
    } else if (name == "transfer-encoding") {
      if (lower_case(value) != "chunked") return std::nullopt;
      head.is_chunked = true;
    } else if (name == "retry-after") {
      const auto seconds = number(value);
      if (seconds) head.retry_after = std::chrono::seconds(std::min(*seconds, kMostRetrySeconds));
    }
  }
  return head;
}

// A reply as it comes in.
class Reply {
 public:
  Reply(HttpChannel& channel, SteadyTime until, size_t most) : channel_(channel), until_(until), most_(most) {}

  // Why it is of no use; empty when it is there.
  std::string read(HttpResponse& response) {
    std::optional<Head> head;
    do {  // 1xx comes before the reply
      size_t end = 0;
      for (size_t searched = 0; (end = text_.find("\r\n\r\n", searched)) == std::string::npos;) {
        searched = text_.size() < 3 ? 0 : text_.size() - 3;
        if (text_.size() > kMostHead) return "its head is too long";
        if (const ssize_t got = more(); got <= 0) return ended(got);
      }
      head = read_reply_head(std::string_view(text_).substr(0, end + 4));
      if (!head) return "it does not speak HTTP/1.1";
      text_.erase(0, end + 4);
    } while (head->status < 200);
    response.status = head->status;
    response.retry_after = head->retry_after;
    return head->is_chunked ? read_chunks(response.body) : read_plain(head->length, response.body);
  }

 private:
  ssize_t more() {
    std::array<char, 16384> buffer;
    const ssize_t got = channel_.read(buffer.data(), buffer.size(), until_);
    if (got > 0) text_.append(buffer.data(), static_cast<size_t>(got));
    return got;
  }
  static std::string ended(ssize_t got) { return got == 0 ? "it closed the connection" : "the connection broke"; }
  std::string too_large() const { return "its reply has more than " + std::to_string(most_) + " bytes"; }

  std::string read_plain(std::optional<uint64_t> length, std::string& body) {
    if (length && *length > most_) return too_large();
    while (!length || text_.size() < *length) {
      if (text_.size() > most_) return too_large();
      const ssize_t got = more();
      if (got == 0 && !length) break;
      if (got <= 0) return ended(got);
    }
    if (length) text_.resize(*length);
    body = std::move(text_);
    return {};
  }

  std::string read_chunks(std::string& body) {
    ChunkCheck check;
    std::string raw;
    while (!check.is_complete()) {
      if (text_.empty()) {
        if (const ssize_t got = more(); got <= 0) return ended(got);
      }
      const std::string part = text_.substr(0, check.wanted());
      text_.erase(0, part.size());
      if (!check.take(part)) return "its chunks are broken";
      raw += part;
      if (raw.size() > most_ + most_ / 2 + kMostHead) return too_large();
    }
    for (size_t at = 0; at < raw.size();) {  // the framing was checked
      uint64_t size = 0;
      std::from_chars(raw.data() + at, raw.data() + raw.size(), size, 16);
      at = raw.find("\r\n", at) + 2;
      if (size == 0) break;
      body.append(raw, at, size);
      at += size + 2;
    }
    return body.size() > most_ ? too_large() : std::string();
  }

  HttpChannel& channel_;
  const SteadyTime until_;
  const size_t most_;
  std::string text_;  // what came and was not taken
};

std::string request_text(const HttpUrl& url, const HttpRequest& request, bool is_get) {
  std::string text = is_get ? "GET " : "POST ";
  text += url.target + " HTTP/1.1\r\nHost: " + url.authority + "\r\nConnection: close\r\n";
  for (const auto& [name, value] : request.headers) text += name + ": " + value + "\r\n";
  if (is_get) return text + "\r\n";
  return text + "Content-Length: " + std::to_string(request.body.size()) + "\r\n\r\n" + request.body;
}

// In pieces, so that an endpoint that takes them one byte at a time has no more time than another.
bool send(HttpChannel& channel, std::string_view text, SteadyTime until) {
  constexpr size_t kPiece = 16384;
  while (!text.empty()) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    if (left.count() <= 0 || !channel.write(text.substr(0, kPiece), left)) return false;
    text.remove_prefix(std::min(kPiece, text.size()));
  }
  return true;
}

Result<HttpResponse> ask(const HttpRequest& request, const std::stop_token& stop, bool is_get) {
  const auto url = parse_http_url(request.url);
  if (!url) return url.error();
  for (const auto& [name, value] : request.headers) {
    if (has_control(name) || has_control(value)) {
      return Error{Code::kInvalidArgument, "the header '" + name + "' has characters that none may have", {}};
    }
  }
  const SteadyTime until = steady_clock::now() + request.timeout;
  const auto fd = connected(*url, until, stop);
  if (!fd) return fd.error();
  const std::unique_ptr<HttpChannel> channel =
      url->is_secure ? make_tls_client(*fd, url->host) : std::make_unique<HttpChannel>(*fd);
  if (channel == nullptr) return no_answer(*url, "there is no TLS");
  const std::stop_callback on_stop(stop, [&channel] { channel->shut_down(true); });
  const auto ended = [&](const std::string& why) {
    if (stop.stop_requested()) return no_answer(*url, "it was stopped");
    return no_answer(*url, steady_clock::now() >= until ? "time was up" : why);
  };
  if (!channel->prepare(until)) return ended("its certificate is not good, or it speaks no TLS");
  // Whatever became of the writing, a reply may be there: it may refuse a request before it has read it.
  const bool is_sent = send(*channel, request_text(*url, request, is_get), until);
  HttpResponse response;
  const std::string why = Reply(*channel, until, request.max_response_bytes).read(response);
  if (!why.empty()) return ended(is_sent ? why : "it did not take the request");
  return response;
}

}  // namespace

Result<HttpUrl> parse_http_url(std::string_view url) {
  const auto wrong = [url] {
    return Error{Code::kInvalidArgument,
                 "'" + std::string(url.substr(0, 200)) + "' is no URL: write http://host:port/path", {}};
  };
  HttpUrl parsed;
  std::string_view rest = url;
  if (rest.starts_with("https://")) {
    parsed.is_secure = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return wrong();
  }
  if (has_control(rest) || rest.find(' ') != std::string_view::npos) return wrong();
  rest = rest.substr(0, rest.find('#'));
  const size_t path = std::min(rest.find_first_of("/?"), rest.size());
  parsed.authority = rest.substr(0, path);
  parsed.target = rest.substr(path);
  if (!parsed.target.starts_with('/')) parsed.target.insert(0, "/");
  std::string_view host = parsed.authority;
  if (host.find('@') != std::string_view::npos) return wrong();
  const size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
    parsed.port = host.substr(colon + 1);
    const auto value = number(parsed.port);
    if (!value || *value == 0 || *value > 65535) return wrong();
    host = host.substr(0, colon);
  } else {
    parsed.port = parsed.is_secure ? "443" : "80";
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  parsed.host = host;
  return parsed.host.empty() ? Result<HttpUrl>(wrong()) : Result<HttpUrl>(parsed);
}

Result<HttpResponse> OutgoingHttp::post(const HttpRequest& request, const std::stop_token& stop) {
  return ask(request, stop, false);
}

Result<HttpResponse> OutgoingHttp::get(const HttpRequest& request, const std::stop_token& stop) {
  return ask(request, stop, true);
}

}  // namespace chronos
