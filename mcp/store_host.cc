#include "mcp/store_host.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

#include "core/check.h"
#include "mcp/local_backend.h"
#include "mcp/principal_text.h"
#include "mcp/store_socket.h"
#include "tools/protocol_tools.h"
#include "search/search_index.h"
#include "version.h"

namespace chronos {

// The reader thread owns the connection's receiving side; workers send on it as calls finish.
struct StoreHost::Peer {
  explicit Peer(int fd) : stream(fd) {}

  FrameStream stream;
  std::thread reader;
  std::atomic<bool> is_gone = false;

  std::mutex mutex;  // guards running
  std::map<uint64_t, std::stop_source> running;
};

Result<std::unique_ptr<StoreHost>> StoreHost::open(const StoreOptions& options, const ModelAccess& models) {
  auto store = Store::open(options);
  if (!store) return store.error();
  auto listener = listen_in(options.directory);
  if (!listener) return listener.error();
  return std::unique_ptr<StoreHost>(new StoreHost(options, models, std::move(*store), *listener));
}

StoreHost::StoreHost(const StoreOptions& options, const ModelAccess& models, std::unique_ptr<Store> store, int listener)
    : directory_(options.directory),
      store_(std::move(store)),
      search_(std::make_unique<SearchIndex>(
          *store_,
          SearchIndexOptions{.directory = search_directory(directory_), .disk = options.disk, .models = models})),
      listener_(listener) {
  CHECK(::pipe2(wake_, O_CLOEXEC) == 0);
  acceptor_ = std::thread([this] { accept_peers(); });
}

StoreHost::~StoreHost() {
  remove_socket(directory_);
  closing_ = true;
  CHECK(::write(wake_[1], "x", 1) == 1);
  acceptor_.join();
  ::close(listener_);
  for (const auto& peer : peers_) peer->stream.stop_receiving();
  for (const auto& peer : peers_) peer->reader.join();
  {
    const std::lock_guard lock(mutex_);
    queue_.clear();
    wanted_.notify_all();
  }
  // No worker is added any more: those who did are gone.
  for (std::thread& worker : workers_) worker.join();
  peers_.clear();
  ::close(wake_[0]);
  ::close(wake_[1]);
}

void StoreHost::accept_peers() {
  while (true) {
    pollfd ready[2] = {{listener_, POLLIN, 0}, {wake_[0], POLLIN, 0}};
    if (::poll(ready, 2, -1) < 0) {
      CHECK(errno == EINTR);
      continue;
    }
    if (ready[1].revents != 0) return;
    reap_peers();
    accept_one();
  }
}

void StoreHost::accept_one() {
  const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) {
    // Out of descriptors, perhaps: look again a little later, not at once and for ever.
    pollfd ending = {wake_[0], POLLIN, 0};
    ::poll(&ending, 1, 50);
    return;
  }
  // Nobody holds up the threads here by not reading what he asked for.
  const timeval patience{30, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  auto peer = std::make_shared<Peer>(fd);
  if (!is_same_user(fd)) return;
  if (!peer->stream.send(FrameKind::kHello, 0, {kHostProtocol, CHRONOS_VERSION, std::to_string(::getpid())})) return;
  peers_.push_back(peer);
  peer->reader = std::thread([this, peer] {
    read_calls(peer);
    peer->is_gone = true;
  });
}

void StoreHost::reap_peers() {
  for (auto at = peers_.begin(); at != peers_.end();) {
    if ((*at)->is_gone) {
      (*at)->reader.join();
      at = peers_.erase(at);
    } else {
      at++;
    }
  }
}

void StoreHost::read_calls(const std::shared_ptr<Peer>& peer) {
  while (auto frame = peer->stream.receive()) {
    if (closing_) break;
    std::unique_lock lock(peer->mutex);
    if (frame->kind == FrameKind::kCancel) {
      const auto found = peer->running.find(frame->call);
      if (found != peer->running.end()) found->second.request_stop();
    } else if (frame->kind == FrameKind::kCall) {
      const std::stop_token cancelled = peer->running[frame->call].get_token();
      lock.unlock();
      enqueue(Job{peer, std::move(*frame), cancelled});
    } else {
      break;
    }
  }
  // Nobody waits for these any more, or everybody asks the next host.
  const std::lock_guard lock(peer->mutex);
  for (auto& [call, stop] : peer->running) stop.request_stop();
}

void StoreHost::enqueue(Job job) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(job));
  if (idle_ < queue_.size() && workers_.size() < kMaxThreads) {
    workers_.emplace_back([this] { work(); });
  } else {
    wanted_.notify_one();
  }
}

void StoreHost::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    idle_++;
    wanted_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    idle_--;
    if (queue_.empty() || closing_) return;
    const Job job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    run(job);
    lock.lock();
  }
}

void StoreHost::run(const Job& job) {
  FrameStream& stream = job.peer->stream;
  const uint64_t number = job.frame.call;
  PayloadReader payload(job.frame.payload);
  const auto tool_name = payload.next();
  const auto principal = payload.next();
  const auto progress = payload.next();
  const auto arguments = payload.next();
  const Tool* tool = arguments ? find_tool(*tool_name) : nullptr;
  // A peer is the same user's process on the same machine, never an agent's words.
  if (tool == nullptr && arguments) tool = find_admin_tool(*tool_name);
  if (tool == nullptr && arguments) tool = find_protocol_tool(*tool_name);
  auto caller = arguments ? read_principal(*principal) : std::nullopt;
  if (tool == nullptr || !caller) return stream.shut_down();

  ToolCall call;
  call.tool = tool;
  call.arguments = ValidJson::trusted(*arguments);
  call.principal = *std::move(caller);
  call.cancelled = job.cancelled;
  if (!progress->empty()) {
    call.progress = [&](double done, double total, std::string_view message) {
      stream.send(FrameKind::kProgress, number, {std::to_string(done), std::to_string(total), message});
    };
  }
  const auto answer = run_tool(store_.get(), search_.get(), call);
  {
    const std::lock_guard lock(job.peer->mutex);
    job.peer->running.erase(number);
  }
  if (answer) {
    stream.send(FrameKind::kResult, number, {*answer});
    return;
  }
  const Error& error = answer.error();
  // Cancelled because this process ends: not an answer, the next host gives one.
  if (!(closing_ && error.code == Code::kUnavailable)) {
    stream.send(FrameKind::kError, number, {code_name(error.code), error.message, error.details});
  }
}

}  // namespace chronos
