// Lines from and to file descriptors.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "core/log.h"

namespace chronos {

// A line and the zero bytes its readers may look at beyond it.  Moving it leaves the text where it is.
class Line {
 public:
  Line() : Line(std::string_view()) {}
  explicit Line(std::string_view text);
  std::string_view text() const { return {bytes_.data(), bytes_.size() - kSimdPadding}; }
  size_t size_bytes() const { return bytes_.size(); }

 private:
  std::string bytes_;  // always longer than a string keeps inside itself
};

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

  // Waits for the next event; empty lines are none.  kLine sets `line`.
  Event next(Line* line);

 private:
  std::optional<Event> take_buffered(Line* line);
  std::optional<Event> wait_for_input();
  void read_more();
  void make_room();

  const Options options_;
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t begin_ = 0;     // the unread bytes are [begin_, end_) of buffer_
  size_t searched_ = 0;  // none of [begin_, searched_) ends a line
  size_t end_ = 0;
  bool is_skipping_ = false;
  bool is_at_end_ = false;
  bool told_quiet_ = true;  // a process that was only started has nothing to tidy up
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
