#include "mcp/line_window.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "core/log.h"

namespace chronos {
namespace {

constexpr size_t kBlock = size_t{1} << 20;

}  // namespace

LineWindow::LineWindow(Input input, ContentChain chain, Reach reach) : input_(input), chain_(chain), reach_(reach) {}

Result<void> LineWindow::fill() {
  while (!reaches()) {
    const char* from = buffer_.data() + searched_;
    const void* found = searched_ < read_end_ ? std::memchr(from, '\n', read_end_ - searched_) : nullptr;
    if (found != nullptr) {
      take_line(static_cast<size_t>(static_cast<const char*>(found) - buffer_.data()));
      continue;
    }
    searched_ = read_end_;
    if (read_end_ - window_end_ > kMaxLineBytes) {
      return Error{Code::kTooLarge,
                   "the line is longer than " + std::to_string(kMaxLineBytes) + " bytes: an event is one line", ""};
    }
    if (at_end_) {
      if (window_end_ < read_end_) take_line(read_end_);
      return {};
    }
    auto more = read_more();
    if (!more) return more.error();
    at_end_ = !*more;
  }
  return {};
}

void LineWindow::take_line(size_t end) {
  size_t size = end - window_end_;
  if (size > 0 && buffer_[end - 1] == '\r') size--;
  const std::string_view text(buffer_.data() + window_end_, size);
  const uint64_t number = next_number_++;
  if (text.find_first_not_of(" \t") != std::string_view::npos) {
    chain_ = chain_.then(text);
    line_bytes_ += size + 1;
    lines_.push_back(Line{window_end_, size, number, chain_, line_bytes_});
  }
  window_end_ = end < read_end_ ? end + 1 : end;
  searched_ = window_end_;
}

// False at the end of the input.
Result<bool> LineWindow::read_more() {
  compact();
  if (buffer_.size() < read_end_ + kBlock + kSimdPadding) buffer_.resize(2 * (read_end_ + kBlock + kSimdPadding));
  if (auto ready = wait_for_input(); !ready) return ready.error();
  ssize_t got;
  do {
    got = ::read(input_.fd, buffer_.data() + read_end_, kBlock);
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    return Error{Code::kUnavailable, "cannot read on: " + std::generic_category().message(errno), ""};
  }
  read_end_ += static_cast<size_t>(got);
  bytes_read_ += static_cast<uint64_t>(got);
  return got > 0;
}

Result<void> LineWindow::wait_for_input() const {
  if (input_.stop_fd < 0) return {};
  pollfd ready[2] = {{input_.fd, POLLIN, 0}, {input_.stop_fd, POLLIN, 0}};
  while (::poll(ready, 2, -1) < 0) {
  }
  if (ready[1].revents == 0) return {};
  return Error{Code::kUnavailable, "interrupted", ""};
}

bool LineWindow::has_input() const {
  pollfd ready = {input_.fd, POLLIN, 0};
  return ::poll(&ready, 1, 0) != 0;
}

// What is before the window is not needed any more: the rest moves to the front.
void LineWindow::compact() {
  const size_t begin = window_begin();
  std::memmove(buffer_.data(), buffer_.data() + begin, read_end_ - begin);
  lines_.erase(lines_.begin(), lines_.begin() + static_cast<std::ptrdiff_t>(first_));
  first_ = 0;
  for (Line& line : lines_) line.begin -= begin;
  read_end_ -= begin;
  searched_ -= begin;
  window_end_ -= begin;
}

}  // namespace chronos
