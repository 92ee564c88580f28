// A program run by a test: its input and output as pipes, killed when the test is over.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chronos::test {

class ChildProcess {
 public:
  // Runs argv[0]; its standard error goes to the test's.
  explicit ChildProcess(std::vector<std::string> argv);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  // False when it does not read any more.
  bool write(std::string_view text);
  void close_input();
  // The next line of its output without the line end; nullopt at the end.
  std::optional<std::string> read_line();
  std::string read_all();
  void kill(int signal);
  // The exit code, or 128 + the signal that ended it.
  int wait();

 private:
  pid_t pid_ = -1;
  int in_ = -1;
  int out_ = -1;
  std::string buffer_;
  std::optional<int> exit_code_;
};

// The output and exit code of a program that is given `input`, which must fit a pipe.
struct Finished {
  int exit_code = 0;
  std::string output;
};
Finished run_program(std::vector<std::string> argv, std::string_view input = "");

}  // namespace chronos::test
