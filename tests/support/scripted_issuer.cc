#include "tests/support/scripted_issuer.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/check.h"

namespace chronos::test {

ScriptedIssuer::ScriptedIssuer(Answer answer) : answer_(std::move(answer)) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  CHECK(::listen(fd_, 16) == 0);
  socklen_t size = sizeof address;
  CHECK(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

ScriptedIssuer::~ScriptedIssuer() {
  ::shutdown(fd_, SHUT_RDWR);
  thread_.join();
  ::close(fd_);
}

void ScriptedIssuer::set_answer(Answer answer) {
  const std::lock_guard lock(mutex_);
  answer_ = std::move(answer);
}

void ScriptedIssuer::serve() {
  while (true) {
    const int peer = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (peer < 0) break;
    std::string request;
    char part[1024];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = ::recv(peer, part, sizeof part, 0);
      if (got <= 0) break;
      request.append(part, static_cast<size_t>(got));
    }
    requests_++;
    const size_t begin = std::min(request.find(' '), request.size() - 1) + 1;
    const std::string path = request.substr(begin, request.find(' ', begin) - begin);
    std::string answer;
    {
      const std::lock_guard lock(mutex_);
      answer = answer_(path);
    }
    if (answer == kSilence) {
      silent_.push_back(peer);
      continue;
    }
    // Whoever asked may have hung up: what it does not take is its own affair.
    static_cast<void>(::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL));
    ::close(peer);
  }
  for (const int peer : silent_) ::close(peer);
}

std::string ScriptedIssuer::ok(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}

}  // namespace chronos::test
