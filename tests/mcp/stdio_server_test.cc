// What a transcript cannot say: ends of the input, signals, more calls than threads.
#include "mcp/stdio_server.h"

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/stdio_session.h"

// Last: its CHECK is the one meant here.
#include "tests/support/catch.h"

namespace chronos {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

std::string call(int id, std::string_view tool) {
  return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":"tools/call","params":{"name":")" +
         std::string(tool) + R"("}})";
}

std::string cancel(int id) {
  return R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":)" + std::to_string(id) + "}}";
}

const std::string kPing = R"({"jsonrpc":"2.0","id":0,"method":"ping"})";
const std::string kPong = R"({"jsonrpc":"2.0","id":0,"result":{}})";

int id_of(const std::string& reply) { return std::stoi(reply.substr(reply.find("\"id\":") + 5)); }

std::vector<int> sorted_ids(const std::vector<std::string>& replies) {
  std::vector<int> ids;
  for (const std::string& reply : replies) ids.push_back(id_of(reply));
  std::sort(ids.begin(), ids.end());
  return ids;
}

bool is_error(const std::string& reply) { return reply.find("\"isError\":true") != std::string::npos; }

}  // namespace

TEST_CASE("calls that run when the input ends are finished and answered", "[mcp]") {
  const int round = GENERATE(range(0, 30));  // the end, and the calls' ends, meet in another order each time
  CAPTURE(round);
  StdioSession session({.read_grace = hours(1)});
  session.send(call(1, "hold"));
  session.send(call(2, "hold_write"));
  session.backend().wait_for_holders(2);
  session.close_input();
  std::vector<std::string> replies;
  for (int i = 0; i < 2; ++i) {  // one by one: the server is waiting for them when the last ends
    session.backend().release();
    replies.push_back(session.receive());
  }
  CHECK(sorted_ids(replies) == std::vector<int>{1, 2});
  CHECK(session.finish().empty());
}

TEST_CASE("after the end reads are stopped and answered, writes go on", "[mcp]") {
  StdioSession session({.read_grace = milliseconds(0)});
  session.send(call(1, "hold_write"));
  session.send(call(2, "hold"));
  session.backend().wait_for_holders(2);
  session.close_input();
  const std::string stopped = session.receive();
  CHECK(id_of(stopped) == 2);
  CHECK(is_error(stopped));
  session.backend().release();
  const std::vector<std::string> rest = session.finish();
  REQUIRE(sorted_ids(rest) == std::vector<int>{1});
  CHECK(!is_error(rest[0]));
}

TEST_CASE("a request to stop is the end of the input", "[mcp]") {
  StdioSession session;
  session.send(kPing);
  CHECK(session.receive() == kPong);
  session.send(call(1, "hold_write"));
  session.backend().wait_for_holders(1);
  session.ask_to_stop();
  session.backend().release();
  CHECK(sorted_ids(session.finish()) == std::vector<int>{1});
}

TEST_CASE("the server ends when the client closes the output", "[mcp]") {
  StdioSession session;
  session.send(kPing);
  CHECK(session.receive() == kPong);
  session.close_output();
  CHECK(session.finish().empty());
}

TEST_CASE("an input that ends at once is served in no time", "[mcp]") {
  StdioSession session;
  session.close_input();
  CHECK(session.finish().empty());
  CHECK(session.backend().prepared() == 0);
}

TEST_CASE("with more calls than threads, cancellations still get through", "[mcp]") {
  const size_t threads = GENERATE(size_t{2}, size_t{4}, size_t{16});
  constexpr int kCalls = 40;
  StdioSession session({.max_threads = threads});
  for (int id = 1; id <= kCalls; ++id) session.send(call(id, "hold"));
  const int runners = static_cast<int>(threads) - 1;
  session.backend().wait_for_holders(runners);
  session.send(kPing);
  CHECK(session.receive() == kPong);
  CHECK(session.backend().holders_begun() == runners);  // one thread goes on reading
  session.send(cancel(1));
  session.backend().wait_for_holders(runners + 1);  // the next of the queue has its place
  session.send(cancel(kCalls));
  session.send(kPing);
  CHECK(session.receive() == kPong);
  session.backend().release(kCalls - 2);
  session.close_input();
  std::vector<int> expected;
  for (int id = 2; id < kCalls; ++id) expected.push_back(id);
  CHECK(sorted_ids(session.finish()) == expected);
}

TEST_CASE("one thread is enough to answer everything", "[mcp]") {
  StdioSession session({.max_threads = 1});
  for (int id = 1; id <= 100; ++id) session.send(call(id, id % 2 == 0 ? "echo" : "write"));
  session.close_input();
  CHECK(session.finish().size() == 100);
}

TEST_CASE("more calls than the queue holds are all answered", "[mcp]") {
  StdioSession session({.max_threads = 2});
  constexpr int kCalls = 3000;
  std::thread client([&] {
    session.send(call(1, "hold"));
    for (int id = 2; id <= kCalls; ++id) session.send(call(id, "echo"));
    session.close_input();
  });
  session.backend().wait_for_holders(1);
  session.backend().release();
  const size_t answered = session.finish().size();
  client.join();
  CHECK(answered == kCalls);
}

TEST_CASE("calls from a busy client are each answered once", "[mcp]") {
  StdioSession session;
  constexpr int kCalls = 5000;
  std::thread client([&] {
    for (int id = 1; id <= kCalls; ++id) session.send(call(id, id % 3 == 0 ? "count" : "echo"));
    session.close_input();
  });
  const std::vector<int> ids = sorted_ids(session.finish());
  client.join();
  REQUIRE(ids.size() == kCalls);
  CHECK(ids.front() == 1);
  CHECK(ids.back() == kCalls);
  CHECK(std::adjacent_find(ids.begin(), ids.end()) == ids.end());
}

TEST_CASE("the backend hears when the client is quiet", "[mcp]") {
  StdioSession session({.quiet_after = milliseconds(1)});
  session.send(kPing);
  CHECK(session.receive() == kPong);
  session.backend().wait_for_quiet(1);
  session.send(kPing);
  CHECK(session.receive() == kPong);
  session.backend().wait_for_quiet(2);
}

}  // namespace chronos
