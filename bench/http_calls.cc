#include "bench/http_calls.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>

namespace chronos::bench {
namespace {

constexpr std::string_view kInitialize =
    R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},)"
    R"("clientInfo":{"name":"chronos_load","version":"1"}}})";
constexpr std::string_view kInitialized = R"({"jsonrpc":"2.0","method":"notifications/initialized"})";

// The value of a header of the answer, "" when it has none.
std::string_view header(std::string_view head, std::string_view name) {
  for (size_t at = head.find("\r\n"); at != head.npos; at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    if (line.size() <= name.size() || line[name.size()] != ':') continue;
    const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
    if (!std::equal(name.begin(), name.end(), line.begin(), [&](char n, char l) { return same(l, n); })) continue;
    const size_t value = line.find_first_not_of(' ', name.size() + 1);
    return value == line.npos ? "" : line.substr(value);
  }
  return "";
}

size_t number(std::string_view text, int base) {
  size_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

}  // namespace

HttpConnection::HttpConnection(uint16_t port, std::string path) : path_(std::move(path)) {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    die("cannot connect to 127.0.0.1:" + std::to_string(port) + ": " + std::strerror(errno));
  }
  const int yes = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

HttpConnection::~HttpConnection() { ::close(socket_); }

std::string HttpConnection::request(std::string_view method, std::string_view message) const {
  std::string text(method);
  text += " " + path_ + " HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: ";
  text += method == "GET" ? "text/event-stream" : "application/json, text/event-stream";
  if (!session_.empty()) text += "\r\nMcp-Protocol-Version: 2025-11-25\r\nMcp-Session-Id: " + session_;
  if (method == "POST") {
    text += "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(message.size());
  }
  return text.append("\r\n\r\n").append(message);
}

void HttpConnection::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) die(std::string("the server closed a connection: ") + std::strerror(errno));
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

void HttpConnection::begin(std::string_view message) {
  received_.clear();
  send(request("POST", message));
}

bool HttpConnection::take() {
  char buffer[65536];
  const ssize_t size = ::recv(socket_, buffer, sizeof buffer, 0);
  if (size <= 0) die("the server closed a connection in place of an answer: " + received_.substr(0, 300));
  received_.append(buffer, static_cast<size_t>(size));
  return whole();
}

bool HttpConnection::whole() {
  const size_t end = received_.find("\r\n\r\n");
  if (end == received_.npos) return false;
  const std::string_view head = std::string_view(received_).substr(0, end);
  if (!head.starts_with("HTTP/1.1 20")) die("the server answered: " + received_.substr(0, 500));
  if (header(head, "transfer-encoding") == "chunked") return take_chunks(end + 4);
  const size_t length = number(header(head, "content-length"), 10);
  if (received_.size() < end + 4 + length) return false;
  body_.assign(received_, end + 4, length);
  return true;
}

bool HttpConnection::take_chunks(size_t from) {
  body_.clear();
  while (true) {
    const size_t line = received_.find("\r\n", from);
    if (line == received_.npos) return false;
    const size_t size = number(std::string_view(received_).substr(from, line - from), 16);
    if (received_.size() < line + 2 + size + 2) return false;
    if (size == 0) return true;
    body_.append(received_, line + 2, size);
    from = line + 2 + size + 2;
  }
}

std::string HttpConnection::post(std::string_view message) {
  begin(message);
  while (!take()) {
  }
  return body_;
}

void HttpConnection::open_session() {
  const std::string answer = post(kInitialize);
  if (answer.find("\"result\"") == answer.npos) die("initialize was refused: " + answer);
  session_ = header(std::string_view(received_).substr(0, received_.find("\r\n\r\n")), "mcp-session-id");
  post(kInitialized);
}

void HttpConnection::open_stream() {
  received_.clear();
  send(request("GET", ""));
  char buffer[4096];
  while (received_.find("\r\n\r\n") == received_.npos) {
    const ssize_t size = ::recv(socket_, buffer, sizeof buffer, 0);
    if (size <= 0) die("the server closed a connection in place of a stream");
    received_.append(buffer, static_cast<size_t>(size));
  }
  if (!received_.starts_with("HTTP/1.1 200")) die("no stream: " + received_.substr(0, 500));
}

CallRate call_over(const std::vector<std::unique_ptr<HttpConnection>>& connections, const std::string& message,
                   double seconds) {
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<uint64_t> begun(connections.size());
  for (size_t i = 0; i < connections.size(); i++) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    ::epoll_ctl(poll, EPOLL_CTL_ADD, connections[i]->socket(), &event);
  }
  CallRate rate;
  const uint64_t start = now_ns();
  const uint64_t until = start + static_cast<uint64_t>(seconds * 1e9);
  for (size_t i = 0; i < connections.size(); i++) {
    begun[i] = now_ns();
    connections[i]->begin(message);
  }
  std::vector<epoll_event> events(connections.size());
  for (size_t open = connections.size(); open > 0;) {
    const int ready = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), 60'000);
    if (ready <= 0) die("no answer within a minute");
    for (int e = 0; e < ready; e++) {
      const size_t i = events[static_cast<size_t>(e)].data.u64;
      HttpConnection& connection = *connections[i];
      if (!connection.take()) continue;
      const uint64_t now = now_ns();
      const std::string_view body = connection.body();
      if (body.find("\"result\"") == body.npos || body.find("\"isError\":true") != body.npos) {
        die("a call failed: " + std::string(body.substr(0, 500)));
      }
      rate.latencies.add(now - begun[i]);
      rate.calls++;
      if (now >= until) {
        open--;
        continue;
      }
      begun[i] = now;
      connection.begin(message);
    }
  }
  rate.per_second = static_cast<double>(rate.calls) * 1e9 / static_cast<double>(now_ns() - start);
  ::close(poll);
  return rate;
}

}  // namespace chronos::bench
