// How processes find each other, and why nothing is lost when one of them goes.
//
// The store's lock decides who is the host: it belongs to an open file, so the system frees it with the process,
// even on kill -9.  Whoever needs the engine repeats, until one of them works:
//
//   connect to chronos.sock  --works-->  forward calls to that process
//   open the store           --works-->  be the host, listen
//   wait 5 to 50 ms                      (somebody has the lock and does not listen yet, or not any more)
//
// A host that dies closes its connections.  Those who wait on one cannot know whether their call was run, so every
// call is sent again.  For a call that only reads that is harmless.  A call that writes carries a request id, the
// client's or one added here before it is sent for the first time, and the store answers a repeated one with the first
// result; `replayed` is taken out again where the id was ours, since the client did ask only once.
//
// The same holds when the one who takes over is the waiting process itself: it runs its own call, with the same id.
#include "mcp/shared_backend.h"

#include <simdjson.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "core/log.h"
#include "mcp/local_backend.h"

namespace chronos {
namespace {

constexpr std::string_view kLockedDetails = R"({"locked":true})";

bool has_request_id(ValidJson arguments) {
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  const std::string_view text = arguments.text();
  const simdjson::padded_string_view padded(text.data(), text.size(), text.size() + kSimdPadding);
  if (parser.iterate(padded).get(document)) return true;
  simdjson::ondemand::value value;
  return !document.find_field_unordered("request_id").get(value);
}

// The arguments with a request id of ours, and padding behind them.
std::string with_request_id(ValidJson arguments, Random& random) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = R"({"request_id":"auto-)";
  for (int half = 0; half < 2; half++) {
    uint64_t bits = random.next();
    for (int i = 0; i < 16; i++, bits >>= 4) text += kDigits[bits & 15];
  }
  text += '"';
  std::string_view rest = arguments.text();
  rest.remove_prefix(rest.find('{') + 1);
  const size_t first = rest.find_first_not_of(" \t\r\n");
  if (rest[first] != '}') text += ',';
  text += rest;
  text.reserve(text.size() + kSimdPadding);
  return text;
}

std::string without_replayed(std::string answer) {
  if (answer.find("\"replayed\"") == std::string::npos) return answer;
  auto json = nlohmann::ordered_json::parse(answer, nullptr, false);
  if (!json.is_object() || json.erase("replayed") == 0) return answer;
  return json.dump();
}

Error cancelled_error() { return Error{Code::kUnavailable, "cancelled", ""}; }

}  // namespace

SharedBackend::SharedBackend(SharedBackendOptions options) : options_(std::move(options)) {}

SharedBackend::~SharedBackend() {
  closing_ = true;
  {
    const std::lock_guard lock(mutex_);
    ended_.notify_all();
  }
  if (opener_.joinable()) opener_.join();
}

Result<std::string> SharedBackend::call(const ToolCall& call) {
  if (!call.tool->needs_store) return run_tool(nullptr, nullptr, call);
  ToolCall sent = call;
  std::string with_id;  // the arguments, once a request id was added
  while (true) {
    auto found = engine(call.cancelled);
    if (!found) return found.error();
    if (found->host) {
      auto answer = run_tool(&found->host->store(), &found->host->search(), sent);
      if (answer && !with_id.empty()) return without_replayed(std::move(*answer));
      return answer;
    }
    if (!call.tool->read_only && with_id.empty() && !has_request_id(call.arguments)) {
      with_id = with_request_id(call.arguments, *options_.store.random);
      sent.arguments = ValidJson::trusted(with_id);
    }
    auto answer = found->client->call(sent, sent.arguments.text());
    if (!answer) continue;
    if (*answer && !with_id.empty()) return without_replayed(std::move(**answer));
    return std::move(*answer);
  }
}

Result<Store*> SharedBackend::local_store() {
  auto found = engine({});
  if (!found) return found.error();
  return found->host ? &found->host->store() : nullptr;
}

SearchIndex* SharedBackend::local_search() {
  const std::lock_guard lock(mutex_);
  return engine_.host ? &engine_.host->search() : nullptr;
}

Result<SharedBackend::Engine> SharedBackend::engine(const std::stop_token& cancelled) {
  const auto usable = [this]() -> std::optional<Engine> {
    const std::lock_guard lock(mutex_);
    if (engine_.host || (engine_.client && !engine_.client->is_lost())) return engine_;
    return std::nullopt;
  };
  if (auto found = usable()) return *found;
  const std::lock_guard election(electing_);
  const auto give_up_at = std::chrono::steady_clock::now() + options_.give_up;
  while (true) {
    if (auto found = usable()) return *found;
    auto worked = try_to_find();
    if (!worked) return worked.error();
    if (*worked) continue;
    if (cancelled.stop_requested()) return cancelled_error();
    if (std::chrono::steady_clock::now() > give_up_at || !pause()) {
      return Error{Code::kUnavailable,
                   "the store in '" + options_.store.directory +
                       "' is in use by another process that does not answer; end that process, or try again",
                   std::string(kLockedDetails)};
    }
  }
}

// Once around the loop above; false when somebody has the lock but does not listen.
Result<bool> SharedBackend::try_to_find() {
  auto client = StoreClient::connect(options_.store.directory);
  if (!client) return client.error();
  Engine found;
  found.client = std::move(*client);
  if (found.client == nullptr) {
    auto host = StoreHost::open(options_.store, options_.models);
    if (!host) {
      if (host.error().details == kLockedDetails) return false;
      return host.error();
    }
    found.host = std::move(*host);
  }
  const std::lock_guard lock(mutex_);
  engine_ = std::move(found);
  return true;
}

// A random moment, so that those who wait do not all come back together.  False when the backend ends.
bool SharedBackend::pause() {
  const std::chrono::milliseconds moment(5 + static_cast<int>(options_.store.random->next() % 46));
  std::unique_lock lock(mutex_);
  return !ended_.wait_for(lock, moment, [this] { return closing_.load(); });
}

void SharedBackend::prepare() {
  std::call_once(prepared_, [this] {
    auto exists = options_.store.disk->exists(options_.store.directory + "/log");
    if (!exists || !*exists) return;
    // A failure is told by the call that needs the store.
    opener_ = std::thread([this] { static_cast<void>(engine({}).has_value()); });
  });
}

void SharedBackend::quiet() {
  std::shared_ptr<StoreHost> host;
  {
    const std::lock_guard lock(mutex_);
    host = engine_.host;
  }
  if (host) host->store().mark_quiet();
}

}  // namespace chronos
