// A dispatcher of the conformance fixtures, and one client of it.
#pragma once

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "mcp/dispatcher.h"
#include "mcp/line_io.h"
#include "tests/conformance/fixture_offer.h"
#include "tests/support/chance.h"
#include "tests/support/scripted_tools.h"

namespace chronos::test {

// Keeps what it is sent, for whoever waits for it in another thread.
class WaitingSink final : public MessageSink {
 public:
  void send(std::string_view message) override {
    const std::lock_guard lock(mutex_);
    messages_.emplace_back(message);
    came_.notify_all();
  }
  // The message of that number, from 0, once it came.
  nlohmann::json wait(size_t number) {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [&] { return messages_.size() > number; });
    return nlohmann::json::parse(messages_[number]);
  }
  size_t count() {
    const std::lock_guard lock(mutex_);
    return messages_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<std::string> messages_;
};

class FixtureSession {
 public:
  using Json = nlohmann::json;

  // With what modern requests declare.
  explicit FixtureSession(Json capabilities = Json::object()) : capabilities_(std::move(capabilities)) {}

  // A modern request; null for no reply.
  Json modern(std::string_view method, Json params = Json::object()) {
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2026-07-28";
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = capabilities_;
    return send({{"jsonrpc", "2.0"}, {"id", ++last_id_}, {"method", method}, {"params", std::move(params)}});
  }
  Json call(std::string_view tool, Json params = Json::object()) {
    params["name"] = tool;
    return modern("tools/call", std::move(params));
  }
  Json legacy(std::string_view method, Json params = Json::object()) {
    return send({{"jsonrpc", "2.0"}, {"id", ++last_id_}, {"method", method}, {"params", std::move(params)}});
  }
  Json send(const Json& message) {
    const Line line(message.dump());
    Accepted accepted = dispatcher.accept(connection, line.text());
    status = accepted.status();
    const std::string reply = dispatcher.run(connection, std::move(accepted), sink);
    return reply.empty() ? Json() : Json::parse(reply);
  }
  int last_id() const { return last_id_; }

  StillClock clock;
  Chance chance{1};
  Subscriptions subscriptions;
  FixtureOffer offer{subscriptions};
  Dispatcher dispatcher{Dispatcher::Parts{offer, subscriptions, clock, chance}};
  Connection connection;
  WaitingSink sink;
  int status = 0;

 private:
  const Json capabilities_;
  int last_id_ = 0;
};

}  // namespace chronos::test
