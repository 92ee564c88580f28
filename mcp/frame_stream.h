// The messages between processes that share a store: frames over a connected Unix socket.
//
//   uint32 size of the payload | uint8 kind | uint64 call number | payload
//
// All integers little-endian.  Strings inside a payload are a uint32 length and their bytes.  Both ends are the same
// user's and the same version of Chronos (the hello says so), so that a frame that makes no sense ends the connection.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace chronos {

enum class FrameKind : uint8_t {
  kHello = 1,     // host to client, first: protocol, version, process id
  kCall = 2,      // client to host: tool, principal_text(), "p" when progress is wanted or "", arguments
  kCancel = 3,    // client to host: the call's answer is not wanted any more
  kProgress = 4,  // host to client: done, total, message
  kResult = 5,    // host to client: the answer
  kError = 6,     // host to client: code, message, details
};

struct Frame {
  FrameKind kind = FrameKind::kHello;
  uint64_t call = 0;
  std::string payload;  // its capacity has kSimdPadding readable bytes after it
};

inline constexpr std::string_view kHostProtocol = "chronos-host-2";
inline constexpr size_t kMaxFrameBytes = size_t{1} << 30;

// Owns the socket.  send() from any thread, receive() from one at a time.
class FrameStream {
 public:
  explicit FrameStream(int fd) : fd_(fd) {}
  ~FrameStream();
  FrameStream(const FrameStream&) = delete;
  FrameStream& operator=(const FrameStream&) = delete;

  // The payload is the strings, each with its length before it.  False when the other end is gone.
  bool send(FrameKind kind, uint64_t call, std::initializer_list<std::string_view> strings);
  // nullopt at the end of the connection, whatever ended it.
  std::optional<Frame> receive();
  // Ends receive() here, at once or after what has already arrived.
  void stop_receiving();
  // Ends both directions: the other end sees it, too.
  void shut_down();
  int fd() const { return fd_; }

 private:
  bool fill(size_t size);

  const int fd_;
  std::mutex send_mutex_;
  bool is_broken_ = false;  // guarded by send_mutex_: a frame was sent in part
  std::string buffer_;
  size_t begin_ = 0;  // the unread part of buffer_
};

// Takes strings off the front of a payload.
class PayloadReader {
 public:
  explicit PayloadReader(std::string_view payload) : rest_(payload) {}
  // nullopt when the payload ends before.
  std::optional<std::string_view> next();
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

}  // namespace chronos
