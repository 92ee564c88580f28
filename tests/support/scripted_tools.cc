#include "tests/support/scripted_tools.h"

#include <algorithm>

namespace chronos {
namespace {

constexpr std::string_view kAnyObject = R"({"type":"object"})";

Tool tool(std::string_view name, bool read_only) {
  Tool made{};
  made.name = name;
  made.title = "Title";
  made.description = "Does \"it\"";
  made.input_schema = kAnyObject;
  made.output_schema = kAnyObject;
  made.read_only = read_only;
  made.idempotent = read_only;
  return made;
}

}  // namespace

std::span<const Tool> scripted_tools() {
  static const std::vector<Tool> kTools = {tool("echo", true),   tool("write", false), tool("fail", true),
                                           tool("count", true),  tool("hold", true),   tool("hold_write", false),
                                           tool("release", true)};
  return kTools;
}

Timestamp StillClock::now() {
  std::lock_guard lock(mutex_);
  return Timestamp{now_us_};
}

void StillClock::advance_us(int64_t us) {
  std::lock_guard lock(mutex_);
  now_us_ += us;
}

Result<std::string> ScriptedBackend::call(const ToolCall& call) {
  {
    std::lock_guard lock(mutex_);
    calls_.emplace_back(call.tool->name);
  }
  const std::string_view name = call.tool->name;
  if (name == "fail") return Error{Code::kNotFound, "The thing 'x' does not exist.", ""};
  if (name.starts_with("hold")) return hold(call);
  if (name == "release") release();
  if (name == "count") {
    {
      std::lock_guard lock(mutex_);
      kept_progress = call.progress;
    }
    for (int step = 1; step <= steps; ++step) {
      if (call.progress) call.progress(step, steps, "step");
      if (after_step) after_step();
    }
  }
  return R"({"echo":)" + std::string(call.arguments.text()) + "}";
}

Result<std::string> ScriptedBackend::hold(const ToolCall& call) {
  std::unique_lock lock(mutex_);
  ++holders_;
  changed_.notify_all();
  if (!changed_.wait(lock, call.cancelled, [this] { return permits_ > 0; })) {
    return Error{Code::kUnavailable, "cancelled", ""};
  }
  --permits_;
  return R"({"held":)" + std::string(call.arguments.text()) + "}";
}

void ScriptedBackend::prepare() {
  std::lock_guard lock(mutex_);
  ++prepared_;
}

void ScriptedBackend::quiet() {
  std::lock_guard lock(mutex_);
  ++quiet_;
  changed_.notify_all();
}

void ScriptedBackend::release(int holders) {
  std::lock_guard lock(mutex_);
  permits_ += holders;
  changed_.notify_all();
}

void ScriptedBackend::wait_for_holders(int begun) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return holders_ >= begun; });
}

void ScriptedBackend::wait_for_quiet(int times) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return quiet_ >= times; });
}

int ScriptedBackend::prepared() {
  std::lock_guard lock(mutex_);
  return prepared_;
}

int ScriptedBackend::holders_begun() {
  std::lock_guard lock(mutex_);
  return holders_;
}

std::vector<std::string> ScriptedBackend::calls() {
  std::lock_guard lock(mutex_);
  return calls_;
}

}  // namespace chronos
