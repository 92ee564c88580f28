#include <utility>

#include "tests/conformance/fixture_offer.h"

namespace chronos::test {
namespace {

FixtureTool tool(const char* name, std::function<Outcome(std::string_view, Request&)> call) {
  FixtureTool made;
  made.name = name;
  made.call = std::move(call);
  return made;
}

Outcome report_progress(std::string_view, Request& request) {
  for (const int done : {0, 50, 100}) {
    if (request.progress) request.progress(done, 100, "Completed step " + std::to_string(done) + " of 100");
    pause_ms(50, request.cancelled);
  }
  return said("Progress was reported.");
}

Outcome write_log(std::string_view, Request& request) {
  for (const char* entry : {R"("started")", R"("processing")", R"("completed")"}) {
    if (request.log) request.log(LogLevel::kInfo, "fixture", entry);
    pause_ms(20, request.cancelled);
  }
  return said("Three entries were logged.");
}

// The client polls for the result.
Outcome reconnect(std::string_view, Request& request) {
  if (request.close_stream) request.close_stream();
  pause_ms(100, request.cancelled);
  return said("Reconnection test completed successfully.");
}

Outcome ask_name(std::string_view, Request& request) {
  const std::string name = accepted(request, "name", "name");
  if (name.empty()) return Outcome::ask({elicitation("name", "What is your name?", "name", "string")});
  return said("Hello, " + name + "!");
}

}  // namespace

std::vector<FixtureTool> talking_tools(Subscriptions& subscriptions) {
  const auto trigger = [&subscriptions](Change::Kind kind) {
    return [&subscriptions, kind](std::string_view, Request&) {
      subscriptions.publish({kind, "", ""});
      return said("The change was published.");
    };
  };
  std::vector<FixtureTool> tools = {
      tool("test_tool_with_progress", report_progress),
      tool("test_tool_with_logging", write_log),
      tool("test_logging_tool", write_log),
      tool("test_reconnection", reconnect),
      tool("test_streaming_elicitation", ask_name),
      tool("test_trigger_tool_change", trigger(Change::Kind::kTools)),
      tool("test_trigger_prompt_change", trigger(Change::Kind::kPrompts)),
      tool("test_missing_capability", [](std::string_view, Request&) { return said("The client can sample."); }),
  };
  tools.back().needs = Capability::kSampling;
  return tools;
}

}  // namespace chronos::test
