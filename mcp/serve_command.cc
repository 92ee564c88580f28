// chronos serve
#include <poll.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "mcp/call_metrics.h"
#include "mcp/chronos_offer.h"
#include "mcp/commands.h"
#include "mcp/dispatcher.h"
#include "mcp/http_access.h"
#include "mcp/http_service.h"
#include "mcp/noted_backend.h"
#include "search/search_index.h"
#include "search/text_index.h"
#include "tools/tool.h"

namespace chronos {
namespace {

void wait_until_readable(int fd) {
  pollfd ready{fd, POLLIN, 0};
  while (::poll(&ready, 1, -1) < 0 && errno == EINTR) {
  }
}

std::string url_of(std::string_view scheme, const std::string& address, uint16_t port) {
  const bool is_v6 = address.find(':') != std::string::npos;
  return std::string(scheme) + "://" + (is_v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

void append_index_metrics(std::string& text, const TextIndexStatus& status) {
  append_metric(text, "chronos_search_events", "gauge", "Events in the keyword index; a search indexes the rest first.",
                status.events);
  append_metric(text, "chronos_search_segments", "gauge", "Segments of the keyword index.", status.segments);
  append_metric(text, "chronos_search_memory_bytes", "gauge", "Bytes of its segments in memory.", status.memory_bytes);
  append_metric(text, "chronos_search_file_bytes", "gauge", "Bytes of its files.", status.file_bytes);
  append_metric(text, "chronos_search_failed", "gauge", "Whether writing its last file failed.",
                status.failure.empty() ? 0 : 1);
}

std::string store_metrics(SharedBackend& backend) {
  const auto store = backend.local_store();
  std::string text;
  append_metric(text, "chronos_store_here", "gauge", "Whether this process has the store.", store && *store != nullptr);
  if (!store || *store == nullptr) return text;
  const StoreStatus status = (*store)->status();
  append_metric(text, "chronos_store_read_only", "gauge", "Whether the store takes no writes.",
                status.read_only_reason.empty() ? 0 : 1);
  append_metric(text, "chronos_store_log_bytes", "gauge", "Bytes in the log, not sealed yet.", status.log_bytes);
  append_metric(text, "chronos_store_sealed_bytes", "gauge", "Bytes of sealed files.", status.sealed_bytes);
  append_metric(text, "chronos_store_segments", "gauge", "Sealed segments.", status.segments);
  append_metric(text, "chronos_store_index_bytes", "gauge", "Memory of indexes.", status.index_bytes);
  append_metric(text, "chronos_store_sealing_failed", "gauge", "Whether the last sealing failed.",
                status.sealing_failure.empty() ? 0 : 1);
  if (const auto view = (*store)->view({})) {
    append_metric(text, "chronos_store_position", "gauge", "The head of main.", view->head().value);
  }
  const auto forks = (*store)->forks();
  append_metric(text, "chronos_store_forks", "gauge", "Forks, main among them.", forks.size());
  uint64_t events = 0;
  for (const ForkInfo& fork : forks) events += fork.own_events;
  append_metric(text, "chronos_store_events", "gauge", "Events, each in its own fork.", events);
  SearchIndex* const search = backend.local_search();
  if (search != nullptr) append_index_metrics(text, search->text()->status());
  return text;
}

}  // namespace

ExitCode run_serve(const CommandLine& line, Workplace place) {
  auto access =
      HttpAccess::open(line.serve.access, {place.disk, place.clock, line.data_directory}, line.serve.address);
  if (!access) return fail(access.error(), exit_code_of(access.error(), kExitUsage));
  // Not only when the first call comes: whoever starts a server wants to know whether it can serve.
  auto store = place.backend.local_store();
  if (!store) return fail(store.error(), exit_code_of(store.error(), kExitUnavailable));

  NotedBackend noted(place.backend, **access);
  CallMetrics backend(noted);
  Subscriptions subscriptions;
  ChronosOffer offer(all_tools(), backend, subscriptions);
  Dispatcher dispatcher({offer, subscriptions, place.clock, place.random});
  HttpServiceOptions options;
  options.address = line.serve.address;
  options.port = line.serve.port;
  options.allow_hosts = line.serve.allow_hosts;
  options.allow_origins = line.serve.allow_origins;
  auto key = session_key_of(place.disk, line.data_directory, place.random);
  if (!key) return fail(key.error(), exit_code_of(key.error(), kExitUnavailable));
  options.session_key = std::move(*key);
  options.access = access->get();
  options.local_store = [&place] { return place.backend.local_store(); };
  options.metrics = [&] { return backend.text() + store_metrics(place.backend); };
  options.ready = [&place]() -> Result<void> {
    auto found = place.backend.local_store();
    if (!found) return found.error();
    if (*found == nullptr) return {};  // another process has it
    const std::string reason = (*found)->status().read_only_reason;
    if (!reason.empty()) return Error{Code::kUnavailable, "the store takes no writes: " + reason, ""};
    return {};
  };
  options.tls_certificate = line.serve.tls_certificate;
  options.tls_key = line.serve.tls_key;
  auto service = HttpService::start({dispatcher, all_tools(), backend, place.clock, place.random}, options);
  if (!service) return fail(service.error(), kExitFailed);
  std::fprintf(
      stderr, "chronos: serving %s at %s (MCP at /mcp)\n", line.data_directory.c_str(),
      url_of(options.tls_certificate.empty() ? "http" : "https", line.serve.address, (*service)->port()).c_str());
  wait_until_readable(place.stop.fd());
  (*service)->stop();
  return kExitOk;
}

}  // namespace chronos
