// chronos serve
#include <poll.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "mcp/commands.h"
#include "mcp/dispatcher.h"
#include "mcp/http_service.h"
#include "tools/tool.h"

namespace chronos {
namespace {

void wait_until_readable(int fd) {
  pollfd ready{fd, POLLIN, 0};
  while (::poll(&ready, 1, -1) < 0 && errno == EINTR) {
  }
}

std::string url_of(const std::string& address, uint16_t port) {
  const bool is_v6 = address.find(':') != std::string::npos;
  return "http://" + (is_v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

}  // namespace

ExitCode run_serve(const CommandLine& line, Workplace place) {
  if (!is_loopback_name(line.serve.address)) {
    return fail(
        {Code::kPermissionDenied,
         "'" + line.serve.address + "' can be reached by others, and there are no tokens: listen on 127.0.0.1", ""},
        kExitUsage);
  }
  // Not only when the first call comes: whoever starts a server wants to know whether it can serve.
  auto store = place.backend.local_store();
  if (!store) return fail(store.error(), exit_code_of(store.error(), kExitUnavailable));

  Dispatcher dispatcher(all_tools(), place.backend, place.clock);
  HttpServiceOptions options;
  options.address = line.serve.address;
  options.port = line.serve.port;
  options.allow_hosts = line.serve.allow_hosts;
  options.allow_origins = line.serve.allow_origins;
  auto key = session_key_of(place.disk, line.data_directory, place.random);
  if (!key) return fail(key.error(), exit_code_of(key.error(), kExitUnavailable));
  options.session_key = std::move(*key);
  options.ready = [&place]() -> Result<void> {
    auto found = place.backend.local_store();
    if (!found) return found.error();
    if (*found == nullptr) return {};  // another process has it
    const std::string reason = (*found)->status().read_only_reason;
    if (!reason.empty()) return Error{Code::kUnavailable, "the store takes no writes: " + reason, ""};
    return {};
  };
  auto service = HttpService::start({dispatcher, all_tools(), place.backend, place.clock, place.random}, options);
  if (!service) return fail(service.error(), kExitFailed);
  std::fprintf(stderr, "chronos: serving %s at %s (MCP at /mcp)\n", line.data_directory.c_str(),
               url_of(line.serve.address, (*service)->port()).c_str());
  wait_until_readable(place.stop.fd());
  (*service)->stop();
  return kExitOk;
}

}  // namespace chronos
