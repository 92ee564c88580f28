#include "mcp/http_channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace chronos {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

HttpChannel::~HttpChannel() { ::close(fd_); }

bool HttpChannel::wait(short events, SteadyTime until) const {
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now()).count();
    pollfd ready{fd_, events, 0};
    const int got = ::poll(&ready, 1, static_cast<int>(std::clamp<int64_t>(left, 0, 1 << 30)));
    if (got > 0) return true;
    if (got == 0 || errno != EINTR) return false;
  }
}

ssize_t HttpChannel::read(char* to, size_t size, SteadyTime until) {
  while (true) {
    const ssize_t got = ::recv(fd_, to, size, 0);
    if (got >= 0) return got;
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return -1;
    if (!wait(POLLIN, until)) return -1;
  }
}

bool HttpChannel::write(std::string_view bytes, milliseconds stall) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put > 0) {
      bytes.remove_prefix(static_cast<size_t>(put));
    } else if (errno != EINTR) {
      if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
      if (!wait(POLLOUT, steady_clock::now() + stall)) return false;
    }
  }
  return true;
}

void HttpChannel::finish() { ::shutdown(fd_, SHUT_WR); }

void HttpChannel::shut_down(bool both) { ::shutdown(fd_, both ? SHUT_RDWR : SHUT_RD); }

}  // namespace chronos
