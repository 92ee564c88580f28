// What the headers of a modern request must repeat of its body, so that proxies can decide without reading it.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mcp/http_head.h"
#include "mcp/json_rpc.h"
#include "tools/tool.h"

namespace chronos {

// Immutable: any thread.
class HeaderRules {
 public:
  // Reads from the schemas of `tools` which arguments are repeated ("x-mcp-header").
  explicit HeaderRules(std::span<const Tool> tools);

  // MCP-Protocol-Version against params._meta: nullopt when they agree.
  static std::optional<RpcError> check_version(const HttpHead& head, const Message& message);
  // Mcp-Method, Mcp-Name and Mcp-Param-*.  Requires: `text` is the message.
  std::optional<RpcError> check(const HttpHead& head, const Message& message, std::string_view text) const;

 private:
  struct Repeated {
    std::string header;             // in lower case
    std::vector<std::string> path;  // of the argument
  };
  std::map<std::string, std::vector<Repeated>, std::less<>> tools_;
};

// The value of a header that may be written as =?base64?...?=; nullopt when that is malformed.
std::optional<std::string> decoded_header(std::string_view value);

}  // namespace chronos
