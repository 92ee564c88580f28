// SIGINT and SIGTERM as a readable file descriptor, so that whoever waits in poll() can end in order.  A second signal
// of the same kind ends the process at once.
#pragma once

#include "core/result.h"

namespace chronos {

// One per process.
class StopSignal {
 public:
  // Handles the signals from now on, and ignores SIGPIPE: a closed pipe is an error of write().
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  // Readable, for ever, once a signal came.
  int fd() const { return pipe_[0]; }
  bool came() const;
  // Returns once it came.
  void wait() const;

 private:
  int pipe_[2] = {-1, -1};
};

}  // namespace chronos
