#include "mcp/stop_signal.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "core/check.h"

namespace chronos {
namespace {

// A signal handler can reach nothing else.
volatile int g_signal_pipe = -1;

void on_signal(int) {
  const int saved = errno;
  if (::write(g_signal_pipe, "s", 1) < 0) {
    // Full: it was told before.
  }
  errno = saved;
}

}  // namespace

StopSignal::StopSignal() {
  CHECK(::pipe2(pipe_, O_CLOEXEC | O_NONBLOCK) == 0);
  g_signal_pipe = pipe_[1];
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESETHAND | SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

StopSignal::~StopSignal() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  ::close(pipe_[0]);
  ::close(pipe_[1]);
}

bool StopSignal::came() const {
  pollfd stop = {pipe_[0], POLLIN, 0};
  return ::poll(&stop, 1, 0) > 0;
}

void StopSignal::wait() const {
  pollfd stop = {pipe_[0], POLLIN, 0};
  while (::poll(&stop, 1, -1) < 0 && errno == EINTR) {
  }
}

}  // namespace chronos
