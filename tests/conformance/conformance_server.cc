// conformance_server [--port N | --stdio]: what tests/conformance/fixture_offer.h offers, by the protocol library and
// the transports of the product, for the official conformance suite (tests/node/conformance.mjs).
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "mcp/dispatcher.h"
#include "mcp/http_service.h"
#include "mcp/stdio_server.h"
#include "mcp/stop_signal.h"
#include "mcp/subscriptions.h"
#include "mcp/tool_backend.h"
#include "tests/conformance/fixture_offer.h"

namespace chronos::test {
namespace {

// The fixtures call no tools of a store.
class NoBackend final : public ToolBackend {
 public:
  Result<std::string> call(const ToolCall&) override { return Error{Code::kNotFound, "there is no store", ""}; }
  void prepare() override {}
  void quiet() override {}
};

struct Server {
  NoBackend backend;
  Subscriptions subscriptions;
  FixtureOffer offer{subscriptions};
  Dispatcher dispatcher{Dispatcher::Parts{offer, subscriptions, system_clock(), system_random()}};
};

int serve_stdio(Server& server, const StopSignal& stop) {
  StdioOptions options;
  options.stop_fd = stop.fd();
  StdioServer(server.dispatcher, server.backend, options).run();
  return 0;
}

// Says on standard output where it serves, until it is told to end.
int serve_http(Server& server, uint16_t port, const StopSignal& stop) {
  HttpServiceOptions options;
  options.port = port;
  const std::vector<Tool> tools = server.offer.tools();
  auto service = HttpService::start({server.dispatcher, tools, server.backend, system_clock(), system_random()},
                                    std::move(options));
  if (!service) {
    std::fprintf(stderr, "conformance_server: %s\n", service.error().message.c_str());
    return 1;
  }
  std::printf("http://127.0.0.1:%u/mcp\n", static_cast<unsigned>((*service)->port()));
  std::fflush(stdout);
  stop.wait();
  (*service)->stop();
  return 0;
}

int run(int argc, char** argv) {
  StopSignal stop;
  Server server;
  const std::string_view how = argc > 1 ? argv[1] : "";
  if (how == "--stdio") return serve_stdio(server, stop);
  if (how == "--port" && argc == 3) return serve_http(server, static_cast<uint16_t>(std::atoi(argv[2])), stop);
  std::fputs("usage: conformance_server --port N | --stdio\n", stderr);
  return 2;
}

}  // namespace
}  // namespace chronos::test

int main(int argc, char** argv) { return chronos::test::run(argc, argv); }
