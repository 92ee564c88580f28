#include "mcp/frame_stream.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "core/log.h"

namespace chronos {
namespace {

constexpr size_t kHeaderBytes = 13;

// Everything of `iov`, whose first entry is changed as it goes out in parts.
bool send_all(int fd, iovec* iov, size_t count) {
  while (count > 0) {
    msghdr message{};
    message.msg_iov = iov;
    message.msg_iovlen = count;
    const ssize_t sent = ::sendmsg(fd, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    auto left = static_cast<size_t>(sent);
    while (count > 0 && left >= iov->iov_len) {
      left -= iov->iov_len;
      iov++;
      count--;
    }
    if (count > 0) {
      iov->iov_base = static_cast<char*>(iov->iov_base) + left;
      iov->iov_len -= left;
    }
  }
  return true;
}

}  // namespace

FrameStream::~FrameStream() { ::close(fd_); }

bool FrameStream::send(FrameKind kind, uint64_t call, std::initializer_list<std::string_view> strings) {
  constexpr size_t kMostStrings = 4;
  std::array<char, kHeaderBytes> header;
  std::array<uint32_t, kMostStrings> sizes;
  std::array<iovec, 1 + 2 * kMostStrings> parts;
  size_t used = 1;
  size_t total = 0;
  for (std::string_view text : strings) {
    uint32_t& size = sizes[(used - 1) / 2];
    size = static_cast<uint32_t>(text.size());
    parts[used++] = {&size, sizeof size};
    parts[used++] = {const_cast<char*>(text.data()), text.size()};
    total += sizeof size + text.size();
  }
  if (total > kMaxFrameBytes) return false;
  const auto payload = static_cast<uint32_t>(total);
  std::memcpy(header.data(), &payload, sizeof payload);
  header[4] = static_cast<char>(kind);
  std::memcpy(header.data() + 5, &call, sizeof call);
  parts[0] = {header.data(), header.size()};

  const std::lock_guard lock(send_mutex_);
  if (is_broken_) return false;
  if (send_all(fd_, parts.data(), used)) return true;
  is_broken_ = true;
  ::shutdown(fd_, SHUT_RDWR);
  return false;
}

// At least `size` unread bytes in the buffer.
bool FrameStream::fill(size_t size) {
  constexpr size_t kChunk = size_t{64} << 10;
  if (begin_ == buffer_.size()) {
    buffer_.clear();
    begin_ = 0;
  }
  while (buffer_.size() - begin_ < size) {
    const size_t before = buffer_.size();
    buffer_.resize(before + kChunk);
    const ssize_t got = ::recv(fd_, buffer_.data() + before, kChunk, 0);
    buffer_.resize(before + static_cast<size_t>(got > 0 ? got : 0));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
  }
  return true;
}

std::optional<Frame> FrameStream::receive() {
  if (!fill(kHeaderBytes)) return std::nullopt;
  uint32_t size;
  Frame frame;
  std::memcpy(&size, buffer_.data() + begin_, sizeof size);
  frame.kind = static_cast<FrameKind>(buffer_[begin_ + 4]);
  std::memcpy(&frame.call, buffer_.data() + begin_ + 5, sizeof frame.call);
  if (size > kMaxFrameBytes || !fill(kHeaderBytes + size)) return std::nullopt;
  frame.payload.reserve(size + kSimdPadding);
  frame.payload.assign(buffer_, begin_ + kHeaderBytes, size);
  begin_ += kHeaderBytes + size;
  // What is left is the beginning of the next frame: small, or this one was.
  buffer_.erase(0, begin_);
  begin_ = 0;
  return frame;
}

void FrameStream::stop_receiving() { ::shutdown(fd_, SHUT_RD); }

void FrameStream::shut_down() { ::shutdown(fd_, SHUT_RDWR); }

std::optional<std::string_view> PayloadReader::next() {
  uint32_t size;
  if (rest_.size() < sizeof size) return std::nullopt;
  std::memcpy(&size, rest_.data(), sizeof size);
  if (rest_.size() - sizeof size < size) return std::nullopt;
  const std::string_view text = rest_.substr(sizeof size, size);
  rest_.remove_prefix(sizeof size + size);
  return text;
}

}  // namespace chronos
