// What each role may do, asked as every transport asks: through a backend, with the engine here and in another process.
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "core/log.h"
#include "mcp/local_backend.h"
#include "mcp/principal_text.h"
#include "mcp/shared_backend.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {
namespace {

using Json = nlohmann::json;

const Principal kReader{"ray", Role::kReader, {}, false};
const Principal kWriter{"wendy", Role::kWriter, {}, false};
const Principal kMerger{"max", Role::kMerger, {}, false};
const Principal kAdmin{"ada", Role::kAdmin, {}, false};

class Asking {
 public:
  explicit Asking(ToolBackend& backend) : backend_(backend) {}

  Result<std::string> operator()(const Principal& principal, std::string_view tool, const Json& arguments) {
    std::string text = arguments.dump();
    text.reserve(text.size() + kSimdPadding);
    ToolCall call;
    call.tool = find_tool(tool);
    if (call.tool == nullptr) call.tool = find_admin_tool(tool);
    call.arguments = ValidJson::trusted(text);
    call.principal = principal;
    return backend_.call(call);
  }

  Result<std::string> append(const Principal& principal, const std::string& fork, const std::string& stream) {
    const Json event = {{"stream", stream}, {"type", "Set"}, {"data", Json::object()}};
    return (*this)(principal, "append_events", {{"fork", fork}, {"events", {event}}});
  }

  Result<std::string> merge(const Principal& principal, Json arguments) {
    const auto preview = (*this)(principal, "merge_fork", arguments);
    if (!preview) return preview;
    arguments["preview_token"] = Json::parse(*preview)["preview_token"];
    return (*this)(principal, "merge_fork", arguments);
  }

 private:
  ToolBackend& backend_;
};

// Refused, in words that name `missing`.
bool is_refused(const Result<std::string>& answer, std::string_view missing) {
  if (answer) return false;
  INFO(answer.error().message);
  CHECK(answer.error().code == Code::kPermissionDenied);
  CHECK(answer.error().message.find(missing) != std::string::npos);
  CHECK(Json::parse(answer.error().details, nullptr, false).is_object());
  return answer.error().code == Code::kPermissionDenied;
}

void check_roles(ToolBackend& backend) {
  Asking ask(backend);
  REQUIRE(ask.append(kAdmin, "main", "order-1"));

  CHECK(ask(kReader, "query_events", Json::object()));
  CHECK(ask(kReader, "list_forks", Json::object()));
  CHECK(is_refused(ask.append(kReader, "main", "order-1"), "'ray' is a reader and may not append"));
  CHECK(is_refused(ask(kReader, "create_fork", {{"name", "try"}}), "takes the role writer"));
  CHECK(is_refused(ask(kReader, "discard_fork", {{"fork", "try"}}), "takes the role writer"));

  const auto event = ask.append(kWriter, "main", "order-1");
  REQUIRE(event);
  const auto read = ask(kReader, "query_events", {{"order", "desc"}, {"limit", 1}});
  REQUIRE(read);
  CHECK(Json::parse(*read)["events"][0]["actor"] == "wendy");

  REQUIRE(ask(kWriter, "create_fork", {{"name", "try"}}));
  REQUIRE(ask.append(kWriter, "try", "order-2"));
  CHECK(ask(kReader, "merge_fork", {{"fork", "try"}}));  // only looks
  CHECK(is_refused(ask.merge(kWriter, {{"fork", "try"}}), "'wendy' is a writer and may not merge"));
  const auto merged = ask.merge(kMerger, {{"fork", "try"}});
  REQUIRE(merged);
  CHECK(Json::parse(*merged)["appended"] == 1);

  CHECK(is_refused(ask(kMerger, "discard_fork", {{"fork", "try"}}), "'try' was made by 'wendy'"));
  REQUIRE(ask(kWriter, "discard_fork", {{"fork", "try"}}));
  REQUIRE(ask(kWriter, "create_fork", {{"name", "other"}}));
  REQUIRE(ask(kAdmin, "discard_fork", {{"fork", "other"}}));

  CHECK(is_refused(ask(kMerger, "set_protection", {{"main", true}}), "admin"));
  CHECK(ask(kAdmin, "set_protection", {{"main", true}}));
  CHECK(is_refused(ask(kMerger, "backup_store", {{"to", "/nowhere"}}), "admin"));
}

StoreOptions on(SimulatedDisk& disk) {
  StoreOptions options;
  options.directory = "/store";
  options.disk = &disk;
  options.seal_in_background = false;
  return options;
}

}  // namespace

TEST_CASE("Each role may do what it should and no more, with the engine here", "[access]") {
  SimulatedDisk disk;
  LocalBackend backend(on(disk));
  check_roles(backend);
}

TEST_CASE("Each role may do what it should and no more, with the engine in another process", "[access][threads]") {
  const ScratchDirectory scratch;
  StoreOptions store;
  store.directory = scratch.path("store");
  SharedBackend host({.store = store});
  const auto engine = host.local_store();
  REQUIRE(engine);
  REQUIRE(*engine != nullptr);
  SharedBackend client({.store = store});
  const auto none = client.local_store();
  REQUIRE(none);
  CHECK(*none == nullptr);
  check_roles(client);
}

TEST_CASE("Who made a fork is known after the store was opened again, sealed or not", "[access]") {
  SimulatedDisk disk;
  for (int round = 0; round < 3; round++) {
    auto store = Store::open(on(disk));
    REQUIRE(store);
    if (round == 0) {
      NewFork fork;
      fork.name = "try";
      fork.principal = kWriter;
      REQUIRE((*store)->create_fork(fork));
    }
    const auto refused = (*store)->discard_fork("try", "", kMerger);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::kPermissionDenied);
    REQUIRE((*store)->seal());
  }
  auto store = Store::open(on(disk));
  REQUIRE(store);
  CHECK((*store)->discard_fork("try", "", kWriter));
}

TEST_CASE("A principal bound to prefixes writes to no other stream, by append or by merge", "[access]") {
  SimulatedDisk disk;
  LocalBackend backend(on(disk));
  Asking ask(backend);
  const Principal bound{"bo", Role::kMerger, {"order-", "cart-"}, false};
  CHECK(ask.append(bound, "main", "order-1"));
  CHECK(ask.append(bound, "main", "cart-"));
  CHECK(is_refused(ask.append(bound, "main", "orde"), "stream 'orde'"));
  CHECK(is_refused(ask.append(bound, "main", "Order-1"), "'order-', 'cart-'"));
  // One wrong stream among right ones: nothing is written.
  Json events = Json::array();
  for (const char* stream : {"order-1", "payroll", "cart-2"}) {
    events.push_back({{"stream", stream}, {"type", "Set"}, {"data", Json::object()}});
  }
  CHECK(is_refused(ask(bound, "append_events", {{"events", events}}), "payroll"));

  REQUIRE(ask(kWriter, "create_fork", {{"name", "try"}}));
  REQUIRE(ask.append(kWriter, "try", "order-1"));
  CHECK(ask.merge(bound, {{"fork", "try"}}));
  REQUIRE(ask.append(kWriter, "try", "payroll"));
  CHECK(is_refused(ask.merge(bound, {{"fork", "try"}}), "may not merge events of stream 'payroll'"));
  // What it leaves behind does not count.
  REQUIRE(ask.append(kWriter, "try", "cart-1"));
  CHECK(ask.merge(bound, {{"fork", "try"}, {"only", {{{"streams", {"cart-1"}}}}}}));
  const auto read = ask(kReader, "query_events", {{"stream", "payroll"}});
  REQUIRE(read);
  CHECK(Json::parse(*read)["events"].empty());
}

TEST_CASE("A principal for forks only leaves main alone, by append or by merge", "[access]") {
  SimulatedDisk disk;
  LocalBackend backend(on(disk));
  Asking ask(backend);
  const Principal bound{"fred", Role::kMerger, {}, true};
  REQUIRE(ask.append(kAdmin, "main", "a"));
  CHECK(is_refused(ask.append(bound, "main", "a"), "forks, not to main"));
  const Json event = {{"stream", "a"}, {"type", "Set"}, {"data", Json::object()}};
  CHECK(is_refused(ask(bound, "append_events", {{"events", {event}}}), "create_fork"));
  REQUIRE(ask(bound, "create_fork", {{"name", "try-1"}}));
  REQUIRE(ask(bound, "create_fork", {{"name", "try-2"}, {"from", "try-1"}}));
  CHECK(ask.append(bound, "try-2", "a"));
  CHECK(ask.merge(bound, {{"fork", "try-2"}}));
  CHECK(is_refused(ask.merge(bound, {{"fork", "try-1"}}), "not to main"));
  CHECK(is_refused(ask.merge(bound, {{"fork", "try-1"}, {"into", "main"}}), "not to main"));
  CHECK(ask(bound, "discard_fork", {{"fork", "try-2"}}));
}

TEST_CASE("A refusal comes before the answer to a request that is sent again", "[access]") {
  SimulatedDisk disk;
  LocalBackend backend(on(disk));
  Asking ask(backend);
  const Json event = {{"stream", "a"}, {"type", "Set"}, {"data", Json::object()}};
  const Json arguments = {{"events", {event}}, {"request_id", "r-1"}};
  REQUIRE(ask(kWriter, "append_events", arguments));
  CHECK(is_refused(ask(kReader, "append_events", arguments), "reader"));
  CHECK(ask(kWriter, "append_events", arguments));
}

TEST_CASE("A principal goes through the socket as it is, and nonsense is none", "[access]") {
  for (const Principal& principal :
       {Principal{}, local_principal(), kMerger, Principal{"", Role::kWriter, {"", "a\nb", "\xc3\xa9"}, true}}) {
    const std::string text = principal_text(principal);
    const auto read = read_principal(text);
    REQUIRE(read);
    CHECK(*read == principal);
    // A prefix that ends where a string does is a principal with fewer streams; no other is one.
    for (size_t size = 0; size < text.size(); size++) {
      const auto part = read_principal(text.substr(0, size));
      if (part) CHECK(principal_text(*part) == text.substr(0, size));
    }
    CHECK_FALSE(read_principal(text + "x"));
  }
  CHECK_FALSE(read_principal("4-"));
  CHECK_FALSE(read_principal("0x"));
}

}  // namespace chronos::test
