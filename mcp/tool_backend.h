// Where tool calls go: to the engine in this process (LocalBackend), or to the process that has it
// (ForwardingBackend).  The protocol side does not know which.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "core/principal.h"
#include "core/result.h"
#include "core/valid_json.h"
#include "tools/tool.h"

namespace chronos {

struct ToolCall {
  const Tool* tool = nullptr;
  ValidJson arguments;         // an object; stays valid until call() returns
  Principal principal;         // who calls
  std::stop_token cancelled;
  std::function<void(double done, double total, std::string_view message)> progress;  // may be null
};

// Safe to call from any number of threads.
class ToolBackend {
 public:
  virtual ~ToolBackend() = default;

  // Runs the call and returns its answer (tools/tool.h).  Opens, or finds, the store on first use: no file is
  // touched before.
  virtual Result<std::string> call(const ToolCall& call) = 0;

  // A call is likely soon: a store that exists may be opened now, in the background.  Creates nothing.
  virtual void prepare() = 0;

  // Nothing has come for a while.
  virtual void quiet() = 0;
};

}  // namespace chronos
