// Thousands of connections on which nothing happens.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/served_tools.h"

// Last: its CHECK is the one meant here.
#include "tests/support/catch.h"

namespace chronos {
namespace {

using test::HttpClient;
using test::HttpReply;
using test::ServedTools;

using Clients = std::vector<std::unique_ptr<HttpClient>>;

// As many as this process may have, both ends of each being here.
size_t most_clients() {
  constexpr rlim_t kWanted = 2500;
  constexpr rlim_t kOthers = 200;
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const rlim_t files = 2 * kWanted + kOthers;
  if (limit.rlim_cur < files) {
    limit.rlim_cur = std::min(limit.rlim_max, files);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  }
  return static_cast<size_t>(std::min(kWanted, (limit.rlim_cur - kOthers) / 2));
}

uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

Clients connect(ServedTools& session, size_t count) {
  Clients clients;
  for (size_t i = 0; i < count; i++) clients.push_back(session.client());
  return clients;
}

// Of /metrics.
uint64_t figure(HttpClient& client, const std::string& name) {
  const std::string text = client.get("/metrics").body;
  const size_t at = text.find("\n" + name + " ");
  return at == std::string::npos ? 0 : std::stoull(text.substr(at + name.size() + 2));
}

bool echoes(HttpClient& client) { return client.post("/v1/tools/echo", "{}").body == "{\"echo\":{}}"; }

}  // namespace

TEST_CASE("thousands of idle connections are told, cost little, and others are served", "[http][threads]") {
  constexpr uint64_t kMostBytes = uint64_t{256} << 10;  // of a connection, both ends, under a sanitizer
  const size_t most = most_clients();
  HttpServiceOptions options;
  options.limits.max_connections = most;
  ServedTools session(options);
  auto busy = session.client();
  CHECK(echoes(*busy));
  const uint64_t before = resident_bytes();
  Clients idle = connect(session, most - 1);
  for (size_t i = 0; i < idle.size(); i += 10) CHECK(echoes(*idle[i]));  // some were used once
  while (figure(*busy, "chronos_http_connections") < most) std::this_thread::yield();
  while (figure(*busy, "chronos_http_busy") > 1) std::this_thread::yield();
  CHECK(resident_bytes() < before + most * kMostBytes);
  for (int i = 0; i < 20; i++) CHECK(echoes(*busy));

  // Who comes now takes the place of one who never asked for anything.
  Clients more = connect(session, 50);
  for (auto& client : more) CHECK(echoes(*client));
  CHECK(figure(*busy, "chronos_http_connections") == most);
  CHECK(figure(*busy, "chronos_http_refused_total") == 0);
  CHECK(idle[1]->is_closed());
  CHECK(echoes(*idle[0]));
}

TEST_CASE("thousands of connections are closed when they were idle for long", "[http][threads]") {
  HttpServiceOptions options;
  options.limits.idle_time = std::chrono::milliseconds(100);
  ServedTools session(options);
  Clients idle = connect(session, 2000);
  for (auto& client : idle) CHECK(client->is_closed());
  auto last = session.client();
  CHECK(figure(*last, "chronos_http_connections") == 1);
}

}  // namespace chronos
