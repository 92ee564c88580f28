// The methods a client may call: one table, one row each.  A row's function answers at once, except tools/call, which
// only checks the call and leaves the run to the dispatcher.
#pragma once

#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "mcp/connection.h"
#include "mcp/json_rpc.h"
#include "mcp/revision.h"
#include "mcp/tool_backend.h"
#include "tools/tool.h"

namespace chronos {

// Texts that are the same for every client, made once.
//
// Legacy results never carry what only modern ones have (resultType, ttlMs, cacheScope, _meta), and modern ones always.
struct ServerTexts {
  explicit ServerTexts(std::span<const Tool> tools);

  std::string legacy_initialize_end;  // all of the result of initialize but protocolVersion, from a comma on
  std::string legacy_tools;           // results of tools/list
  std::string modern_tools;
  std::string modern_discover;    // result of server/discover
  std::string modern_result_end;  // what every modern result ends with, from a comma to its closing brace
};

// A checked tools/call that is still to be run.
struct CallStart {
  const Tool* tool = nullptr;
  std::string id;              // raw token
  std::string_view arguments;  // raw JSON, an object; part of the line or of a constant; kSimdPadding bytes follow
  std::string progress_token;  // raw token, or ""
  std::stop_token cancelled;
  Era era = Era::kLegacy;
};

struct MethodContext {
  const Message& message;
  Era era;
  Connection& connection;
  const ServerTexts& texts;
  std::span<const Tool> tools;
  ToolBackend& backend;
  bool in_batch;
};

// Exactly one of: a result (JSON text), an error, a call to run.
struct Answer {
  std::string result;
  std::optional<RpcError> error;
  CallStart call;
};

struct Method {
  std::string_view name;
  bool legacy;  // offered to requests of that era
  bool modern;
  Answer (*answer)(const MethodContext& context);
};

// Null when no era has it.
const Method* find_method(std::string_view name);

// mcp/lifecycle.cc
Answer answer_initialize(const MethodContext& context);
Answer answer_ping(const MethodContext& context);
Answer answer_discover(const MethodContext& context);
// mcp/tools_list.cc
Answer answer_tools_list(const MethodContext& context);
std::string tools_array(std::span<const Tool> tools);
// mcp/tools_call.cc
Answer answer_tools_call(const MethodContext& context);
// The result of a tools/call that has been run.
std::string tool_result(const Result<std::string>& answer, Era era, const ServerTexts& texts);

}  // namespace chronos
