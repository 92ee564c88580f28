// The tasks extension, and the table behind it.
#include <thread>

#include "mcp/task_table.h"
#include "tests/support/fixture_session.h"

// Last: its CHECK is the one meant here.
#include "tests/support/catch.h"

namespace chronos::test {
namespace {

using Json = nlohmann::json;

const Json kTasks = {{"elicitation", Json::object()},
                     {"extensions", {{"io.modelcontextprotocol/tasks", Json::object()}}}};

// A table, and work that ends when it is told to.
struct Tabled {
  StillClock clock;
  Chance chance{1};
  Subscriptions subscriptions;
  TaskTable table{subscriptions, clock, chance, [](Outcome outcome) { return std::move(outcome.result); }};
  Request request;

  Tabled() { request.principal = local_principal(); }

  std::string begin(Work work) {
    const auto made = table.create(request, std::move(work));
    REQUIRE(made);
    return Json::parse(*made)["taskId"];
  }
  Json get(const std::string& id) { return Json::parse(table.get(id)); }
};

// Waits until all tasks it is told of have the status.
class Told {
 public:
  Told(Subscriptions& all, const std::string& id) {
    Interest interest;
    interest.tasks.insert(id);
    subscription_ = all.add(interest, [this](const Change& change) { sink_.send("{" + change.params + "}"); });
  }
  Json next() { return sink_.wait(seen_++); }

 private:
  WaitingSink sink_;
  size_t seen_ = 0;
  std::unique_ptr<Subscription> subscription_;
};

// Work that waits for open().
struct Gate {
  std::mutex mutex;
  std::condition_variable_any changed;
  bool is_open = false;

  Work work(Outcome outcome) {
    return [this, outcome](Request& request) {
      std::unique_lock lock(mutex);
      changed.wait(lock, request.cancelled, [this] { return is_open; });
      return outcome;
    };
  }
  void open() {
    const std::lock_guard lock(mutex);
    is_open = true;
    changed.notify_all();
  }
};

}  // namespace

TEST_CASE("a task works, is over, and has its result", "[mcp][threads]") {
  Gate gate;
  Tabled tabled;
  const std::string id = tabled.begin(gate.work(Outcome::of(R"({"content":[]})")));
  CHECK(tabled.get(id)["status"] == "working");
  CHECK(tabled.get(id)["ttlMs"] == 3600000);
  Told told(tabled.subscriptions, id);
  gate.open();
  const Json done = told.next();
  CHECK(done["status"] == "completed");
  CHECK(done["result"] == Json{{"content", Json::array()}});
  tabled.table.cancel(id);  // too late
  CHECK(tabled.get(id) == done);
}

TEST_CASE("a task that fails has the error, one that is cancelled ends", "[mcp][threads]") {
  Gate gate;
  Gate never;
  Tabled tabled;
  const std::string failing = tabled.begin(gate.work(Outcome::failed(RpcCode::kInternalError, "It \"broke\".")));
  const std::string cancelled = tabled.begin(never.work(Outcome()));
  Told told(tabled.subscriptions, failing);
  gate.open();
  CHECK(told.next()["error"] == Json{{"code", -32603}, {"message", "It \"broke\"."}});
  tabled.table.cancel(cancelled);
  CHECK(tabled.get(cancelled)["status"] == "cancelled");
  CHECK(!tabled.get(cancelled).contains("result"));
}

TEST_CASE("a task is only there for the principal that began it, and for an hour", "[mcp][threads]") {
  Gate gate;
  Tabled tabled;
  const std::string id = tabled.begin(gate.work(Outcome()));
  Told told(tabled.subscriptions, id);
  CHECK(tabled.table.has(id, local_principal()));
  CHECK(!tabled.table.has(id, local_principal("other")));
  CHECK(!tabled.table.has("0", local_principal()));
  gate.open();
  told.next();
  tabled.clock.advance_us(int64_t{3600} * 1'000'000);
  tabled.begin(gate.work(Outcome()));
  CHECK(tabled.table.has(id, local_principal()));
  tabled.clock.advance_us(1);
  tabled.begin(gate.work(Outcome()));
  CHECK(!tabled.table.has(id, local_principal()));
}

TEST_CASE("so many tasks work at once, and so many are kept", "[mcp][threads]") {
  Gate gate;
  Tabled tabled;
  std::vector<std::string> ids;
  for (size_t i = 0; i < TaskTable::kMostAtWork; i++) ids.push_back(tabled.begin(gate.work(Outcome())));
  CHECK(!tabled.table.create(tabled.request, gate.work(Outcome())));
  Told told(tabled.subscriptions, ids.back());
  gate.open();
  told.next();
  const std::string first = tabled.begin([](Request&) { return Outcome(); });
  CHECK(!first.empty());
}

TEST_CASE("a task asks, waits for all answers, and goes on", "[mcp][threads]") {
  Gate gate;
  Tabled tabled;
  const std::string id = tabled.begin([&gate](Request& request) {
    if (!request.answers.empty()) return Outcome::of(Json(request.answers).dump());
    const std::vector<Question> two = {{"a", Capability::kElicitation, "{}"}, {"b", Capability::kSampling, "{}"}};
    return gate.work(Outcome::ask(two))(request);
  });
  Told told(tabled.subscriptions, id);
  gate.open();
  CHECK(told.next()["inputRequests"].size() == 2);
  tabled.table.update(id, {{"c", "{}"}});
  CHECK(told.next()["inputRequests"].size() == 2);
  tabled.table.update(id, {{"a", R"({"x":1})"}});
  const Json half = told.next();
  CHECK(half["status"] == "input_required");
  CHECK(half["inputRequests"] == Json{{"b", {{"method", "sampling/createMessage"}, {"params", Json::object()}}}});
  tabled.table.update(id, {{"b", R"({"y":2})"}});
  CHECK(told.next()["status"] == "working");
  CHECK(told.next()["result"] == Json{{"a", R"({"x":1})"}, {"b", R"({"y":2})"}});
}

TEST_CASE("what becomes of a task is told in the order in which it happened", "[mcp][threads]") {
  Tabled tabled;
  Gate gate;
  const std::string id = tabled.begin([&](Request& request) {
    return gate.work(Outcome::ask({{"a", Capability::kElicitation, "{}"}}))(request);
  });
  bool is_first = true;
  Interest interest;
  interest.tasks.insert(id);
  WaitingSink over;
  const auto subscription = tabled.subscriptions.add(interest, [&](const Change& change) {
    // While it is being told that the task asks, the task is cancelled.
    if (std::exchange(is_first, false)) std::thread([&] { tabled.table.cancel(id); }).join();
    over.send("{" + change.params + "}");
  });
  gate.open();
  CHECK(over.wait(0)["status"] == "input_required");
  CHECK(over.wait(1)["status"] == "cancelled");
}

TEST_CASE("a tool becomes a task for a client that can have one", "[mcp][threads]") {
  FixtureSession session(kTasks);
  const Json made = session.call("confirm_delete", {{"arguments", {{"filename", "x"}}}})["result"];
  CHECK(made["resultType"] == "task");
  const std::string id = made["taskId"];
  Told told(session.subscriptions, id);
  Json task = session.modern("tasks/get", {{"taskId", id}})["result"];
  if (task["status"] == "working") task = told.next();  // told before or after it was asked
  const Json asked = session.modern("tasks/get", {{"taskId", id}})["result"];
  CHECK(asked["status"] == "input_required");
  CHECK(asked["resultType"] == "complete");
  const Json answers = {{"confirm", {{"action", "accept"}, {"content", {{"confirm", true}}}}}};
  const Json updated = session.modern("tasks/update", {{"taskId", id}, {"inputResponses", answers}});
  CHECK(updated["result"]["resultType"] == "complete");
  while (session.modern("tasks/get", {{"taskId", id}})["result"]["status"] != "completed") std::this_thread::yield();
  const Json done = session.modern("tasks/get", {{"taskId", id}})["result"];
  CHECK(done["result"]["content"][0]["text"] == "Deleted.");
  CHECK(session.modern("tasks/cancel", {{"taskId", id}})["result"]["resultType"] == "complete");
  CHECK(session.modern("tasks/get", {{"taskId", "none"}})["error"]["code"] == -32602);
  CHECK(session.modern("tasks/update", {{"taskId", id}, {"inputResponses", 7}})["error"]["code"] == -32602);
}

TEST_CASE("without the extension a tool answers at once, or not at all", "[mcp]") {
  FixtureSession session;
  CHECK(session.call("slow_compute", {{"arguments", {{"seconds", 0}}}})["result"]["resultType"] == "complete");
  const Json refused = session.call("failing_job");
  CHECK(refused["error"]["code"] == -32021);
  CHECK(refused["error"]["data"]["requiredCapabilities"]["extensions"].contains("io.modelcontextprotocol/tasks"));
  CHECK(session.status == 400);
  for (const char* method : {"tasks/get", "tasks/update", "tasks/cancel"}) {
    CHECK(session.modern(method, {{"taskId", "x"}})["error"]["code"] == -32021);
  }
}

}  // namespace chronos::test
