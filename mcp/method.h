// The methods a client may call: one table, one row each.  A row's function answers at once, except tools/call, which
// only checks the call and leaves the run to the dispatcher.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "mcp/connection.h"
#include "mcp/json_rpc.h"
#include "mcp/revision.h"
#include "mcp/tool_backend.h"
#include "tools/tool.h"

namespace chronos {

// Texts that are the same for every client, made once.
struct ServerTexts {
  explicit ServerTexts(std::span<const Tool> tools);

  std::string server_info;   // {"name":"chronos",...}
  std::string instructions;  // a JSON string
  std::string legacy_tools;  // results of tools/list
  std::string modern_tools;
  std::string modern_discover;    // result of server/discover
  std::string modern_result_end;  // what ends every modern result: resultType, _meta and the closing brace
};

// A checked tools/call that is still to be run.
struct CallStart {
  const Tool* tool = nullptr;
  std::string id;              // raw token
  std::string_view arguments;  // raw JSON, any type; "" when absent; part of the line
  std::string progress_token;  // raw token, or ""
  std::stop_token cancelled;
  Era era = Era::kLegacy;
  bool too_deep = false;
};

struct MethodContext {
  const Message& message;
  Era era;
  Connection& connection;
  const ServerTexts& texts;
  std::span<const Tool> tools;
  ToolBackend& backend;
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

Answer answer_initialize(const MethodContext& context);  // mcp/lifecycle.cc
Answer answer_ping(const MethodContext& context);
Answer answer_discover(const MethodContext& context);    // mcp/discover.cc
Answer answer_tools_list(const MethodContext& context);  // mcp/tools_list.cc
Answer answer_tools_call(const MethodContext& context);  // mcp/tools_call.cc

}  // namespace chronos
