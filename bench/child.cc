#include "bench/child.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "bench/measure.h"

namespace chronos::bench {
namespace {

// posix_spawn, not fork: this process is large, and copying its page tables would be measured with the child's start.
pid_t start(const std::vector<std::string>& arguments, int in, int out, int err) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in, 0);
  posix_spawn_file_actions_adddup2(&actions, out, 1);
  posix_spawn_file_actions_adddup2(&actions, err, 2);
  pid_t id = 0;
  const int failed = posix_spawn(&id, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) die("cannot start " + arguments[0]);
  return id;
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

Child::Child(const std::vector<std::string>& arguments) {
  int to[2];
  int from[2];
  if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) die("no pipe");
  std::signal(SIGPIPE, SIG_IGN);
  id_ = start(arguments, to[0], from[1], 2);
  close(to[0]);
  close(from[1]);
  in_ = to[1];
  out_ = from[0];
}

Child::~Child() {
  close(in_);
  int status = 0;
  waitpid(id_, &status, 0);
  close(out_);
}

void Child::send(std::string_view line) {
  std::string text(line);
  text += '\n';
  for (size_t done = 0; done < text.size();) {
    const ssize_t n = write(in_, text.data() + done, text.size() - done);
    if (n <= 0) die("the server does not read");
    done += static_cast<size_t>(n);
  }
}

std::string Child::receive() {
  for (;;) {
    const size_t end = buffered_.find('\n');
    if (end != std::string::npos) {
      std::string line = buffered_.substr(0, end);
      buffered_.erase(0, end + 1);
      return line;
    }
    char piece[65536];
    const ssize_t n = read(out_, piece, sizeof piece);
    if (n <= 0) die("the server does not answer");
    buffered_.append(piece, static_cast<size_t>(n));
  }
}

Finished run_program(const std::vector<std::string>& arguments, std::string_view awaited) {
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  int errors[2];
  if (pipe2(errors, O_CLOEXEC) != 0) die("no pipe");
  const uint64_t started = now_ns();
  const pid_t id = start(arguments, null, null, errors[1]);
  close(errors[1]);
  Finished finished;
  std::string told;
  char piece[4096];
  for (ssize_t n; (n = read(errors[0], piece, sizeof piece)) > 0;) {
    told.append(piece, static_cast<size_t>(n));
    const bool is_there = !awaited.empty() && told.find(awaited) != std::string::npos;
    if (is_there && finished.told_seconds == 0) finished.told_seconds = static_cast<double>(now_ns() - started) / 1e9;
  }
  close(errors[0]);
  int status = 0;
  rusage usage{};
  wait4(id, &status, 0, &usage);
  close(null);
  if (status != 0) die(arguments[0] + " " + arguments[1] + " failed: " + told);
  if (!awaited.empty() && finished.told_seconds == 0)
    die(arguments[0] + " did not tell '" + std::string(awaited) + "'");
  finished.seconds = static_cast<double>(now_ns() - started) / 1e9;
  finished.cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  return finished;
}

}  // namespace chronos::bench
