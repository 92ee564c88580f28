#include "tests/support/stdio_session.h"

#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <utility>

// Last: its CHECK is the one meant here.
#include "tests/support/catch.h"

namespace chronos {
namespace {

constexpr int kHangsAfterMs = 60'000;

}  // namespace

StdioSession::StdioSession(StdioOptions options)
    : in_(make_pipe()), out_(make_pipe()), stop_(make_pipe()) {
  std::signal(SIGPIPE, SIG_IGN);
  options.in = in_.read_end;
  options.out = out_.write_end;
  options.stop_fd = stop_.read_end;
  server_ = std::thread([this, options] {
    {
      StdioServer server(server_parts_.dispatcher, backend_, options);
      server.run();
    }
    close_end(&out_.write_end);
  });
}

StdioSession::~StdioSession() {
  close_input();
  close_output();  // a server that waits for us to read goes on
  backend_.release(1'000'000);
  if (server_.joinable()) server_.join();
  for (Pipe* pipe : {&in_, &out_, &stop_}) {
    close_end(&pipe->read_end);
    close_end(&pipe->write_end);
  }
}

StdioSession::Pipe StdioSession::make_pipe() {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  return {ends[0], ends[1]};
}

void StdioSession::close_end(int* fd) {
  if (*fd >= 0) ::close(*fd);
  *fd = -1;
}

void StdioSession::send_bytes(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(in_.write_end, bytes.data(), bytes.size());
    REQUIRE(count > 0);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

std::string StdioSession::receive() {
  for (;;) {
    if (const size_t end = received_.find('\n'); end != received_.npos) {
      std::string line = received_.substr(0, end);
      received_.erase(0, end + 1);
      return line;
    }
    pollfd readable{out_.read_end, POLLIN, 0};
    if (::poll(&readable, 1, kHangsAfterMs) == 0) FAIL("no answer came");
    char bytes[4096];
    const ssize_t count = ::read(out_.read_end, bytes, sizeof bytes);
    if (count <= 0) return std::exchange(received_, "");
    received_.append(bytes, static_cast<size_t>(count));
  }
}

void StdioSession::close_input() { close_end(&in_.write_end); }
void StdioSession::close_output() { close_end(&out_.read_end); }
void StdioSession::ask_to_stop() { REQUIRE(::write(stop_.write_end, "x", 1) == 1); }

std::vector<std::string> StdioSession::finish() {
  std::vector<std::string> lines;
  if (out_.read_end >= 0) {
    for (std::string line = receive(); !line.empty(); line = receive()) lines.push_back(std::move(line));
  }
  server_.join();
  return lines;
}

}  // namespace chronos
