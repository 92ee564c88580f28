// One request and what is answered to it, as a handler sees them.
//
// A handler gives a plain answer, or begins a stream and sends parts of it until it returns.  It runs in a thread of
// its own for as long as it likes.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "core/result.h"
#include "mcp/http_channel.h"
#include "mcp/http_head.h"
#include "mcp/http_messages.h"

namespace chronos {

struct HttpLimits {
  size_t max_connections = 2048;
  size_t max_head_bytes = size_t{32} << 10;
  std::chrono::milliseconds head_time{5'000};       // from its first byte to its last
  std::chrono::milliseconds body_time{30'000};      // for all of a body that is read whole
  std::chrono::milliseconds body_stall{30'000};     // for the next part of one that is read as a stream
  std::chrono::milliseconds write_stall{10'000};    // in which the other end takes nothing
  std::chrono::milliseconds idle_time{120'000};     // of a connection between requests
  std::chrono::milliseconds comment_after{15'000};  // of silence on a stream
  std::chrono::milliseconds read_grace{1'500};      // after stop(): for calls that only read
  std::chrono::milliseconds stop_grace{4'500};      // after stop(): for all others
};

// Bytes that were received and not yet used.
struct HttpInput {
  std::string bytes;
  size_t begin = 0;

  std::string_view rest() const { return std::string_view(bytes).substr(begin); }
  bool empty() const { return begin == bytes.size(); }
  void add(std::string_view more) {
    bytes.erase(0, begin);
    begin = 0;
    bytes += more;
  }
  void drop(size_t count) {
    constexpr size_t kKept = size_t{8} << 10;
    begin += count;
    if (!empty()) return;
    bytes.clear();
    begin = 0;
    if (bytes.capacity() > kKept) bytes = std::string();
  }
};

// The status that says what an error says.
int http_status(Code code);

class HttpExchange final : private HttpMessages::Wire {
 public:
  // `input` is what was read behind the head; what the body leaves of it stays there.
  struct Ends {
    HttpChannel& channel;
    HttpInput& input;
    const HttpLimits& limits;
    std::stop_token stopping;  // the server ends: streams must
    std::stop_token overdue;   // a while after that: calls that only read must, too
  };
  HttpExchange(HttpHead head, std::string peer, Ends ends);

  const HttpHead& head() const { return head_; }
  const std::string& peer() const { return peer_; }  // its address
  std::stop_token stopping() const { return ends_.stopping; }
  std::stop_token overdue() const { return ends_.overdue; }
  // The client went away.  Told while the handler runs.
  std::stop_token gone() const { return gone_.get_token(); }

  // The whole body, kSimdPadding bytes reserved behind it.  nullopt when that was refused, which is answered then.
  std::optional<std::string> read_body(size_t limit);
  // Part by part, however long it is.  False when it was not all taken; why_unread() may say why.
  bool read_body(const HttpMessages::TakePart& take);
  const std::optional<HttpRefusal>& why_unread() const { return unread_; }

  // The answer.  The last one given counts; none is 500.
  void answer(int status, std::string_view type, std::string body, HttpHeaders headers = {});
  void answer_json(int status, std::string body, HttpHeaders headers = {});
  // 202 and the like: without a body.
  void answer_empty(int status, HttpHeaders headers = {});
  void answer_error(int status, const Error& error, HttpHeaders headers = {});
  // Headers for whatever is answered.
  void add_header(std::string name, std::string value) { more_.emplace_back(std::move(name), std::move(value)); }

  // In place of an answer: sends a head, then parts as they come.  Any thread, until the handler returns.  False once
  // the client is gone or too slow.
  // `closes`: the connection is not used again.
  bool begin_stream(std::string_view type, HttpHeaders headers = {}, bool closes = false);
  bool send(std::string_view part);
  // The client shall have all of the stream now; whatever is sent later is dropped.
  void end_early();
  bool has_stream() const { return is_stream_; }
  // What is sent after a while of silence, so that nobody in between takes the connection for dead.
  void set_comment(std::string comment);
  // Asked about once a second while a stream goes on, from the server's own thread: when it says no, the stream ends as
  // if the client had gone.  Set before the stream begins; must not wait.
  void set_may_go_on(std::function<bool()> may_go_on) { may_go_on_ = std::move(may_go_on); }

  // --- for the server ---
  // Handles the request.  Whether the connection can be used further.
  using Handler = std::function<void(HttpExchange&)>;
  bool run(HttpMessages& messages, const Handler& handler);
  int status() const { return status_; }
  // From the server's own thread; it never waits for the other end.
  std::stop_source gone_source() const { return gone_; }
  void tend(SteadyTime now);

 private:
  ssize_t read(char* to, size_t size) override;
  bool write(std::string_view bytes) override;
  HttpMessages::Outcome handle(const Handler& handler, const HttpMessages::ReadBody& read_body);
  bool is_body_read() const { return head_.is_chunked ? check_.is_complete() : body_left_ == 0; }
  bool fail_body(int status, std::string message);
  bool send_locked(std::string_view part);
  bool flush();
  void end_stream();

  const HttpHead head_;
  const std::string peer_;
  const Ends ends_;
  std::stop_source gone_;

  std::function<bool()> may_go_on_;  // may be null
  SteadyTime asked_at_;              // used by the server's own thread

  const HttpMessages::ReadBody* reader_ = nullptr;
  uint64_t body_left_;
  ChunkCheck check_;
  SteadyTime body_until_;
  bool is_long_body_ = false;
  std::optional<HttpRefusal> unread_;

  HttpAnswer answer_;
  bool is_answered_ = false;
  HttpHeaders more_;
  std::string output_;
  int status_ = 0;
  bool keeps_alive_;

  std::atomic<bool> is_stream_ = false;
  std::mutex mutex_;  // guards all below
  bool is_broken_ = false;
  SteadyTime last_sent_;
  std::string comment_;
};

}  // namespace chronos
