// Who has a connection, when.
//
//   accepted --> parked --(readable)--> a worker: request, answer, request, answer --> parked --> ...
//
// Workers wait in one epoll, each for one event at a time, and whoever gets it serves it: no request waits for another
// thread to wake up, and a busy worker finds the next connection without going to sleep.  A connection is armed for one
// event, so an event means exactly one change of hands, and nobody else touches a connection that a worker has.
//
// Somebody always waits.  A worker that takes a request leaves its place; the last one in waiting first calls a spare
// worker into it, or makes one.  Coming back it takes a place if there are few, else it is a spare, and goes after some
// seconds without being called.  So there are as many threads as requests at a time, and a few.
//
// The keeper looks at the clock: it closes what was idle too long, has the epoll tell when the client of a request that
// takes long goes away, and writes a comment on streams that were silent.
//
// A client that is slow costs one thread for as long as HttpLimits says and no longer: every read has a deadline.
#include "mcp/http_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "core/check.h"
#include "tools/tool.h"

namespace chronos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr uint64_t kListenerId = 0;
constexpr uint64_t kWakeId = UINT64_MAX;
constexpr seconds kIdleWorker{10};
constexpr milliseconds kLook{200};
constexpr milliseconds kLookWhileBusy{100};

std::string refusal_text(int status, const Error& error, std::string_view more = "") {
  const std::string body = error_json(error);
  std::string text = "HTTP/1.1 " + std::to_string(status) + " ";
  text.append(http_reason(status)).append("\r\nContent-Type: application/json\r\nConnection: close\r\n").append(more);
  return text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
}

std::string text_of(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = address.ss_family == AF_INET6
                          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr)
                          : static_cast<const void*>(&reinterpret_cast<const sockaddr_in&>(address).sin_addr);
  ::inet_ntop(address.ss_family, bytes, text.data(), text.size());
  return text.data();
}

Result<int> listen_on(const std::string& address, uint16_t port) {
  sockaddr_storage where{};
  socklen_t size = 0;
  auto& v4 = reinterpret_cast<sockaddr_in&>(where);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(where);
  if (::inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    size = sizeof v4;
  } else if (::inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    size = sizeof v6;
  } else {
    return Error{Code::kInvalidArgument, "'" + address + "' is no IP address to listen on, like 127.0.0.1 or ::1", ""};
  }
  const int fd = ::socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  if (fd >= 0) ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&where), size) != 0 || ::listen(fd, 1024) != 0) {
    const std::string why = std::generic_category().message(errno);
    if (fd >= 0) ::close(fd);
    return Error{Code::kUnavailable, "cannot listen on " + address + " port " + std::to_string(port) + ": " + why, ""};
  }
  return fd;
}

}  // namespace

class HttpServer::Connection {
 public:
  Connection(uint64_t id, std::unique_ptr<HttpChannel> channel, std::string peer)
      : id_(id), channel_(std::move(channel)), peer_(std::move(peer)) {}

  uint64_t id() const { return id_; }
  HttpChannel& channel() { return *channel_; }
  const std::string& peer() const { return peer_; }

  // --- of the worker that has it ---
  HttpInput input;
  bool is_prepared = false;

  bool has_input() const { return !input.empty() || channel_->has_pending(); }

  // More bytes of a head.  False at the end, or when none came until then.
  bool read_more(SteadyTime until) {
    if (steady_clock::now() > until) return false;
    std::array<char, size_t{16} << 10> part;  // not in the connection: thousands of them are idle
    const ssize_t got = channel_->read(part.data(), part.size(), until);
    if (got <= 0) return false;
    input.add({part.data(), static_cast<size_t>(got)});
    return true;
  }

  // Closing a socket with unread bytes would take the answer away from the other end: reads a little of the rest.
  void close_politely() {
    constexpr size_t kMost = size_t{1} << 20;
    channel_->finish();
    std::array<char, 16384> rest;
    const SteadyTime until = steady_clock::now() + seconds(1);
    for (size_t total = 0; total < kMost && steady_clock::now() < until;) {
      const ssize_t got = channel_->read(rest.data(), rest.size(), until);
      if (got <= 0) return;
      total += static_cast<size_t>(got);
    }
  }

  // --- guarded by the server's mutex ---
  bool is_parked = false;
  bool was_used = false;
  SteadyTime parked_at;
  std::list<ConnectionPtr>::iterator parked_place;
  HttpExchange* exchange = nullptr;  // while it is being handled
  bool is_watched = false;           // the epoll tells when its client goes, meanwhile

 private:
  const uint64_t id_;
  const std::unique_ptr<HttpChannel> channel_;
  const std::string peer_;
};

Result<std::unique_ptr<HttpServer>> HttpServer::start(Options options, HttpExchange::Handler handler) {
  auto listener = listen_on(options.address, options.port);
  if (!listener) return listener.error();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(options), std::move(handler), *listener));
}

HttpServer::HttpServer(Options options, HttpExchange::Handler handler, int listener)
    : options_(std::move(options)),
      handler_(std::move(handler)),
      listener_(listener),
      most_waiting_(std::max(2U, std::thread::hardware_concurrency())) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&bound), &size) == 0);
  port_ = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(bound).sin6_port
                                            : reinterpret_cast<sockaddr_in&>(bound).sin_port);
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  CHECK(epoll_ >= 0);
  CHECK(::pipe2(wake_, O_CLOEXEC | O_NONBLOCK) == 0);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeId;
  CHECK(::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_[0], &event) == 0);
  listen_again(true);
  const std::lock_guard lock(mutex_);
  waiting_ = 1;
  CHECK(add_worker());
  keeper_ = std::thread([this] { keep(); });
}

HttpServer::~HttpServer() {
  stop();
  ::close(epoll_);
  ::close(wake_[0]);
  ::close(wake_[1]);
}

HttpCounts HttpServer::counts() {
  const std::lock_guard lock(mutex_);
  HttpCounts counts = counts_;
  counts.open = connections_.size();
  counts.busy = connections_.size() - parked_.size();
  for (const auto& [id, connection] : connections_) {
    if (connection->exchange != nullptr && connection->exchange->has_stream()) counts.streams++;
  }
  return counts;
}

// --- the keeper ---

void HttpServer::keep() {
  Lock lock(mutex_);
  while (!stopping_.stop_requested()) {
    expire_and_tend();
    const bool is_busy = connections_.size() > parked_.size();
    stopped_keeping_.wait_for(lock, is_busy ? kLookWhileBusy : kLook, [this] { return stopping_.stop_requested(); });
  }
}

// Requires: mutex_ is held.
void HttpServer::expire_and_tend() {
  const SteadyTime now = steady_clock::now();
  while (!parked_.empty() && now - parked_.front()->parked_at > options_.limits.idle_time) remove(parked_.front());
  for (const auto& [id, connection] : connections_) {
    if (connection->exchange == nullptr) continue;
    connection->exchange->tend(now);
    if (!connection->is_watched) arm(*connection, EPOLLRDHUP, false);
    connection->is_watched = true;
  }
  if (is_deaf_) listen_again(false);
  is_deaf_ = false;
  for (std::thread& worker : retired_) worker.join();
  retired_.clear();
}

// --- connections ---

void HttpServer::accept_all() {
  constexpr int kAtOnce = 64;  // others have their turn, too
  for (int i = 0; i < kAtOnce; i++) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    const int fd = ::accept4(listener_, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      admit(fd, text_of(peer));
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
      const std::lock_guard lock(mutex_);
      if (make_room()) continue;
      is_deaf_ = true;  // the socket stays readable: a look at it now would be in vain
      return;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      break;
    }
  }
  listen_again(false);
}

void HttpServer::listen_again(bool is_new) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLONESHOT;
  event.data.u64 = kListenerId;
  ::epoll_ctl(epoll_, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, listener_, &event);
}

void HttpServer::admit(int fd, std::string peer) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  auto channel = options_.make_channel ? options_.make_channel(fd) : std::make_unique<HttpChannel>(fd);
  const std::lock_guard lock(mutex_);
  if (stopping_.stop_requested()) return;
  counts_.accepted++;
  if (connections_.size() >= options_.limits.max_connections && !make_room()) return refuse(*channel);
  const auto connection = std::make_shared<Connection>(++last_id_, std::move(channel), std::move(peer));
  connections_.emplace(connection->id(), connection);
  connection->is_parked = true;
  connection->parked_at = steady_clock::now();
  connection->parked_place = parked_.insert(parked_.end(), connection);
  arm(*connection, EPOLLIN | EPOLLRDHUP, true);
}

// Requires: mutex_ is held.
void HttpServer::refuse(HttpChannel& channel) {
  counts_.refused++;
  if (options_.make_channel) return;  // it has not said how to encrypt yet
  const Error error{Code::kUnavailable, "All connections of this server are busy. Try again in a second.", ""};
  channel.write(refusal_text(503, error, "Retry-After: 1\r\n"), milliseconds(0));
}

// Closes the connection that has been idle for longest, one that never asked anything before the others.
bool HttpServer::make_room() {
  if (parked_.empty()) return false;
  ConnectionPtr longest = parked_.front();
  for (const ConnectionPtr& connection : parked_) {
    if (connection->was_used) continue;
    longest = connection;
    break;
  }
  remove(longest);
  return true;
}

void HttpServer::arm(Connection& connection, uint32_t events, bool is_new) {
  epoll_event event{};
  event.events = events | EPOLLONESHOT;
  event.data.u64 = connection.id();
  ::epoll_ctl(epoll_, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, connection.channel().fd(), &event);
}

// Requires: mutex_ is held.
void HttpServer::remove(const ConnectionPtr& connection) {
  const auto found = connections_.find(connection->id());
  const ConnectionPtr kept = std::move(found->second);
  connections_.erase(found);
  if (kept->is_parked) parked_.erase(kept->parked_place);
  kept->is_parked = false;
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, kept->channel().fd(), nullptr);
  if (connections_.empty()) ended_.notify_all();
}

// Requires: mutex_ is held.
void HttpServer::park(const ConnectionPtr& connection) {
  connection->is_parked = true;
  connection->is_watched = false;
  connection->was_used = true;
  connection->parked_at = steady_clock::now();
  connection->parked_place = parked_.insert(parked_.end(), connection);
  arm(*connection, EPOLLIN | EPOLLRDHUP, false);
}

// --- workers ---

// False when the machine has no thread for it.  Requires: mutex_ is held; the new one has been counted as waiting.
bool HttpServer::add_worker() {
  const auto place = workers_.emplace(workers_.end());
  try {
    *place = std::thread([this, place] { work(place); });
  } catch (const std::system_error&) {
    workers_.erase(place);
    return false;
  }
  return true;
}

void HttpServer::work(WorkerPlace place) {
  HttpMessages messages;
  Lock lock(mutex_);
  bool has_place = true;  // whoever made us took it for us
  while (!stopping_.stop_requested() && (has_place || take_place(lock))) {
    lock.unlock();
    epoll_event event{};
    const int got = ::epoll_wait(epoll_, &event, 1, -1);
    lock.lock();
    has_place = got != 1 || !take_event(lock, event.data.u64, event.events, messages);
  }
  retired_.splice(retired_.end(), workers_, place);
  ended_.notify_all();
}

// Among those who wait, at once or when somebody calls.  False when nobody did for long, or all is over.
bool HttpServer::take_place(Lock& lock) {
  if (waiting_ < most_waiting_) {
    waiting_++;
    return true;
  }
  spare_++;
  spares_.wait_for(lock, kIdleWorker, [this] { return called_ > 0 || stopping_.stop_requested(); });
  spare_--;
  if (called_ == 0) return false;
  called_--;
  return true;
}

// Somebody waits when we are gone.  False when the machine has no thread for that.  Requires: mutex_ is held.
bool HttpServer::leave_place() {
  if (waiting_ > 1) {
    waiting_--;
    return true;
  }
  if (spare_ > called_) {
    called_++;
    spares_.notify_one();
    return true;
  }
  return add_worker();
}

// True when we have left our place for it.
bool HttpServer::take_event(Lock& lock, uint64_t id, uint32_t events, HttpMessages& messages) {
  if (id == kWakeId) return false;
  if (id == kListenerId) {
    lock.unlock();
    accept_all();
    lock.lock();
    return false;
  }
  const auto found = connections_.find(id);
  if (found == connections_.end()) return false;
  const ConnectionPtr connection = found->second;
  if (!connection->is_parked) {
    const bool is_gone = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if (connection->exchange == nullptr || !is_gone) return false;
    std::stop_source lost = connection->exchange->gone_source();
    lock.unlock();
    lost.request_stop();  // runs callbacks of the handler
    lock.lock();
    return false;
  }
  if ((events & (EPOLLERR | EPOLLHUP)) != 0 || stopping_.stop_requested()) {
    remove(connection);
    return false;
  }
  if (!leave_place()) {
    refuse(connection->channel());
    remove(connection);
    return false;
  }
  parked_.erase(connection->parked_place);
  connection->is_parked = false;
  lock.unlock();
  const bool is_kept = serve(*connection, messages);
  lock.lock();
  if (is_kept && !stopping_.stop_requested()) {
    park(connection);
  } else {
    remove(connection);
  }
  return true;
}

// Answers requests as long as there are some.  Whether the connection is to be kept.
bool HttpServer::serve(Connection& connection, HttpMessages& messages) {
  bool is_kept = true;
  if (!connection.is_prepared) {
    is_kept = connection.channel().prepare(steady_clock::now() + options_.limits.head_time);
    connection.is_prepared = true;
  }
  do {
    is_kept = is_kept && serve_one(connection, messages) && !stopping_.stop_requested();
  } while (is_kept && connection.has_input());
  if (!is_kept) connection.close_politely();
  return is_kept;
}

// Reads a request and answers it.  Whether another may follow.
bool HttpServer::serve_one(Connection& connection, HttpMessages& messages) {
  const HttpLimits& limits = options_.limits;
  const SteadyTime until = steady_clock::now() + limits.head_time;
  HttpInput& input = connection.input;
  const auto refuse = [&](int status, const std::string& message) {
    {
      const std::lock_guard lock(mutex_);
      counts_.malformed++;
    }
    const Code code = status == 431 ? Code::kTooLarge : status == 408 ? Code::kUnavailable : Code::kInvalidArgument;
    connection.channel().write(refusal_text(status, Error{code, message, ""}), limits.write_stall);
    return false;
  };
  size_t head_size = 0;
  size_t searched = 0;
  while ((head_size = find_head_end(input.rest(), searched)) == 0) {
    searched = input.rest().size();
    if (searched > limits.max_head_bytes) return refuse(431, "The head of the request is too long.");
    if (connection.read_more(until)) continue;
    if (searched == 0 || steady_clock::now() < until) return false;  // between requests, or in the middle of one
    return refuse(408, "The head of the request did not arrive in time.");
  }
  if (head_size > limits.max_head_bytes) return refuse(431, "The head of the request is too long.");
  HttpHead head;
  if (const auto refusal = read_head(input.rest().substr(0, head_size), head)) {
    return refuse(refusal->status, refusal->message);
  }
  input.drop(head_size);
  HttpExchange exchange(std::move(head), connection.peer(),
                        {connection.channel(), input, limits, stopping_.get_token(), overdue_.get_token()});
  {
    const std::lock_guard lock(mutex_);
    connection.exchange = &exchange;
    connection.is_watched = false;
  }
  const bool is_kept = exchange.run(messages, handler_);
  const std::lock_guard lock(mutex_);
  connection.exchange = nullptr;
  return is_kept;
}

// --- the end ---

void HttpServer::stop() {
  std::call_once(stopped_, [this] {
    stopping_.request_stop();
    CHECK(::write(wake_[1], "s", 1) == 1);
    ::shutdown(listener_, SHUT_RDWR);
    Lock lock(mutex_);
    stopped_keeping_.notify_all();
    spares_.notify_all();
    lock.unlock();
    keeper_.join();
    lock.lock();
    while (!parked_.empty()) remove(parked_.front());
    // Whoever reads a request gets no more of it.
    for (const auto& [id, connection] : connections_) connection->channel().shut_down(false);
    const SteadyTime begin = steady_clock::now();
    const auto is_over = [this] { return connections_.empty() && workers_.empty(); };
    if (!ended_.wait_until(lock, begin + options_.limits.read_grace, is_over)) {
      lock.unlock();
      overdue_.request_stop();
      lock.lock();
      ended_.wait_until(lock, begin + options_.limits.stop_grace, is_over);
    }
    for (const auto& [id, connection] : connections_) connection->channel().shut_down(true);
    ended_.wait(lock, is_over);
    for (std::thread& worker : retired_) worker.join();
    retired_.clear();
    ::close(listener_);
  });
}

}  // namespace chronos
