// Any bytes as the lines of one connection: each line is answered by nothing or by JSON, and however the connection
// was treated, it still answers afterwards.
#include <algorithm>
#include <string>
#include <string_view>

#include "core/valid_json.h"
#include "mcp/chronos_offer.h"
#include "mcp/dispatcher.h"
#include "mcp/line_io.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/chance.h"

namespace chronos {
namespace {

class EchoBackend : public ToolBackend {
 public:
  Result<std::string> call(const ToolCall& call) override {
    if (call.progress) call.progress(1, 2, call.tool->name);
    if (!call.tool->read_only) return Error{Code::kConflict, std::string(call.arguments.text()), ""};
    return R"({"echo":)" + std::string(call.arguments.text()) + "}";
  }
  void prepare() override {}
  void quiet() override {}
};

class StillClock : public Clock {
 public:
  Timestamp now() override { return Timestamp{0}; }
};

Tool tool(std::string_view name, bool read_only) {
  Tool made{};
  made.name = made.title = made.description = name;
  made.input_schema = made.output_schema = R"({"type":"object"})";
  made.read_only = read_only;
  return made;
}

struct CheckingSink : MessageSink {
  void send(std::string_view message) override { CHECK(validate_json(Line(message).text(), 100).has_value()); }
};

std::string answer(Dispatcher& dispatcher, Connection& connection, std::string_view text) {
  const Line line(text);
  CheckingSink sink;
  return dispatcher.run(connection, dispatcher.accept(connection, line.text()), sink);
}

void serve(std::string_view lines) {
  const Tool tools[] = {tool("guide", true), tool("append_events", false), tool("verify_history", true)};
  EchoBackend backend;
  StillClock clock;
  test::Chance chance(1);
  Subscriptions subscriptions;
  ChronosOffer offer(tools, backend, subscriptions);
  Dispatcher dispatcher({offer, subscriptions, clock, chance});
  Connection connection;
  connection.end();  // nothing waits for a client: who listens is stopped, and questions fail
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    const std::string reply = answer(dispatcher, connection, lines.substr(0, end));
    CHECK(reply.empty() || validate_json(Line(reply).text(), 10'000).has_value());
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  CHECK(answer(dispatcher, connection, R"({"jsonrpc":"2.0","id":1,"method":"ping"})") ==
        R"({"jsonrpc":"2.0","id":1,"result":{}})");
}

}  // namespace
}  // namespace chronos

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const chronos::test::FuzzInput input(bytes, size);
  chronos::serve(input.text());
  return 0;
}
