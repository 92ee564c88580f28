#include "mcp/line_window.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "core/log.h"

namespace chronos {
namespace {

constexpr size_t kBlock = size_t{1} << 20;
// A buffer takes so many: what is not cut yet when it is full, about half a block, is all that is copied.
constexpr size_t kBlocks = 4;
constexpr size_t kMostMemories = 8;

}  // namespace

LineWindow::LineWindow(Input input, ContentChain chain, Reach reach) : input_(input), chain_(chain), reach_(reach) {}

Result<void> LineWindow::fill() {
  while (!reaches()) {
    const char* from = buffer_.get() + searched_;
    const void* found = searched_ < read_end_ ? std::memchr(from, '\n', read_end_ - searched_) : nullptr;
    if (found != nullptr) {
      take_line(static_cast<size_t>(static_cast<const char*>(found) - buffer_.get()));
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
  const std::string_view text(buffer_.get() + window_end_, size);
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
  drop_taken();
  if (capacity_ < read_end_ + kBlock) make_room();
  if (auto ready = wait_for_input(); !ready) return ready.error();
  ssize_t got;
  do {
    got = ::read(input_.fd, buffer_.get() + read_end_, kBlock);
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    return Error{Code::kUnavailable, "cannot read on: " + std::generic_category().message(errno), ""};
  }
  read_end_ += static_cast<size_t>(got);
  bytes_read_ += static_cast<uint64_t>(got);
  if (got == 0) std::memset(buffer_.get() + read_end_, 0, kSimdPadding);
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

// Those that were dropped from the window.
void LineWindow::drop_taken() {
  lines_.erase(lines_.begin(), lines_.begin() + static_cast<std::ptrdiff_t>(first_));
  first_ = 0;
}

// What is before the window is not needed any more: the rest moves to the front of another buffer.
void LineWindow::make_room() {
  const size_t begin = window_begin();
  const size_t rest = read_end_ - begin;
  const size_t capacity = std::max(kBlocks * kBlock, 2 * (rest + kBlock));
  std::shared_ptr<char[]> next = memory(capacity);
  if (rest > 0) std::memcpy(next.get(), buffer_.get() + begin, rest);
  buffer_ = std::move(next);
  capacity_ = capacity;
  for (Line& line : lines_) line.begin -= begin;
  read_end_ -= begin;
  searched_ -= begin;
  window_end_ -= begin;
}

// One that nobody keeps any more, or a new one.
std::shared_ptr<char[]> LineWindow::memory(size_t size) {
  for (const Memory& known : memories_) {
    if (known.size == size && known.bytes.use_count() == 1) return known.bytes;
  }
  const auto is_free = [](const Memory& known) { return known.bytes.use_count() == 1; };
  if (memories_.size() == kMostMemories) std::erase_if(memories_, is_free);
  auto made = std::make_shared_for_overwrite<char[]>(size + kSimdPadding);
  if (memories_.size() < kMostMemories) memories_.push_back({made, size});
  return made;
}

// Where reading on would write into the padding, as behind what came last from a pipe, they are copied.
LineWindow::Kept LineWindow::keep(size_t n) const {
  const size_t begin = line(0).begin;
  const size_t size = line(n - 1).begin + line(n - 1).size - begin;
  if (begin + size + kSimdPadding <= read_end_ || at_end_) return {buffer_, {buffer_.get() + begin, size}};
  auto copy = std::make_shared<char[]>(size + kSimdPadding);
  std::memcpy(copy.get(), buffer_.get() + begin, size);
  const std::string_view text(copy.get(), size);
  return {std::move(copy), text};
}

}  // namespace chronos
