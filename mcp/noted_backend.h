// A backend whose calls come over HTTP: those that the store refuses are written to the log of denied calls.
#pragma once

#include <string>

#include "mcp/http_access.h"
#include "mcp/tool_backend.h"

namespace chronos {

// Requires: both outlive it.
class NotedBackend final : public ToolBackend {
 public:
  NotedBackend(ToolBackend& backend, HttpAccess& access) : backend_(backend), access_(access) {}

  Result<std::string> call(const ToolCall& call) override {
    auto answer = backend_.call(call);
    if (!answer && answer.error().code == Code::kPermissionDenied) {
      access_.note_denied(call.principal, call.tool->name, answer.error());
    }
    return answer;
  }
  void prepare() override { backend_.prepare(); }
  void quiet() override { backend_.quiet(); }

 private:
  ToolBackend& backend_;
  HttpAccess& access_;
};

}  // namespace chronos
