#include "mcp/line_io.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace chronos {
namespace {

constexpr size_t kFirstCapacity = size_t{64} << 10;
// A buffer that one huge line made larger than this is given back after it.
constexpr size_t kKeptCapacity = size_t{1} << 20;

}  // namespace

Line::Line(std::string_view text) {
  bytes_.reserve(text.size() + kSimdPadding);
  bytes_.append(text).append(kSimdPadding, '\0');
}

LineReader::LineReader(const Options& options)
    : options_(options), buffer_(new char[kFirstCapacity]), capacity_(kFirstCapacity) {}

LineReader::Event LineReader::next(Line* line) {
  for (;;) {
    if (const std::optional<Event> event = take_buffered(line)) return *event;
    if (is_at_end_) return Event::kEnd;
    if (const std::optional<Event> event = wait_for_input()) return *event;
    read_more();
  }
}

// An event made of bytes that are here already, if they are enough for one.
std::optional<LineReader::Event> LineReader::take_buffered(Line* line) {
  while (begin_ < end_) {
    const char* const start = buffer_.get() + begin_;
    const void* newline = std::memchr(buffer_.get() + searched_, '\n', end_ - searched_);
    const bool is_whole = newline != nullptr || is_at_end_;
    size_t size = newline != nullptr ? static_cast<size_t>(static_cast<const char*>(newline) - start) : end_ - begin_;
    const bool was_skipping = is_skipping_;
    const bool is_too_long = size > options_.max_line_bytes;
    if (!is_whole && !was_skipping && !is_too_long) {
      searched_ = end_;
      return std::nullopt;
    }
    begin_ += size + (newline != nullptr ? 1 : 0);
    searched_ = begin_;
    is_skipping_ = !is_whole;
    if (was_skipping) continue;
    if (is_too_long) return Event::kTooLong;
    if (size > 0 && start[size - 1] == '\r') --size;
    if (size == 0) continue;
    *line = Line({start, size});
    return Event::kLine;
  }
  return std::nullopt;
}

// Nothing once there are bytes to read.
std::optional<LineReader::Event> LineReader::wait_for_input() {
  // Of the output only errors are asked for: a client that has closed it wants no more answers.
  pollfd watched[] = {{options_.in, POLLIN, 0}, {options_.stop_fd, POLLIN, 0}, {options_.out, 0, 0}};
  const int timeout = told_quiet_ ? -1 : static_cast<int>(options_.quiet_after.count());
  for (;;) {
    const int ready = ::poll(watched, std::size(watched), timeout);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) {
      told_quiet_ = true;
      return Event::kQuiet;
    }
    const bool is_over =
        ready < 0 || watched[1].revents != 0 || watched[2].revents != 0 || (watched[0].revents & POLLNVAL) != 0;
    if (!is_over) return std::nullopt;
    is_at_end_ = true;
    begin_ = searched_ = end_ = 0;  // what has no line end yet was not sent whole
    return Event::kEnd;
  }
}

void LineReader::read_more() {
  make_room();
  const ssize_t count = ::read(options_.in, buffer_.get() + end_, capacity_ - end_);
  if (count > 0) {
    end_ += static_cast<size_t>(count);
    told_quiet_ = false;
  } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
    is_at_end_ = true;
  }
}

void LineReader::make_room() {
  const size_t unread = end_ - begin_;
  const bool is_full = unread == capacity_;
  const bool is_too_big = capacity_ > kKeptCapacity && unread == 0;
  if (is_full || is_too_big) {
    const size_t capacity = is_full ? capacity_ * 2 : kFirstCapacity;
    std::unique_ptr<char[]> larger(new char[capacity]);
    std::memcpy(larger.get(), buffer_.get() + begin_, unread);
    buffer_ = std::move(larger);
    capacity_ = capacity;
  } else if (begin_ > 0 && (unread == 0 || end_ == capacity_)) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, unread);
  } else {
    return;
  }
  searched_ -= begin_;
  begin_ = 0;
  end_ = unread;
}

bool LineWriter::write(std::string message) {
  for (const char line_end : {'\n', '\r'}) {
    if (std::memchr(message.data(), line_end, message.size()) != nullptr) {
      std::replace(message.begin(), message.end(), line_end, ' ');
    }
  }
  message.push_back('\n');
  std::lock_guard lock(mutex_);
  size_t written = 0;
  while (!is_broken_ && written < message.size()) {
    const ssize_t count = ::write(fd_, message.data() + written, message.size() - written);
    if (count >= 0) {
      written += static_cast<size_t>(count);
    } else if (errno == EAGAIN) {
      pollfd writable{fd_, POLLOUT, 0};
      ::poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      is_broken_ = true;
    }
  }
  return !is_broken_;
}

}  // namespace chronos
