#include "mcp/subscriptions.h"

#include <utility>

#include "core/check.h"
#include "core/valid_json.h"

namespace chronos {
namespace {

std::string_view method_of(Change::Kind kind) {
  switch (kind) {
    case Change::Kind::kTools: return "notifications/tools/list_changed";
    case Change::Kind::kPrompts: return "notifications/prompts/list_changed";
    case Change::Kind::kResources: return "notifications/resources/list_changed";
    case Change::Kind::kResource: return "notifications/resources/updated";
    case Change::Kind::kTask: return "notifications/tasks";
  }
  return "";
}

}  // namespace

std::string notification_of(const Change& change, std::string_view subscription_id) {
  std::string params;
  if (change.kind == Change::Kind::kResource) {
    params.append("\"uri\":");
    append_json_string(params, change.key);
  } else {
    params = change.params;
  }
  if (!subscription_id.empty()) {
    params.append(params.empty() ? "" : ",");
    params.append(R"("_meta":{"io.modelcontextprotocol/subscriptionId":)").append(subscription_id).append("}");
  }
  std::string text = R"({"jsonrpc":"2.0","method":")" + std::string(method_of(change.kind)) + '"';
  if (!params.empty()) text.append(R"(,"params":{)").append(params).append("}");
  return text + "}";
}

bool Interest::has(const Change& change) const {
  switch (change.kind) {
    case Change::Kind::kTools: return tools;
    case Change::Kind::kPrompts: return prompts;
    case Change::Kind::kResources: return resources;
    case Change::Kind::kResource: return uris.contains(change.key);
    case Change::Kind::kTask: return tasks.contains(change.key);
  }
  return false;
}

struct Subscription::Listener {
  Interest interest;  // guarded by the mutex of Subscriptions
  std::mutex mutex;   // guards deliver; held while delivering
  Subscriptions::Deliver deliver;
};

Subscription::Subscription(Subscriptions& all, std::shared_ptr<Listener> listener)
    : all_(all), listener_(std::move(listener)) {}

Subscription::~Subscription() {
  all_.remove(listener_);
  const std::lock_guard lock(listener_->mutex);
  listener_->deliver = nullptr;
}

bool Subscription::add_uri(const std::string& uri) {
  {
    const std::lock_guard lock(all_.mutex_);
    auto& uris = listener_->interest.uris;
    if (uris.size() >= Subscriptions::kMostUris && !uris.contains(uri)) return false;
    uris.insert(uri);
  }
  all_.tell_uris();
  return true;
}

void Subscription::remove_uri(std::string_view uri) {
  {
    const std::lock_guard lock(all_.mutex_);
    const auto found = listener_->interest.uris.find(uri);
    if (found == listener_->interest.uris.end()) return;
    listener_->interest.uris.erase(found);
  }
  all_.tell_uris();
}

Subscriptions::Subscriptions() = default;

Subscriptions::~Subscriptions() { CHECK(listeners_.empty()); }

std::unique_ptr<Subscription> Subscriptions::add(Interest interest, Deliver deliver) {
  auto listener = std::make_shared<Subscription::Listener>();
  const bool has_uris = !interest.uris.empty();
  listener->interest = std::move(interest);
  listener->deliver = std::move(deliver);
  {
    const std::lock_guard lock(mutex_);
    if (listeners_.size() >= kMost) return nullptr;
    listeners_.push_back(listener);
  }
  if (has_uris) tell_uris();
  return std::unique_ptr<Subscription>(new Subscription(*this, std::move(listener)));
}

void Subscriptions::remove(const std::shared_ptr<Subscription::Listener>& listener) {
  bool had_uris = false;
  {
    const std::lock_guard lock(mutex_);
    had_uris = !listener->interest.uris.empty();
    listeners_.remove(listener);
  }
  if (had_uris) tell_uris();
}

void Subscriptions::publish(const Change& change) {
  std::vector<std::shared_ptr<Subscription::Listener>> interested;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& listener : listeners_) {
      if (listener->interest.has(change)) interested.push_back(listener);
    }
  }
  for (const auto& listener : interested) {
    const std::lock_guard lock(listener->mutex);
    if (listener->deliver) listener->deliver(change);
  }
}

std::vector<std::string> Subscriptions::uris() const {
  std::set<std::string, std::less<>> all;
  const std::lock_guard lock(mutex_);
  for (const auto& listener : listeners_) all.insert(listener->interest.uris.begin(), listener->interest.uris.end());
  return {all.begin(), all.end()};
}

void Subscriptions::on_uris(std::function<void()> tell) {
  const std::lock_guard lock(tell_mutex_);
  tell_ = std::move(tell);
}

void Subscriptions::tell_uris() {
  const std::lock_guard lock(tell_mutex_);
  if (tell_) tell_();
}

}  // namespace chronos
