// The lines of a file or pipe, read in large blocks, with a look ahead: what an import cuts its blocks from.
//
// Empty lines are counted but not shown; line ends (\n or \r\n) are removed; the last line needs none.
//
// What is read stays where it is as long as somebody keeps it: blocks go to other threads without being copied.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "core/content_chain.h"
#include "core/result.h"

namespace chronos {

class LineWindow {
 public:
  struct Line {
    size_t begin;  // in the buffer
    size_t size;
    uint64_t number;     // 1, 2, 3, ... in the file, empty ones counted
    ContentChain chain;  // of all lines shown so far, this one included
    uint64_t bytes;      // of all lines shown so far, this one included, a line end for each
  };
  struct Reach {  // how far fill() looks ahead
    size_t lines;
    size_t bytes;
  };
  static constexpr size_t kMaxLineBytes = size_t{8} << 20;

  struct Input {
    int fd;       // not owned
    int stop_fd;  // once readable, reading ends with kUnavailable; -1: none
  };

  // `chain` is what the chain of lines begins with.
  LineWindow(Input input, ContentChain chain, Reach reach);

  // Reads on until the window has `reach`, in lines or in bytes, or the input ends.  Views from before are void.
  // kTooLarge for a line over kMaxLineBytes (the lines before it are in the window), kUnavailable when reading fails.
  Result<void> fill();
  // Whether fill() would read nothing.
  bool is_full() const { return at_end_ || reaches(); }
  // Whether reading would not wait: there is input, or its end.
  bool has_input() const;
  size_t size() const { return lines_.size() - first_; }
  const Line& line(size_t i) const { return lines_[first_ + i]; }
  // kSimdPadding readable bytes follow it.
  std::string_view text(size_t i) const { return {buffer_.get() + line(i).begin, line(i).size}; }
  // The first n lines with what lies between them, and kSimdPadding readable bytes behind them.  They stay, and any
  // thread may read them, as long as it is kept; it is let go by the thread that reads the window.
  // Requires: 1 <= n <= size().
  struct Kept {
    std::shared_ptr<const char[]> memory;
    std::string_view text;
  };
  Kept keep(size_t n) const;
  // Bytes of the first n lines, a line end for each.  Requires: 1 <= n <= size().
  uint64_t bytes(size_t n) const { return line(n - 1).bytes - (line(0).bytes - line(0).size - 1); }
  void drop(size_t n) { first_ += n; }
  // Bytes read so far.
  uint64_t bytes_read() const { return bytes_read_; }
  // The number of the line that begins after the last one in the window.
  uint64_t next_number() const { return next_number_; }

 private:
  Result<bool> read_more();
  Result<void> wait_for_input() const;
  void drop_taken();
  void make_room();
  std::shared_ptr<char[]> memory(size_t size);
  void take_line(size_t end);
  bool reaches() const { return size() >= reach_.lines || (size() > 0 && bytes(size()) >= reach_.bytes); }
  size_t window_begin() const { return size() == 0 ? window_end_ : line(0).begin; }

  const Input input_;
  ContentChain chain_;
  const Reach reach_;
  struct Memory {
    std::shared_ptr<char[]> bytes;
    size_t size;
  };
  std::vector<Memory> memories_;  // the buffer, and those before it that were kept or may be used again
  std::shared_ptr<char[]> buffer_;
  size_t capacity_ = 0;    // of the buffer, kSimdPadding not counted
  size_t read_end_ = 0;    // bytes of the input in the buffer
  size_t searched_ = 0;    // no line end in [window_end_, searched_)
  size_t window_end_ = 0;  // where the first line that is not in the window begins
  std::vector<Line> lines_;
  size_t first_ = 0;
  uint64_t line_bytes_ = 0;  // of all lines shown so far
  uint64_t next_number_ = 1;
  uint64_t bytes_read_ = 0;
  bool at_end_ = false;
};

}  // namespace chronos
