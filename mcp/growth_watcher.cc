// The thread waits in a call of await_growth, which is answered when one of the streams is not at the version that was
// last seen.  When the list of streams changes, that call is cancelled and made again with the new list.
//
// Nothing is missed: before a client is told that it listens, watch() has noted the version of each stream, and a
// version that was noted is only replaced by one that was told.
#include "mcp/growth_watcher.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/log.h"
#include "core/valid_json.h"
#include "tools/protocol_tools.h"

namespace chronos {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::milliseconds kBetweenNotices{100};
constexpr std::chrono::milliseconds kAfterFailure{1000};
constexpr uint64_t kWaitMs = 30'000;

}  // namespace

GrowthWatcher::GrowthWatcher(ToolBackend& backend, Subscriptions& subscriptions)
    : backend_(backend), subscriptions_(subscriptions) {
  subscriptions_.on_uris([this] { uris_changed(); });
}

GrowthWatcher::~GrowthWatcher() {
  subscriptions_.on_uris(nullptr);
  std::jthread thread;
  {
    const std::lock_guard lock(mutex_);
    thread = std::move(thread_);
  }
  thread.request_stop();
  if (thread.joinable()) thread.join();
}

bool GrowthWatcher::grows(const std::string& uri) {
  const auto parsed = parse_resource_uri(uri);
  return parsed && parsed->kind == ResourceUri::Kind::kStream && !parsed->position;
}

void GrowthWatcher::uris_changed() {
  std::stop_source waiting(std::nostopstate);
  {
    const std::lock_guard lock(mutex_);
    has_changed_ = true;
    waiting = waiting_;
    changed_.notify_all();
    if (!thread_.joinable()) thread_ = std::jthread([this](const std::stop_token& stopped) { run(stopped); });
  }
  waiting.request_stop();
}

void GrowthWatcher::run(const std::stop_token& stopped) {
  while (!stopped.stop_requested()) {
    std::stop_source waiting;
    std::vector<std::string> uris;
    {
      // In one step with the list: otherwise the version that watch() has just noted of a new one could be forgotten.
      const std::lock_guard lock(mutex_);
      has_changed_ = false;
      waiting_ = waiting;
      uris = subscriptions_.uris();
      std::erase_if(versions_,
                    [&](const auto& known) { return !std::binary_search(uris.begin(), uris.end(), known.first); });
    }
    if (uris.empty()) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, stopped, [this] { return has_changed_; });
      continue;
    }
    const std::stop_callback end(stopped, [&] { waiting.request_stop(); });
    if (look(uris, kWaitMs, waiting.get_token())) {
      pause(kBetweenNotices, stopped);
    } else if (!waiting.stop_requested()) {
      pause(kAfterFailure, stopped);
    }
  }
}

void GrowthWatcher::watch(const std::vector<std::string>& uris, const std::stop_token& cancelled) {
  look(uris, 0, cancelled);
}

// Asks for the versions of the streams, notes those that were not known, tells those that have changed.  False when it
// could not.
bool GrowthWatcher::look(const std::vector<std::string>& uris, uint64_t wait_ms, const std::stop_token& cancelled) {
  Json streams = Json::array();
  std::vector<std::string> asked;
  {
    const std::lock_guard lock(mutex_);
    for (const std::string& uri : uris) {
      const auto parsed = parse_resource_uri(uri);
      if (!parsed) continue;
      const auto known = versions_.find(uri);
      if (known != versions_.end() && wait_ms == 0) continue;
      Json item = {{"fork", parsed->fork}, {"stream", parsed->name}};
      if (known != versions_.end()) item["version"] = known->second;
      streams.push_back(std::move(item));
      asked.push_back(uri);
    }
  }
  if (asked.empty()) return true;
  std::string arguments = Json{{"streams", std::move(streams)}, {"wait_ms", wait_ms}}.dump();
  const size_t size = arguments.size();
  arguments.append(kSimdPadding, ' ');
  ToolCall call;
  call.tool = find_protocol_tool("await_growth");
  call.arguments = ValidJson::trusted(std::string_view(arguments).substr(0, size));
  call.cancelled = cancelled;
  const Result<std::string> answer = backend_.call(call);
  const Json grown = answer ? Json::parse(*answer, nullptr, false) : Json();
  if (!grown.is_object() || !grown.contains("grown")) return false;
  std::vector<std::string> told;
  {
    const std::lock_guard lock(mutex_);
    for (const Json& one : grown["grown"]) {
      const std::string& uri = asked[one["index"].get<size_t>()];
      const uint64_t version = one["version"].get<uint64_t>();
      const auto [known, is_new] = versions_.try_emplace(uri, version);
      if (is_new || known->second == version) continue;
      known->second = version;
      told.push_back(uri);
    }
  }
  for (const std::string& uri : told) subscriptions_.publish({Change::Kind::kResource, uri, ""});
  return true;
}

void GrowthWatcher::pause(std::chrono::milliseconds most, const std::stop_token& stopped) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stopped, most, [] { return false; });
}

}  // namespace chronos
