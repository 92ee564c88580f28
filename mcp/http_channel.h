// The bytes of one TCP connection, plain or inside TLS.  Nothing here waits without an end.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>

namespace chronos {

using SteadyTime = std::chrono::steady_clock::time_point;

// Owns the socket, which does not block.  One thread reads while one writes.
class HttpChannel {
 public:
  explicit HttpChannel(int fd) : fd_(fd) {}
  virtual ~HttpChannel();
  HttpChannel(const HttpChannel&) = delete;
  HttpChannel& operator=(const HttpChannel&) = delete;

  int fd() const { return fd_; }

  // What must happen before anything is read or written.  False when it failed.
  virtual bool prepare(SteadyTime /*until*/) { return true; }
  // At least one byte; 0 at the end, -1 when it failed or nothing came until then.
  virtual ssize_t read(char* to, size_t size, SteadyTime until);
  // All of it.  False when it failed, or the other end took nothing for `stall`.
  virtual bool write(std::string_view bytes, std::chrono::milliseconds stall);
  // Whether bytes have arrived that the socket does not show.
  virtual bool has_pending() const { return false; }
  // Tells the other end that nothing more comes.
  virtual void finish();

  // Ends reading (`both`: and writing), in whichever thread it goes on.  Any thread.
  void shut_down(bool both);

 protected:
  // Whether the socket became ready for `events` of poll().
  bool wait(short events, SteadyTime until) const;

 private:
  const int fd_;
};

}  // namespace chronos
