// An HTTP/1.1 server: sockets, threads, limits.  What is answered is the handler's.
//
// A connection costs a thread only while it has a request; idle ones wait in one epoll.  Over the limit of connections
// the one that has been idle for longest gives its place; when all are busy, or the machine has no thread for another
// request, new ones get 503.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "core/result.h"
#include "mcp/http_channel.h"
#include "mcp/http_exchange.h"

namespace chronos {

struct HttpCounts {
  uint64_t accepted = 0;   // connections, since the start
  uint64_t refused = 0;    // with 503
  uint64_t malformed = 0;  // requests that were no HTTP, or came too slowly
  size_t open = 0;
  size_t busy = 0;     // of the open ones: with a request
  size_t streams = 0;  // of those: with an answer that goes on
};

class HttpServer {
 public:
  // Makes a channel of a new connection.
  using MakeChannel = std::function<std::unique_ptr<HttpChannel>(int fd)>;
  struct Options {
    std::string address = "127.0.0.1";  // IPv4 or IPv6, numeric
    uint16_t port = 0;                  // 0: a free one
    HttpLimits limits;
    MakeChannel make_channel;  // null: plain
  };

  // Listens; requests are served from now on, by the handler, in many threads.
  static Result<std::unique_ptr<HttpServer>> start(Options options, HttpExchange::Handler handler);
  // stop()s.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const { return port_; }
  HttpCounts counts();

  // Takes no more requests, ends streams, lets calls that are running finish for a while (HttpLimits), and returns when
  // all is over.
  void stop();

 private:
  class Connection;
  using ConnectionPtr = std::shared_ptr<Connection>;

  HttpServer(Options options, HttpExchange::Handler handler, int listener);
  using Lock = std::unique_lock<std::mutex>;
  using WorkerPlace = std::list<std::thread>::iterator;
  void keep();
  void expire_and_tend();
  void accept_all();
  void admit(int fd, std::string peer);
  void refuse(HttpChannel& channel);
  bool make_room();
  void arm(Connection& connection, uint32_t events, bool is_new);
  void listen_again(bool is_new);
  void park(const ConnectionPtr& connection);
  void remove(const ConnectionPtr& connection);
  bool add_worker();
  void work(WorkerPlace place);
  bool take_place(Lock& lock);
  bool leave_place();
  bool take_event(Lock& lock, uint64_t id, uint32_t events, HttpMessages& messages);
  bool serve(Connection& connection, HttpMessages& messages);
  bool serve_one(Connection& connection, HttpMessages& messages);

  const Options options_;
  const HttpExchange::Handler handler_;
  uint16_t port_ = 0;
  int listener_ = -1;
  int epoll_ = -1;
  int wake_[2] = {-1, -1};
  std::stop_source stopping_;
  std::stop_source overdue_;
  std::thread keeper_;
  std::once_flag stopped_;
  const size_t most_waiting_;

  std::mutex mutex_;  // guards all below
  std::condition_variable spares_;  // a spare worker is called, or all is over
  std::condition_variable ended_;   // a connection or a worker ended
  std::condition_variable stopped_keeping_;
  std::map<uint64_t, ConnectionPtr> connections_;
  std::list<ConnectionPtr> parked_;  // longest first
  uint64_t last_id_ = 0;
  std::list<std::thread> workers_;
  std::list<std::thread> retired_;  // they have ended, or will at once
  size_t waiting_ = 0;              // workers that wait for events, or are on their way there
  size_t spare_ = 0;                // workers that wait to be called
  size_t called_ = 0;               // spares that were, and have not seen it yet
  bool is_deaf_ = false;            // nothing is accepted until the keeper's next look
  HttpCounts counts_;
};

}  // namespace chronos
