#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/conformance/fixture_offer.h"

namespace chronos::test {
namespace {

FixtureTool tool(const char* name, TaskUse tasks, std::function<Outcome(std::string_view, Request&)> call) {
  FixtureTool made;
  made.name = name;
  made.tasks = tasks;
  made.call = std::move(call);
  return made;
}

Outcome greet(std::string_view arguments, Request&) { return said("Hello, " + argument(arguments, "name") + "!"); }

Outcome compute(std::string_view arguments, Request& request) {
  const auto json = nlohmann::json::parse(arguments, nullptr, false);
  const double seconds = json.contains("seconds") && json["seconds"].is_number() ? json["seconds"].get<double>() : 1.0;
  pause_ms(static_cast<int>(std::min(seconds, 60.0) * 1000), request.cancelled);
  return said("The computation is done.");
}

Outcome fail(std::string_view, Request& request) {
  pause_ms(1000, request.cancelled);
  return said("The job failed.", true);
}

Outcome break_protocol(std::string_view, Request& request) {
  pause_ms(200, request.cancelled);
  return Outcome::failed(RpcCode::kInternalError, "The job broke the protocol.");
}

Outcome confirm_delete(std::string_view arguments, Request& request) {
  if (!request.answers.contains("confirm")) {
    const std::string question = "Delete " + argument(arguments, "filename") + "?";
    return Outcome::ask({elicitation("confirm", question, "confirm", "boolean")});
  }
  return said(accepted(request, "confirm", "confirm") == "true" ? "Deleted." : "Kept.");
}

Outcome ask_two(std::string_view, Request& request) {
  if (request.answers.contains("first") && request.answers.contains("second")) return said("Both came.");
  return Outcome::ask({elicitation("first", "The first name?", "name", "string"),
                       elicitation("second", "The second name?", "name", "string")});
}

Outcome ask_then_work(std::string_view, Request& request) {
  const std::string name = accepted(request, "user_name", "name");
  if (name.empty()) return Outcome::ask({elicitation("user_name", "What is your name?", "name", "string")});
  pause_ms(100, request.cancelled);
  return said("Hello, " + name + "!");
}

}  // namespace

std::vector<FixtureTool> task_tools() {
  std::vector<FixtureTool> tools = {
      tool("greet", TaskUse::kNever, greet),
      tool("slow_compute", TaskUse::kMay, compute),
      tool("failing_job", TaskUse::kMust, fail),
      tool("protocol_error_job", TaskUse::kMay, break_protocol),
      tool("confirm_delete", TaskUse::kMay, confirm_delete),
      tool("multi_input", TaskUse::kMay, ask_two),
      tool("test_tool_with_task", TaskUse::kAfterQuestions, ask_then_work),
  };
  tools[0].input_schema = R"({"type":"object","properties":{"name":{"type":"string"}}})";
  tools[1].input_schema = R"({"type":"object","properties":{"seconds":{"type":"number"}}})";
  tools[4].input_schema = R"({"type":"object","properties":{"filename":{"type":"string"}}})";
  return tools;
}

}  // namespace chronos::test
