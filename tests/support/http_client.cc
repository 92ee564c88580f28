#include "tests/support/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/check.h"

namespace chronos::test {
namespace {

constexpr int kVeryLongMs = 60'000;

}  // namespace

HttpClient::HttpClient(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  CHECK(fd_ >= 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(::connect(fd_, reinterpret_cast<sockaddr*>(&where), sizeof where) == 0);
}

HttpClient::~HttpClient() { close(); }

void HttpClient::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void HttpClient::close_output() { ::shutdown(fd_, SHUT_WR); }

bool HttpClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return true;
}

bool HttpClient::fill() {
  pollfd ready{fd_, POLLIN, 0};
  const int got = ::poll(&ready, 1, kVeryLongMs);
  CHECK(got > 0);
  std::array<char, 65536> bytes;
  const ssize_t size = ::recv(fd_, bytes.data(), bytes.size(), 0);
  if (size <= 0) return false;
  buffer_.append(bytes.data(), static_cast<size_t>(size));
  return true;
}

std::optional<std::string> HttpClient::take_line() {
  size_t end;
  while ((end = buffer_.find("\r\n")) == std::string::npos) {
    if (!fill()) return std::nullopt;
  }
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return line;
}

std::string HttpClient::take(size_t size) {
  while (buffer_.size() < size) {
    if (!fill()) break;
  }
  std::string bytes = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return bytes;
}

HttpReply HttpClient::receive_head() {
  HttpReply reply;
  do {
    reply = {};
    const auto first = take_line();
    if (!first || first->size() < 12) return reply;
    reply.status = std::stoi(first->substr(9, 3));
    while (true) {
      const auto line = take_line();
      if (!line) return {};
      if (line->empty()) break;
      const size_t colon = line->find(':');
      std::string name = line->substr(0, colon);
      std::transform(name.begin(), name.end(), name.begin(), [](char c) { return static_cast<char>(::tolower(c)); });
      reply.headers[name] = line->substr(std::min(line->size(), colon + 2));
    }
  } while (reply.status == 100);
  is_chunked_ = reply.header("transfer-encoding") == "chunked";
  return reply;
}

HttpReply HttpClient::receive() {
  HttpReply reply = receive_head();
  if (is_chunked_) {
    while (auto part = receive_part()) reply.body += *part;
  } else if (!reply.header("content-length").empty()) {
    reply.body = take(std::stoul(reply.header("content-length")));
  }
  return reply;
}

std::optional<std::string> HttpClient::receive_part() {
  const auto size = take_line();
  if (!size || size->empty()) return std::nullopt;
  const size_t bytes = std::stoul(*size, nullptr, 16);
  std::string part = take(bytes);
  take_line();
  if (bytes == 0) return std::nullopt;
  return part;
}

bool HttpClient::is_closed() { return buffer_.empty() && !fill(); }

std::string HttpClient::request(std::string_view method, std::string_view path, std::string_view body,
                                std::string_view headers) {
  std::string text(method);
  text.append(" ").append(path).append(" HTTP/1.1\r\nHost: localhost\r\n").append(headers);
  if (method != "GET" && method != "DELETE" && method != "HEAD" && method != "OPTIONS") {
    text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  }
  return text.append("\r\n").append(body);
}

HttpReply HttpClient::get(std::string_view path, std::string_view headers) {
  send(request("GET", path, "", headers));
  return receive();
}

HttpReply HttpClient::post(std::string_view path, std::string_view body, std::string_view headers) {
  std::string lines(headers);
  if (lines.find("Content-Type") == std::string::npos) lines += "Content-Type: application/json\r\n";
  send(request("POST", path, body, lines));
  return receive();
}

}  // namespace chronos::test
