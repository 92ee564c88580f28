#include "tests/support/child_process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "core/check.h"

namespace chronos::test {

ChildProcess::ChildProcess(std::vector<std::string> argv) {
  std::signal(SIGPIPE, SIG_IGN);
  int to_child[2];
  int from_child[2];
  CHECK(::pipe2(to_child, O_CLOEXEC) == 0 && ::pipe2(from_child, O_CLOEXEC) == 0);
  std::vector<char*> raw;
  for (std::string& argument : argv) raw.push_back(argument.data());
  raw.push_back(nullptr);
  pid_ = ::fork();
  CHECK(pid_ >= 0);
  if (pid_ == 0) {
    ::dup2(to_child[0], STDIN_FILENO);
    ::dup2(from_child[1], STDOUT_FILENO);
    ::execv(raw[0], raw.data());
    ::_exit(127);
  }
  ::close(to_child[0]);
  ::close(from_child[1]);
  in_ = to_child[1];
  out_ = from_child[0];
}

ChildProcess::~ChildProcess() {
  if (!exit_code_) {
    kill(SIGKILL);
    wait();
  }
  close_input();
  ::close(out_);
}

bool ChildProcess::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(in_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

void ChildProcess::close_input() {
  if (in_ >= 0) ::close(in_);
  in_ = -1;
}

std::optional<std::string> ChildProcess::read_line() {
  while (true) {
    const size_t end = buffer_.find('\n');
    if (end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    char block[1 << 16];
    const ssize_t got = ::read(out_, block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    buffer_.append(block, static_cast<size_t>(got));
  }
}

std::string ChildProcess::read_all() {
  std::string text;
  while (auto line = read_line()) text += *line + '\n';
  text += buffer_;
  buffer_.clear();
  return text;
}

void ChildProcess::kill(int signal) { ::kill(pid_, signal); }

int ChildProcess::wait() {
  int status = 0;
  while (!exit_code_) {
    if (::waitpid(pid_, &status, 0) < 0) {
      CHECK(errno == EINTR);
      continue;
    }
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return *exit_code_;
}

Finished run_program(std::vector<std::string> argv, std::string_view input) {
  ChildProcess child(std::move(argv));
  child.write(input);
  child.close_input();
  Finished finished;
  finished.output = child.read_all();
  finished.exit_code = child.wait();
  return finished;
}

}  // namespace chronos::test
