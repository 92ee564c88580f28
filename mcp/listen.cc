// subscriptions/listen: a request that lasts.  Changes are delivered to a queue by whoever publishes them, and sent by
// the thread that runs the request, so that a client which reads slowly holds up nobody else.  What waits in the queue
// is bounded, since a change that is there already is not put there again: it is only told once, as it is then.
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/valid_json.h"
#include "mcp/method.h"

namespace chronos {
namespace {

constexpr size_t kMostKeys = Subscriptions::kMostUris;

class Queue {
 public:
  void put(const Change& change) {
    const std::lock_guard lock(mutex_);
    for (Change& waiting : changes_) {
      if (waiting.kind == change.kind && waiting.key == change.key) {
        waiting = change;
        return;
      }
    }
    changes_.push_back(change);
    came_.notify_all();
  }

  // Waits for the next ones; none when stopped.
  std::vector<Change> take(const std::stop_token& stopped) {
    std::unique_lock lock(mutex_);
    if (!came_.wait(lock, stopped, [this] { return !changes_.empty(); })) return {};
    return std::exchange(changes_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any came_;
  std::vector<Change> changes_;
};

// The strings of a list, at most so many.
std::vector<std::string> strings(const nlohmann::json& object, const char* key) {
  std::vector<std::string> texts;
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) return texts;
  for (const auto& item : *found) {
    if (item.is_string() && texts.size() < kMostKeys) texts.push_back(item.get<std::string>());
  }
  return texts;
}

bool flag(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

// What of `filter` can be honoured.
Interest honoured(const nlohmann::json& filter, const MethodContext& context) {
  const Catalog& catalog = context.offer.catalog();
  Interest interest;
  interest.tools = catalog.tools_change && flag(filter, "toolsListChanged");
  interest.prompts = catalog.prompts_change && flag(filter, "promptsListChanged");
  interest.resources = catalog.resources_change && flag(filter, "resourcesListChanged");
  for (const std::string& uri : strings(filter, "resourceSubscriptions")) {
    if (catalog.subscribes && context.offer.can_subscribe(uri)) interest.uris.insert(uri);
  }
  for (const std::string& id : strings(filter, "taskIds")) {
    if (context.tasks.has(id, context.connection.principal())) interest.tasks.insert(id);
  }
  return interest;
}

void append_strings(std::string& to, std::string_view key, const std::set<std::string, std::less<>>& texts) {
  if (texts.empty()) return;
  to.append(to.empty() ? "\"" : ",\"").append(key).append("\":[");
  bool is_first = true;
  for (const std::string& text : texts) {
    if (!is_first) to.append(",");
    append_json_string(to, text);
    is_first = false;
  }
  to.append("]");
}

std::string acknowledgement(const Interest& interest, std::string_view id) {
  std::string members;
  const auto add = [&](std::string_view key, bool is_set) {
    if (is_set) members.append(members.empty() ? "\"" : ",\"").append(key).append("\":true");
  };
  add("toolsListChanged", interest.tools);
  add("promptsListChanged", interest.prompts);
  add("resourcesListChanged", interest.resources);
  append_strings(members, "resourceSubscriptions", interest.uris);
  append_strings(members, "taskIds", interest.tasks);
  return R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":{)"
         R"("io.modelcontextprotocol/subscriptionId":)" +
         std::string(id) + "},\"notifications\":{" + members + "}}}";
}

}  // namespace

Answer answer_listen(const MethodContext& context) {
  const auto filter = nlohmann::json::parse(context.message.params.notifications, nullptr, false);
  if (!filter.is_object()) {
    return Answer::refused(RpcCode::kInvalidParams, "params.notifications must be an object that says what to tell.");
  }
  if (filter.contains("taskIds") && !context.client.has(Capability::kTasks)) return Answer::missing(Capability::kTasks);
  Subscriptions& subscriptions = context.subscriptions;
  Offer& offer = context.offer;
  auto work = [&subscriptions, &offer, interest = honoured(filter, context), id = std::string(context.message.id)](
                  Request& request) {
    Queue queue;
    const auto subscription = subscriptions.add(interest, [&queue](const Change& change) { queue.put(change); });
    if (subscription == nullptr) {
      return Outcome::failed(RpcCode::kInternalError, "There are too many subscriptions. Try again later.");
    }
    if (!interest.uris.empty()) offer.watch({interest.uris.begin(), interest.uris.end()}, request);
    if (request.send) request.send(acknowledgement(interest, id));
    while (!request.cancelled.stop_requested()) {
      for (const Change& change : queue.take(request.cancelled)) {
        if (request.send) request.send(notification_of(change, id));
      }
    }
    Outcome outcome;
    outcome.meta = R"("io.modelcontextprotocol/subscriptionId":)" + id + ",";
    return outcome;
  };
  return Answer::run(std::move(work), RunKind::kListen);
}

}  // namespace chronos
