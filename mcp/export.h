// Export: the events of a fork as NDJSON, in order of position, with every field, `data` byte by byte.
// What import reads back (core/event_json.h, EventSource::kExport).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "core/store.h"
#include "mcp/tool_backend.h"

namespace chronos {

struct ExportOptions {
  std::string fork = "main";
  std::string as_of;   // a position or an RFC 3339 time; empty: now
  std::string stream;  // empty: all
  Position since;      // events after it
  Principal principal = local_principal();
  std::function<bool()> stop_requested;                       // may be null
  std::function<Result<void>(std::string_view lines)> write;  // whole lines, many at a time
};

struct ExportReport {
  uint64_t events = 0;
  bool stopped = false;  // by stop_requested
};

// kCorrupt, naming file and byte, where a sealed file is damaged: what comes before it was written.
Result<ExportReport> export_events(const Store& store, const ExportOptions& options);

// From the process that has the store, page by page; all pages are of the same moment.
Result<ExportReport> export_forwarded(ToolBackend& backend, const ExportOptions& options);
// The head of options.fork there.
Result<Position> forwarded_head(ToolBackend& backend, const ExportOptions& options);

}  // namespace chronos
