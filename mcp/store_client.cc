#include "mcp/store_client.h"

#include <sys/socket.h>

#include <array>
#include <condition_variable>
#include <cstdlib>
#include <utility>

#include "mcp/principal_text.h"
#include "mcp/store_socket.h"
#include "version.h"

namespace chronos {
namespace {

Code code_named(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(Code::kInternal); i++) {
    if (code_name(static_cast<Code>(i)) == name) return static_cast<Code>(i);
  }
  return Code::kInternal;
}

void set_receive_patience(int fd, int seconds) {
  const timeval patience{seconds, 0};  // 0: for ever
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

}  // namespace

struct StoreClient::Pending {
  const ToolCall* call = nullptr;
  std::mutex mutex;  // guards all below
  std::condition_variable arrived;
  bool is_over = false;
  std::optional<Result<std::string>> answer;  // absent when the host was lost
};

Result<std::shared_ptr<StoreClient>> StoreClient::connect(const std::string& directory) {
  auto fd = connect_in(directory);
  if (!fd) return fd.error();
  if (*fd < 0) return std::shared_ptr<StoreClient>();
  std::shared_ptr<StoreClient> client(new StoreClient(*fd));
  auto greeted = client->read_hello(directory);
  if (!greeted) return greeted.error();
  if (!*greeted) return std::shared_ptr<StoreClient>();
  client->reader_ = std::thread([raw = client.get()] { raw->read_answers(); });
  return client;
}

StoreClient::StoreClient(int fd) : stream_(fd) {}

StoreClient::~StoreClient() {
  stream_.shut_down();
  if (reader_.joinable()) reader_.join();
}

// False when the host went away, or says nothing, before greeting.
Result<bool> StoreClient::read_hello(const std::string& directory) {
  set_receive_patience(stream_.fd(), 5);
  const auto hello = stream_.receive();
  if (!hello || hello->kind != FrameKind::kHello) return false;
  set_receive_patience(stream_.fd(), 0);
  PayloadReader payload(hello->payload);
  const auto protocol = payload.next();
  const auto version = payload.next();
  const auto process = payload.next();
  if (!process) return false;
  if (*protocol == kHostProtocol && *version == CHRONOS_VERSION) return true;
  return Error{Code::kUnavailable,
               "the store in '" + directory + "' is in use by process " + std::string(*process) +
                   ", which is Chronos " + std::string(*version) +
                   " and this one is " CHRONOS_VERSION "; end that process or run the same version",
               ""};
}

std::optional<Result<std::string>> StoreClient::call(const ToolCall& call, std::string_view arguments) {
  auto pending = std::make_shared<Pending>();
  pending->call = &call;
  uint64_t number;
  {
    const std::lock_guard lock(mutex_);
    if (is_lost_) return std::nullopt;
    number = ++last_number_;
    pending_.emplace(number, pending);
  }
  const std::string_view progress = call.progress ? "p" : "";
  // A failed send is a lost host: the reader notices, too, and ends the wait below.
  stream_.send(FrameKind::kCall, number, {call.tool->name, principal_text(call.principal), progress, arguments});
  const std::stop_callback cancel(call.cancelled, [&] { stream_.send(FrameKind::kCancel, number, {}); });
  std::unique_lock lock(pending->mutex);
  pending->arrived.wait(lock, [&] { return pending->is_over; });
  return std::move(pending->answer);
}

void StoreClient::read_answers() {
  while (const auto frame = stream_.receive()) {
    std::shared_ptr<Pending> pending;
    {
      const std::lock_guard lock(mutex_);
      const auto found = pending_.find(frame->call);
      if (found == pending_.end()) continue;
      pending = found->second;
      if (frame->kind != FrameKind::kProgress) pending_.erase(found);
    }
    deliver(*pending, *frame);
  }
  lose_all();
}

// The caller waits until the answer is delivered, and answers come after progress: so the call is there.
void StoreClient::deliver(Pending& pending, const Frame& frame) {
  PayloadReader payload(frame.payload);
  std::array<std::string_view, 3> strings;
  for (std::string_view& text : strings) text = payload.next().value_or("");
  if (frame.kind == FrameKind::kProgress) {
    const auto& progress = pending.call->progress;
    if (progress) {
      progress(std::strtod(std::string(strings[0]).c_str(), nullptr),
               std::strtod(std::string(strings[1]).c_str(), nullptr), strings[2]);
    }
    return;
  }
  const std::lock_guard lock(pending.mutex);
  if (frame.kind == FrameKind::kResult) {
    pending.answer = std::string(strings[0]);
  } else {
    pending.answer = Error{code_named(strings[0]), std::string(strings[1]), std::string(strings[2])};
  }
  pending.is_over = true;
  pending.arrived.notify_all();
}

void StoreClient::lose_all() {
  std::map<uint64_t, std::shared_ptr<Pending>> lost;
  {
    const std::lock_guard lock(mutex_);
    is_lost_ = true;
    lost.swap(pending_);
  }
  for (const auto& [number, pending] : lost) {
    const std::lock_guard lock(pending->mutex);
    pending->is_over = true;
    pending->arrived.notify_all();
  }
}

}  // namespace chronos
