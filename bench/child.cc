#include "bench/child.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "bench/measure.h"

namespace chronos::bench {
namespace {

void execute(const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  _exit(127);
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

Child::Child(const std::vector<std::string>& arguments) {
  int to[2];
  int from[2];
  if (pipe(to) != 0 || pipe(from) != 0) die("no pipe");
  std::signal(SIGPIPE, SIG_IGN);
  id_ = fork();
  if (id_ == 0) {
    dup2(to[0], 0);
    dup2(from[1], 1);
    for (const int fd : {to[0], to[1], from[0], from[1]}) close(fd);
    execute(arguments);
  }
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

Finished run_program(const std::vector<std::string>& arguments) {
  const uint64_t start = now_ns();
  const pid_t id = fork();
  if (id == 0) {
    const int null = open("/dev/null", O_RDWR);
    for (const int fd : {0, 1, 2}) dup2(null, fd);
    execute(arguments);
  }
  int status = 0;
  rusage usage{};
  wait4(id, &status, 0, &usage);
  if (status != 0) die(arguments[0] + " " + arguments[1] + " failed");
  return {static_cast<double>(now_ns() - start) / 1e9, seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime)};
}

}  // namespace chronos::bench
