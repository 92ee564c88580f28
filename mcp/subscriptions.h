// Who wants to hear of which changes, and telling them.
//
//   what changes --publish--> Subscriptions --deliver--> a listen request, or a legacy connection
//
// Safe to call from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace chronos {

struct Change {
  enum class Kind : uint8_t { kTools, kPrompts, kResources, kResource, kTask };
  Kind kind = Kind::kTools;
  std::string key;     // kResource: its URI; kTask: its id
  std::string params;  // of kTask: the members of the notification's params, without braces
};

// As the client is told; with the raw JSON token of the listen request in the modern era, "" in the legacy one.
std::string notification_of(const Change& change, std::string_view subscription_id);

struct Interest {
  bool tools = false;
  bool prompts = false;
  bool resources = false;
  std::set<std::string, std::less<>> uris;
  std::set<std::string, std::less<>> tasks;

  bool has(const Change& change) const;
};

class Subscriptions;

// Ends with its last owner; nothing is delivered after the destructor.
class Subscription {
 public:
  ~Subscription();
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  // False when it has as many URIs as it may have.
  bool add_uri(const std::string& uri);
  void remove_uri(std::string_view uri);

 private:
  friend class Subscriptions;
  struct Listener;
  Subscription(Subscriptions& all, std::shared_ptr<Listener> listener);
  Subscriptions& all_;
  const std::shared_ptr<Listener> listener_;  // shared with a publish that is going on
};

class Subscriptions {
 public:
  // Called from the thread that publishes; it must not subscribe or end subscriptions.
  using Deliver = std::function<void(const Change& change)>;
  static constexpr size_t kMost = 16'384;
  static constexpr size_t kMostUris = 1024;  // of one of them

  Subscriptions();
  ~Subscriptions();  // Requires: no subscription is left
  Subscriptions(const Subscriptions&) = delete;
  Subscriptions& operator=(const Subscriptions&) = delete;

  // Null when there are as many as there may be.
  std::unique_ptr<Subscription> add(Interest interest, Deliver deliver);
  void publish(const Change& change);

  // The resources somebody listens to, each once.
  std::vector<std::string> uris() const;
  // Calls `tell` whenever uris() may have changed, from the thread that did it; null: no more, and none is going on.
  void on_uris(std::function<void()> tell);

 private:
  friend class Subscription;
  void remove(const std::shared_ptr<Subscription::Listener>& listener);
  void tell_uris();

  mutable std::mutex mutex_;  // guards the list and what each is interested in
  std::list<std::shared_ptr<Subscription::Listener>> listeners_;
  std::mutex tell_mutex_;  // held while telling
  std::function<void()> tell_;
};

}  // namespace chronos
