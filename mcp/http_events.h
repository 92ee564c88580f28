// Events in bulk over HTTP: a stream of them in, a stream of them out.
#pragma once

#include <functional>
#include <string_view>

#include "core/principal.h"
#include "core/result.h"
#include "core/store.h"
#include "mcp/http_exchange.h"
#include "mcp/tool_backend.h"

namespace chronos {

inline constexpr std::string_view kEventsPath = "/v1/events";

// Any thread.
class HttpEvents {
 public:
  // The store; null when another process has it: then the backend is asked.
  using LocalStore = std::function<Result<Store*>()>;
  // Requires: `backend` outlives it.
  HttpEvents(LocalStore local_store, ToolBackend& backend) : local_store_(std::move(local_store)), backend_(backend) {}

  // GET: history, one event a line or as server-sent events, and what is appended while the client stays.
  // POST: an import (mcp/import.h) of the body, however long it is.
  void handle(HttpExchange& exchange, const Principal& principal) const;

 private:
  void import(HttpExchange& exchange, const Principal& principal) const;
  void read(HttpExchange& exchange, const Principal& principal) const;

  const LocalStore local_store_;
  ToolBackend& backend_;
};

}  // namespace chronos
