// An agent tool: what MCP's tools/call, plain HTTP and `chronos call` all run.
//
// One file per tool (tools/append_events.cc, ...); all_tools() is the one table of them.  A tool knows
// nothing of transports.
#pragma once

#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "core/principal.h"
#include "core/result.h"
#include "core/store.h"
#include "core/valid_json.h"

namespace chronos {

class SearchIndex;

// What a call brings with it.  Used by the one thread that runs the call.
struct CallContext {
  Store* store;               // null only for a tool that needs none
  Principal principal;        // who calls
  std::stop_token cancelled;  // looked at in long loops: kUnavailable "cancelled" ends the call
  // Progress of long work: done and total in the same unit.  May be null.
  std::function<void(double done, double total, std::string_view message)> progress;
  SearchIndex* search = nullptr;  // of that store
};

struct Tool {
  std::string_view name;
  std::string_view title;
  std::string_view description;    // ASCII, under 2,048 characters, no semicolons
  std::string_view input_schema;   // JSON Schema 2020-12 text, root type object
  std::string_view output_schema;  // of the answer
  bool read_only = true;
  bool destructive = false;
  bool idempotent = true;  // repeating the same call changes nothing more

  // Runs the tool.  The answer is a JSON object as text, valid under output_schema.
  // Requires: `arguments` is an object.
  Result<std::string> (*call)(CallContext& context, ValidJson arguments);
  bool needs_store = true;  // false: `context.store` must not be touched (guide)
};

// In the order they are listed to clients.
std::span<const Tool> all_tools();
// Null when there is none of that name.
const Tool* find_tool(std::string_view name);

// Calls that belong to the operator and never to an agent: the command line runs them, here or in the process that has
// the store, and no protocol lists or takes them.
std::span<const Tool> admin_tools();
const Tool* find_admin_tool(std::string_view name);

// {"error":{"code":...,"message":...,"retryable":...,"details":{...}}}
std::string error_json(const Error& error);

}  // namespace chronos
