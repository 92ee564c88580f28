// A child process with pipes on its standard input and output.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace chronos::bench {

class Child {
 public:
  explicit Child(const std::vector<std::string>& arguments);
  // Closes the input and waits.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void send(std::string_view line);  // a newline is added
  std::string receive();             // one line
  pid_t id() const { return id_; }

 private:
  pid_t id_ = -1;
  int in_ = -1;
  int out_ = -1;
  std::string buffered_;
};

struct Finished {
  double seconds = 0;
  double cpu_seconds = 0;
  double told_seconds = 0;  // until it told what was waited for
};
// Runs a program to its end, its output thrown away; unless it is empty, `awaited` is in what it writes to its standard
// error.
Finished run_program(const std::vector<std::string>& arguments, std::string_view awaited = {});

}  // namespace chronos::bench
