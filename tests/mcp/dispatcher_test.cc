#include "mcp/dispatcher.h"

#include <string>
#include <vector>

#include "mcp/line_io.h"
#include "mcp/progress.h"
#include "tests/support/scripted_tools.h"

// Last: its CHECK is the one meant here.
#include "tests/support/catch.h"

namespace chronos {
namespace {

struct Fixture {
  ScriptedBackend backend;
  ScriptedServer server{backend};
  StillClock& clock = server.clock;
  Dispatcher& dispatcher = server.dispatcher;
  Connection connection;
  CollectingSink sink;
  std::vector<std::string>& notified = sink.messages;

  std::string answer(std::string_view text) {
    const Line line(text);
    return dispatcher.run(connection, dispatcher.accept(connection, line.text()), sink);
  }
};

std::string call(std::string_view id, std::string_view tool, std::string_view rest = "") {
  return R"({"jsonrpc":"2.0","id":)" + std::string(id) + R"(,"method":"tools/call","params":{"name":")" +
         std::string(tool) + "\"" + std::string(rest) + "}}";
}

}  // namespace

TEST_CASE("only a tool call is left to run", "[mcp]") {
  Fixture f;
  const auto is_done = [&](const std::string& text) {
    const Line line(text);
    Accepted accepted = f.dispatcher.accept(f.connection, line.text());
    const bool done = accepted.is_done();
    f.dispatcher.run(f.connection, std::move(accepted), f.sink);
    return done;
  };
  CHECK(is_done(R"({"jsonrpc":"2.0","id":1,"method":"ping"})"));
  CHECK(is_done(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})"));
  CHECK(is_done("rubbish"));
  CHECK(is_done(call("1", "no_such_tool")));
  CHECK(is_done(call("1", "echo", R"(,"arguments":7)")));
  CHECK(!is_done(call("1", "echo")));
  CHECK(f.backend.calls() == std::vector<std::string>{"echo"});
}

TEST_CASE("the backend is told to prepare when a call is likely", "[mcp]") {
  Fixture f;
  f.answer(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}})");
  f.answer(
      R"({"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{)"
      R"("io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}})");
  CHECK(f.backend.prepared() == 0);  // a probe opens nothing
  f.answer(R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
  CHECK(f.backend.prepared() == 1);
  f.answer(R"({"jsonrpc":"2.0","id":2,"method":"tools/list"})");
  CHECK(f.backend.prepared() == 2);
}

TEST_CASE("a call cancelled before it runs is not run and not answered", "[mcp]") {
  Fixture f;
  const Line line(call("\"x\"", "write"));
  Accepted accepted = f.dispatcher.accept(f.connection, line.text());
  CHECK(f.answer(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"x"}})").empty());
  CHECK(f.dispatcher.run(f.connection, std::move(accepted), f.sink).empty());
  CHECK(f.backend.calls().empty());
  CHECK(!f.answer(call("\"x\"", "write")).empty());  // the id is free again
}

TEST_CASE("a call that ends although it was cancelled is not answered", "[mcp]") {
  Fixture f;
  f.backend.after_step = [&] {
    f.answer(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}})");
  };
  CHECK(f.answer(call("5", "count", R"(,"_meta":{"progressToken":1})")).empty());
  CHECK(f.notified.size() == 1);  // nor does it report progress any more
}

TEST_CASE("stopping the reads leaves writes alone", "[mcp]") {
  Fixture f;
  const Line read_line(call("1", "echo"));
  const Line write_line(call("2", "write"));
  Accepted read = f.dispatcher.accept(f.connection, read_line.text());
  Accepted write = f.dispatcher.accept(f.connection, write_line.text());
  f.connection.stop_reads();
  CHECK(f.dispatcher.run(f.connection, std::move(read), f.sink).find("unavailable") != std::string::npos);
  CHECK(f.dispatcher.run(f.connection, std::move(write), f.sink).find("isError") == std::string::npos);
}

TEST_CASE("progress comes ten times a second at most, rising, and says when all is done", "[mcp]") {
  Fixture f;
  f.backend.steps = 1000;
  f.answer(call("1", "count", R"(,"_meta":{"progressToken":"t"})"));
  REQUIRE(f.notified.size() == 11);
  CHECK(f.notified[9].find(R"("progress":10,"total":1000)") != std::string::npos);
  CHECK(f.notified[10].find(R"("progress":1000,"total":1000)") != std::string::npos);

  f.notified.clear();
  f.backend.after_step = [&] { f.clock.advance_us(10'000); };
  f.answer(call("2", "count", R"(,"_meta":{"progressToken":"t"})"));
  CHECK(f.notified.size() == 101);

  f.notified.clear();
  f.backend.after_step = [&] { f.clock.advance_us(-1); };  // a clock that runs backwards does not silence it
  f.backend.steps = 20;
  f.answer(call("3", "count", R"(,"_meta":{"progressToken":"t"})"));
  CHECK(f.notified.size() == 20);
}

TEST_CASE("a backend that reports progress after the answer is not heard", "[mcp]") {
  Fixture f;
  f.answer(call("1", "count", R"(,"_meta":{"progressToken":"t"})"));
  f.notified.clear();
  f.backend.kept_progress(1000, 1000, "late");
  CHECK(f.notified.empty());
}

TEST_CASE("progress never falls and never comes after the answer", "[mcp]") {
  StillClock clock;
  CollectingSink sink;
  const std::vector<std::string>& sent = sink.messages;
  Progress progress("7", sink, clock, {});
  progress.report(5, 10, "");
  progress.report(5, 10, "");
  progress.report(4, 10, "");
  progress.report(0.0 / 0.0, 10, "");
  progress.report(5.5, 0, "say \"x\"");
  REQUIRE(sent.size() == 2);
  const std::string begin = R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":7,)";
  CHECK(sent[0] == begin + R"("progress":5,"total":10}})");
  CHECK(sent[1] == begin + R"("progress":5.5,"message":"say \"x\""}})");
  progress.close();
  progress.report(10, 10, "");
  CHECK(sent.size() == 2);
}

TEST_CASE("only the revisions with batches take them, also after another initialize", "[mcp]") {
  Fixture f;
  const std::string batch = R"([{"jsonrpc":"2.0","id":1,"method":"ping"}])";
  const auto initialize = [&](std::string_view version) {
    f.answer(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":")" + std::string(version) +
             "\"}}");
  };
  const std::string good = R"([{"jsonrpc":"2.0","id":1,"result":{}}])";
  CHECK(f.answer(batch) != good);
  initialize("2025-03-26");
  CHECK(f.answer(batch) == good);
  initialize("2025-06-18");
  CHECK(f.answer(batch) != good);
  initialize("2024-11-05");
  CHECK(f.answer(batch) == good);
  initialize("2024-10-07");
  CHECK(f.answer(batch) != good);
}

TEST_CASE("an answer has the status that HTTP asks for", "[mcp]") {
  Fixture f;
  const auto status = [&](const std::string& text) {
    const Line line(text);
    Accepted accepted = f.dispatcher.accept(f.connection, line.text());
    const int code = accepted.status();
    f.dispatcher.run(f.connection, std::move(accepted), f.sink);
    return code;
  };
  const auto modern = [](std::string_view method, std::string_view version) {
    return R"({"jsonrpc":"2.0","id":1,"method":")" + std::string(method) +
           R"(","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":")" + std::string(version) +
           R"(","io.modelcontextprotocol/clientCapabilities":{}}}})";
  };
  CHECK(status("rubbish") == 400);
  CHECK(status(R"({"jsonrpc":"2.0","id":null,"method":"ping"})") == 400);
  CHECK(status(modern("tools/list", "2026-07-28")) == 200);
  CHECK(status(modern("tools/list", "2031-01-01")) == 400);
  CHECK(status(modern("ping", "2026-07-28")) == 404);
  CHECK(status(R"({"jsonrpc":"2.0","id":1,"method":"server/discover"})") == 400);
  CHECK(status(R"({"jsonrpc":"2.0","id":1,"method":"no/such"})") == 200);
  CHECK(status(call("1", "no_such_tool")) == 200);
  CHECK(status(call("1", "fail")) == 200);
  CHECK(status(R"({"jsonrpc":"2.0","method":"notifications/initialized"})") == 202);
  CHECK(status(R"({"jsonrpc":"2.0","id":1,"result":{}})") == 202);
}

TEST_CASE("what is said unasked goes to the sink attached last", "[mcp]") {
  Connection connection;
  CHECK(!connection.push("{}"));
  const auto first = std::make_shared<CollectingSink>();
  const auto second = std::make_shared<CollectingSink>();
  connection.attach(first);
  connection.attach(second);
  connection.detach(first.get());
  CHECK(connection.push("{}"));
  CHECK(first->messages.empty());
  CHECK(second->messages == std::vector<std::string>{"{}"});
  connection.detach(second.get());
  CHECK(!connection.push("{}"));
}

TEST_CASE("two connections may use the same ids", "[mcp]") {
  Fixture f;
  Connection other;
  const Line line(call("1", "echo"));
  Accepted first = f.dispatcher.accept(f.connection, line.text());
  Accepted second = f.dispatcher.accept(other, line.text());
  CHECK(!first.is_done());
  CHECK(!second.is_done());
  CHECK(!f.dispatcher.run(f.connection, std::move(first), f.sink).empty());
  CHECK(!f.dispatcher.run(other, std::move(second), f.sink).empty());
}

}  // namespace chronos
