// Many processes on one store: real ones, ended by kill -9.
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "mcp/shared_backend.h"
#include "mcp/store_socket.h"
#include "tests/support/catch.h"
#include "tests/support/child_process.h"
#include "tests/support/scratch_directory.h"

namespace chronos {
namespace {

using test::ChildProcess;
using test::run_program;
using test::ScratchDirectory;

std::unique_ptr<ChildProcess> start_server(const std::string& directory) {
  return std::make_unique<ChildProcess>(std::vector<std::string>{CHRONOS_BINARY, "stdio", "--data", directory});
}

std::string call_line(int id, const std::string& tool, const std::string& arguments) {
  return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":"tools/call","params":{"name":")" + tool +
         R"(","arguments":)" + arguments + "}}\n";
}

std::string append_arguments(int client, int number) {
  return R"({"events":[{"stream":"client-)" + std::to_string(client) + R"(","type":"T","data":{"n":)" +
         std::to_string(number) + "}}]}";
}

bool greet(ChildProcess& server) {
  return server.write(R"({"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocolVersion":"2025-06-18",)"
                      R"("capabilities":{},"clientInfo":{"name":"t","version":"1"}}})"
                      "\n"
                      R"({"jsonrpc":"2.0","method":"notifications/initialized"})"
                      "\n") &&
         server.read_line().has_value();
}

// One append, answered well.  Empty, or what was wrong.
std::string append_one(ChildProcess& server, int client, int number) {
  if (!server.write(call_line(number, "append_events", append_arguments(client, number)))) return "not read";
  const auto answer = server.read_line();
  if (!answer) return "no answer";
  if (answer->find("\"first_position\"") == std::string::npos) return *answer;
  if (answer->find("\"replayed\"") != std::string::npos) return "replayed: " + *answer;
  return "";
}

// The numbers of each stream in order, as a text, read from an export.
std::map<std::string, std::string> numbers_by_stream(const std::string& directory) {
  const auto finished = run_program({CHRONOS_BINARY, "export", "--data", directory});
  CHECK(finished.exit_code == 0);
  std::map<std::string, std::string> numbers;
  size_t begin = 0;
  while (begin < finished.output.size()) {
    const size_t end = finished.output.find('\n', begin);
    const std::string line = finished.output.substr(begin, end - begin);
    begin = end + 1;
    const auto member = [&](const std::string& before, const std::string& after) {
      const size_t at = line.find(before) + before.size();
      return line.substr(at, line.find(after, at) - at);
    };
    numbers[member("\"stream\":\"", "\"")] += member("\"n\":", "}") + " ";
  }
  return numbers;
}

std::string counted(int count) {
  std::string text;
  for (int i = 0; i < count; i++) text += std::to_string(i) + " ";
  return text;
}

// A process that has the store, as the one that is asked first.
struct Host {
  explicit Host(const std::string& directory) : server(start_server(directory)) {
    REQUIRE(greet(*server));
    REQUIRE(server->write(call_line(0, "describe_store", "{}")));
    REQUIRE(server->read_line().has_value());
  }
  std::unique_ptr<ChildProcess> server;
};

StoreOptions store_in(const std::string& directory) {
  StoreOptions options;
  options.directory = directory;
  return options;
}

Result<std::string> call_tool(ToolBackend& backend, std::string_view tool, std::string arguments) {
  arguments.reserve(arguments.size() + kSimdPadding);
  ToolCall call;
  call.tool = find_tool(tool);
  call.arguments = ValidJson::trusted(arguments);
  call.principal = local_principal("tester");
  return backend.call(call);
}

// Runs kClients servers at once, each appending kEach events; `disturb` runs beside them.
template <typename Disturb>
void append_from_many(const std::string& directory, int clients, int each, Disturb disturb) {
  std::vector<std::string> failures(static_cast<size_t>(clients));
  std::atomic<int> done = 0;
  std::vector<std::thread> threads;
  for (int c = 0; c < clients; c++) {
    threads.emplace_back([&, c] {
      const auto server = start_server(directory);
      std::string& failure = failures[static_cast<size_t>(c)];
      if (!greet(*server)) failure = "no greeting";
      for (int n = 0; n < each && failure.empty(); n++, done++) failure = append_one(*server, c, n);
      server->close_input();
      const int exit_code = server->wait();
      if (exit_code != 0 && failure.empty()) failure = "exit code " + std::to_string(exit_code);
    });
  }
  disturb(done);
  for (std::thread& thread : threads) thread.join();
  for (const std::string& failure : failures) CHECK(failure == "");
  const auto numbers = numbers_by_stream(directory);
  CHECK(numbers.size() == static_cast<size_t>(clients));
  for (const auto& [stream, text] : numbers) CHECK(text == counted(each));
}

}  // namespace

TEST_CASE("eight processes append at once: every event once, in order", "[processes]") {
  const ScratchDirectory scratch;
  append_from_many(scratch.path("store"), 8, 40, [](const std::atomic<int>&) {});
}

TEST_CASE("the host is killed while others append: nobody notices", "[processes]") {
  const ScratchDirectory scratch;
  const std::string directory = scratch.path("store");
  auto host = std::make_unique<Host>(directory);
  constexpr int kClients = 4;
  constexpr int kEach = 60;
  append_from_many(directory, kClients, kEach, [&](const std::atomic<int>& done) {
    // The first host is nobody's server; it dies in the middle.
    while (done < kClients * kEach / 4) std::this_thread::yield();
    host->server->kill(SIGKILL);
    host->server->wait();
  });
}

namespace {

// The process that has the store now; 0 when there is none at this moment.
pid_t host_of(const std::string& directory) {
  auto fd = connect_in(directory);
  if (!fd || *fd < 0) return 0;
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool known = ::getsockopt(*fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  ::close(*fd);
  return known ? peer.pid : 0;
}

// A client as careful as they are: it has many calls under way, starts its server again when that dies, and then asks
// again what was not answered.  It appends until `enough`, and counts what was answered.
struct CarefulClient {
  int answered = 0;
  std::string failure;  // empty: none
};

std::string append_with_restarts(const std::string& directory, int client, const std::atomic<bool>& enough,
                                 std::atomic<int>& done, int& answered) {
  const auto request = [&](int n) {
    std::string arguments = append_arguments(client, n);
    arguments.insert(1, "\"request_id\":\"r-" + std::to_string(client) + "-" + std::to_string(n) + "\",");
    if (n % 2 == 0) arguments.insert(1, "\"durability\":\"os\",");  // survives the process, that is all that dies here
    return call_line(n, "append_events", arguments);
  };
  auto server = start_server(directory);
  greet(*server);
  for (bool goes_on = true; goes_on;) {  // what was sent is sent until it is answered, enough or not
    const int n = answered;
    std::optional<std::string> answer;
    if (server->write(request(n))) answer = server->read_line();
    if (!answer) {
      if (server->wait() != 128 + SIGKILL) return "the server ended by itself";
      server = start_server(directory);
      greet(*server);
      continue;
    }
    if (answer->find("\"first_position\"") == std::string::npos) return *answer;
    answered++;
    done++;
    goes_on = !enough;
  }
  return "";
}

}  // namespace

TEST_CASE("whoever has the store is killed, ten times: every event once, in order, no error", "[processes]") {
  const ScratchDirectory scratch;
  const std::string directory = scratch.path("store");
  constexpr int kClients = 5;
  constexpr int kKills = 10;
  constexpr int kBetween = 30;  // appends answered from one kill to the next
  std::atomic<int> done = 0;
  std::atomic<int> failed = 0;
  std::atomic<bool> enough = false;
  std::vector<CarefulClient> clients(kClients);
  std::vector<std::thread> threads;
  for (int c = 0; c < kClients; c++) {
    threads.emplace_back([&, c] {
      CarefulClient& client = clients[static_cast<size_t>(c)];
      client.failure = append_with_restarts(directory, c, enough, done, client.answered);
      if (!client.failure.empty()) failed++;
    });
  }
  for (int kill = 1; kill <= kKills && failed == 0; kill++) {
    while (done < kill * kBetween && failed == 0) std::this_thread::yield();
    pid_t host = 0;
    while (host == 0 && failed == 0) host = host_of(directory);
    if (host != 0) CHECK(::kill(host, SIGKILL) == 0);
  }
  while (done < (kKills + 1) * kBetween && failed == 0) std::this_thread::yield();
  enough = true;
  for (std::thread& thread : threads) thread.join();
  auto numbers = numbers_by_stream(directory);
  for (int c = 0; c < kClients; c++) {
    const CarefulClient& client = clients[static_cast<size_t>(c)];
    CHECK(client.failure == "");
    CHECK(numbers["client-" + std::to_string(c)] == counted(client.answered));
  }
}

TEST_CASE("calls under way when the host dies are all answered", "[processes]") {
  const ScratchDirectory scratch;
  const std::string directory = scratch.path("store");
  const Host host(directory);
  const auto client = start_server(directory);
  REQUIRE(greet(*client));
  constexpr int kEach = 80;
  for (int n = 0; n < kEach; n++) REQUIRE(client->write(call_line(n, "append_events", append_arguments(n, 0))));
  for (int n = 0; n < kEach; n++) {
    const auto answer = client->read_line();
    REQUIRE(answer.has_value());
    INFO(*answer);
    CHECK(answer->find("\"first_position\"") != std::string::npos);
    CHECK(answer->find("\"replayed\"") == std::string::npos);
    if (n == 20) host.server->kill(SIGKILL);
  }
  const auto numbers = numbers_by_stream(directory);
  CHECK(numbers.size() == kEach);
  for (const auto& [stream, text] : numbers) CHECK(text == "0 ");
}

TEST_CASE("a host that ends in order leaves nobody without an answer", "[processes]") {
  const ScratchDirectory scratch;
  const std::string directory = scratch.path("store");
  Host host(directory);
  append_from_many(directory, 3, 30, [&](const std::atomic<int>& done) {
    while (done < 20) std::this_thread::yield();
    host.server->kill(SIGTERM);
    CHECK(host.server->wait() == 0);
  });
}

TEST_CASE("import and export work while another process has the store", "[processes]") {
  const ScratchDirectory scratch;
  const std::string directory = scratch.path("store");
  std::string lines;
  for (int i = 0; i < 1500; i++) {
    lines += R"({"stream":"client-0","type":"T","data":{"n":)" + std::to_string(i) + "}}\n";
  }
  const std::string input = scratch.write("input", lines);
  const Host host(directory);
  CHECK(run_program({CHRONOS_BINARY, "import", input, "--data", directory}).exit_code == 0);
  CHECK(run_program({CHRONOS_BINARY, "import", input, "--data", directory}).exit_code == 0);
  CHECK(numbers_by_stream(directory)["client-0"] == counted(1500));
  CHECK(run_program({CHRONOS_BINARY, "verify", "--data", directory}).exit_code == 0);
}

TEST_CASE("a backend touches nothing before the first call", "[shared_backend]") {
  const ScratchDirectory scratch;
  {
    SharedBackend backend({.store = store_in(scratch.path("store"))});
    backend.prepare();
    backend.quiet();
  }
  struct stat status{};
  CHECK(::stat(scratch.path("store").c_str(), &status) != 0);
}

TEST_CASE("the socket is for its owner alone, may lie deep, and replaces a stale one", "[shared_backend]") {
  const ScratchDirectory scratch;
  const std::string directory = scratch.path(std::string(100, 'a') + "/" + std::string(100, 'b'));
  SharedBackend first({.store = store_in(directory)});
  REQUIRE(first.local_store());
  const std::string path = directory + "/" + kSocketName;
  struct stat status{};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  {
    SharedBackend second({.store = store_in(directory)});
    auto store = second.local_store();
    REQUIRE(store);
    CHECK(*store == nullptr);
    CHECK(call_tool(second, "append_events", append_arguments(0, 0)));
  }
  const std::string other = scratch.path("other");
  REQUIRE(::mkdir(other.c_str(), 0700) == 0);
  {
    std::ofstream(other + "/" + kSocketName) << "stale";
  }
  SharedBackend third({.store = store_in(other)});
  auto store = third.local_store();
  REQUIRE(store);
  CHECK(*store != nullptr);
}

TEST_CASE("errors and details come through the socket as they are", "[shared_backend]") {
  const ScratchDirectory scratch;
  SharedBackend host({.store = store_in(scratch.path("store"))});
  REQUIRE(call_tool(host, "append_events", append_arguments(0, 0)));
  SharedBackend client({.store = store_in(scratch.path("store"))});
  const std::string conflicting =
      R"({"conditions":[{"stream":"client-0","version":7}],"events":[{"stream":"s","type":"T","data":{}}]})";
  auto here = call_tool(host, "append_events", conflicting);
  auto there = call_tool(client, "append_events", conflicting);
  REQUIRE_FALSE(here);
  REQUIRE_FALSE(there);
  CHECK(there.error().code == Code::kConflict);
  CHECK(there.error().message == here.error().message);
  CHECK(there.error().details == here.error().details);
}

TEST_CASE("a client's own request id is answered as a replay, one of ours is not", "[shared_backend]") {
  const ScratchDirectory scratch;
  SharedBackend host({.store = store_in(scratch.path("store"))});
  REQUIRE(host.local_store());
  SharedBackend client({.store = store_in(scratch.path("store"))});
  const std::string named = R"({"request_id":"mine","events":[{"stream":"s","type":"T","data":{}}]})";
  REQUIRE(call_tool(client, "append_events", named));
  auto again = call_tool(client, "append_events", named);
  REQUIRE(again);
  CHECK(again->find("\"replayed\":true") != std::string::npos);
  auto unnamed = call_tool(client, "append_events", append_arguments(1, 1));
  REQUIRE(unnamed);
  CHECK(unnamed->find("replayed") == std::string::npos);
}

TEST_CASE("a store that somebody locks without serving it is given up with a clear sentence", "[shared_backend]") {
  const ScratchDirectory scratch;
  auto store = Store::open(store_in(scratch.path("store")));
  REQUIRE(store);
  SharedBackend backend({.store = store_in(scratch.path("store")), .give_up = std::chrono::milliseconds(60)});
  auto answer = call_tool(backend, "describe_store", "{}");
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == Code::kUnavailable);
  CHECK(answer.error().message.find("in use by another process that does not answer") != std::string::npos);
  store->reset();
  CHECK(call_tool(backend, "describe_store", "{}"));
}

TEST_CASE("when the host ends another backend takes over", "[shared_backend]") {
  const ScratchDirectory scratch;
  auto host = std::make_unique<SharedBackend>(SharedBackendOptions{.store = store_in(scratch.path("store"))});
  REQUIRE(host->local_store());
  SharedBackend client({.store = store_in(scratch.path("store"))});
  REQUIRE(call_tool(client, "append_events", append_arguments(0, 0)));
  host.reset();
  REQUIRE(call_tool(client, "append_events", append_arguments(0, 1)));
  auto store = client.local_store();
  REQUIRE(store);
  CHECK(*store != nullptr);
}

TEST_CASE("a preview token, and a merge, outlive the process that gave them", "[processes][forks]") {
  const ScratchDirectory scratch;
  const std::string directory = scratch.path("store");
  Host host(directory);
  SharedBackend client({.store = store_in(directory)});
  REQUIRE(call_tool(client, "append_events", append_arguments(0, 0)));
  REQUIRE(call_tool(client, "create_fork", R"({"name":"try"})"));
  REQUIRE(call_tool(client, "append_events", R"({"fork":"try","events":[{"stream":"a","type":"T","data":{}}]})"));
  const auto preview = call_tool(client, "merge_fork", R"({"fork":"try"})");
  REQUIRE(preview);
  const std::string before = "\"preview_token\":\"";
  const size_t begin = preview->find(before);
  REQUIRE(begin != std::string::npos);
  const size_t token = begin + before.size();
  const std::string commit = R"({"fork":"try","request_id":"m1","preview_token":")" +
                             preview->substr(token, preview->find('"', token) - token) + "\"}";
  host.server->kill(SIGKILL);
  CHECK(host.server->wait() == 128 + SIGKILL);
  const auto merged = call_tool(client, "merge_fork", commit);
  REQUIRE(merged);
  CHECK(merged->find(R"("appended":1)") != std::string::npos);
  CHECK(merged->find("\"replayed\"") == std::string::npos);
  const auto again = call_tool(client, "merge_fork", commit);
  REQUIRE(again);
  CHECK(again->find(R"("replayed":true)") != std::string::npos);
}

}  // namespace chronos
