// JSON-RPC 2.0 as MCP uses it: taking one incoming message apart, and writing replies.
//
// Nothing is decoded that is only passed on: ids, tool arguments and tokens stay the client's bytes, so they are echoed
// with every digit.  Of the members we look at, each may appear once; all others are ignored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace chronos {

enum class RpcCode : int {
  kParseError = -32700,
  kInvalidRequest = -32600,
  kMethodNotFound = -32601,
  kInvalidParams = -32602,
  kInternalError = -32603,
  kHeaderMismatch = -32020,
  kMissingCapability = -32021,
  kUnsupportedVersion = -32022,
  kResourceNotFound = -32002,  // of the legacy era
};

struct RpcError {
  RpcCode code = RpcCode::kInternalError;
  std::string message;
  std::string data;  // JSON text, or "" for none
};

// params._meta, as raw JSON tokens; "" when absent.
struct RequestMeta {
  std::string_view protocol_version;
  std::string_view client_capabilities;
  std::string_view progress_token;
  std::string_view log_level;
};

// The members of params that some method looks at, as raw JSON tokens; "" when absent.
struct Params {
  std::string_view name;
  std::string_view arguments;
  std::string_view cursor;
  std::string_view protocol_version;
  std::string_view capabilities;
  std::string_view request_id;
  std::string_view uri;
  std::string_view level;
  std::string_view ref;
  std::string_view argument;
  std::string_view context;
  std::string_view notifications;
  std::string_view task_id;
  std::string_view input_responses;
  std::string_view request_state;
  RequestMeta meta;
};

struct Message {
  enum class Kind : uint8_t { kRequest, kNotification, kResponse, kInvalid };
  Kind kind = Kind::kInvalid;
  std::string_view id;  // the raw token of a string or an integer; "" when there is none such
  std::string method;
  Params params;
  RpcError error;         // kInvalid: why
  std::string_view result;          // kResponse: one of these, raw
  std::string_view response_error;
  bool too_deep = false;  // set by the caller from its IncomingLine: not to be given to a tool
};

// A line that is JSON: one message, or a batch of them.
struct IncomingLine {
  std::vector<std::string_view> messages;  // raw JSON values; more or fewer than one only in a batch
  bool is_batch = false;
  bool too_deep = false;  // some value in it is nested deeper than `max_depth`
};

// Checks a whole line (grammar, UTF-8) and splits a batch.  What is nested much deeper than any payload may be is
// refused here.  The views are parts of `line`.  Requires: kSimdPadding readable bytes follow `line`.
struct LineOrError {
  IncomingLine line;
  std::optional<RpcError> error;
};
LineOrError read_line(std::string_view line, size_t max_depth);

// Takes one message apart.  The views are parts of `text`.
// Requires: `text` is a value of an IncomingLine.
Message read_message(std::string_view text);

// The value of a raw JSON token when it is a string.
std::optional<std::string> string_of(std::string_view token);
bool is_object(std::string_view token);
// A string or an integer of any length: what ids and progress tokens may be.
bool is_id(std::string_view token);

// {"jsonrpc":"2.0","id":ID,"result":RESULT}
std::string result_reply(std::string_view id, std::string_view result);
// {"jsonrpc":"2.0","id":ID,"error":{...}}; without the id member when `id` is "".
std::string error_reply(std::string_view id, const RpcError& error);

}  // namespace chronos
