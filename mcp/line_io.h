// Lines from and to file descriptors.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

namespace chronos {

// Reads lines; one thread at a time.
class LineReader {
 public:
  enum class Event {
    kLine,     // a line, its end (\n or \r\n) removed; the last one may have had none
    kTooLong,  // a line over the limit began; its bytes will be skipped
    kQuiet,    // nothing came for quiet_after; told once until something comes again
    kEnd,      // the input ended, stop_fd became readable, or nobody reads the output any more
  };
  struct Options {
    int in = 0;
    int out = 1;       // only watched for being closed by its reader
    int stop_fd = -1;  // -1: none
    size_t max_line_bytes = 0;
    std::chrono::milliseconds quiet_after{200};
  };

  explicit LineReader(const Options& options);

  // Waits for the next event.  kLine puts it into `line`, whose capacity has kSimdPadding readable bytes after it.
  // Empty lines are skipped.
  Event next(std::string* line);

 private:
  bool take_line(std::string* line, Event* event);
  bool wait_for_input(Event* event);
  void fill();

  const Options options_;
  std::string buffer_;
  size_t begin_ = 0;     // the unread part of buffer_ is [begin_, buffer_.size())
  size_t searched_ = 0;  // no line end before this
  bool skipping_ = false;
  bool at_end_ = false;
  bool told_quiet_ = true;
};

// Writes whole lines; safe to call from any thread.
class LineWriter {
 public:
  explicit LineWriter(int fd) : fd_(fd) {}

  // One message and its line end, in one write.  Line ends inside it, which JSON allows between tokens, become spaces.
  // False once the reader of the other end is gone: nothing is written any more.
  bool write(std::string message);

 private:
  const int fd_;
  std::mutex mutex_;
  bool is_broken_ = false;  // guarded by mutex_
};

}  // namespace chronos
