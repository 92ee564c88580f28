// Workflows are documents for models, so they are tested like an API: they are rendered as clients get them, and every
// tool, argument and call they name then must exist and fit.
#include "prompts/workflows.h"

#include <algorithm>
#include <string>
#include <vector>

#include "prompts/pages.h"
#include "tests/support/agent_texts.h"
#include "tests/support/catch.h"
#include "tests/support/tool_session.h"

namespace chronos::test {
namespace {

WorkflowArguments arguments_of(const Workflow& workflow, bool all, const std::string& value) {
  WorkflowArguments arguments;
  for (const WorkflowArgument& argument : workflow.arguments) {
    if (all || argument.required) arguments.emplace(argument.name, value);
  }
  return arguments;
}

Workflow with_text(std::string_view text) {
  return Workflow{.name = "w", .title = "", .description = "", .arguments = {}, .text = text};
}

}  // namespace

TEST_CASE("The workflows, in the order in which they are listed", "[prompts]") {
  std::vector<std::string> names;
  for (const Workflow& workflow : all_workflows()) names.emplace_back(workflow.name);
  CHECK(names == std::vector<std::string>{"start_here", "model_domain", "investigate", "known_at", "try_in_fork",
                                          "review_fork", "recall"});
  CHECK(find_workflow("recall")->title == "Recall before acting");
  CHECK(find_workflow("recal") == nullptr);
  CHECK(all_workflows().size() == workflow_files().size());
}

TEST_CASE("Workflows say what they are for and what their arguments are, in plain ASCII", "[prompts]") {
  for (const Workflow& workflow : all_workflows()) {
    INFO(workflow.name);
    CHECK(workflow.title.size() > 5);
    CHECK(workflow.description.size() > 30);
    CHECK(workflow.description.size() < 160);
    CHECK(workflow.description.ends_with('.'));
    CHECK(is_ascii(workflow.text));
    CHECK(is_ascii(workflow.description));
    CHECK(workflow.description.find(';') == std::string_view::npos);
    CHECK(workflow.text.size() < 4000);
    bool optional_before = false;
    for (const WorkflowArgument& argument : workflow.arguments) {
      INFO(argument.name);
      CHECK(argument.description.ends_with('.'));
      CHECK(is_ascii(argument.description));
      CHECK(workflow.text.find("{" + std::string(argument.name)) != std::string_view::npos);
      // Clients ask for them in this order.
      CHECK(!(optional_before && argument.required));
      optional_before = optional_before || !argument.required;
    }
  }
  const Workflow& known_at = *find_workflow("known_at");
  REQUIRE(known_at.arguments.size() == 4);
  CHECK(known_at.arguments[0].name == "as_of");
  CHECK(known_at.arguments[0].required);
  CHECK(known_at.arguments[0].completes == Completes::kAsOf);
  CHECK(known_at.arguments[1].completes == Completes::kStream);
  CHECK(!known_at.arguments[1].required);
  CHECK(known_at.arguments[2].completes == Completes::kNothing);
  CHECK(known_at.arguments[3].completes == Completes::kFork);
}

TEST_CASE("What a rendered workflow names exists, and its calls fit the tools", "[prompts]") {
  const std::string value = GENERATE("order-7", "1042", "say \"hello\" to\nC:\\ {fork} or {x|y}");
  size_t calls = 0;
  for (const Workflow& workflow : all_workflows()) {
    for (const bool all : {false, true}) {
      const std::string message = render(workflow, arguments_of(workflow, all, value));
      INFO(message);
      CHECK(unknown_words(message) == std::vector<std::string>{});
      for (const ExampleCall& call : example_calls(message)) {
        CHECK(misfit(call) == "");
        calls++;
      }
      CHECK((!all || workflow.arguments.empty() || message.find(value) != std::string::npos));
    }
    const std::string shortest = render(workflow, arguments_of(workflow, false, "x"));
    CHECK(shortest.find("{fork") == std::string::npos);
    CHECK(shortest.find("{stream") == std::string::npos);
  }
  CHECK(calls > 20);
}

TEST_CASE("Every place in a workflow is one of its arguments", "[prompts]") {
  for (const Workflow& workflow : all_workflows()) {
    // Rendered with all arguments nothing may be left out.
    const std::string message = render(workflow, arguments_of(workflow, true, "v"));
    INFO(workflow.name);
    CHECK(std::count(message.begin(), message.end(), '\n') ==
          std::count(workflow.text.begin(), workflow.text.end(), '\n'));
  }
}

TEST_CASE("The first missing required argument is named", "[prompts]") {
  const Workflow& workflow = *find_workflow("review_fork");
  CHECK(missing_argument(workflow, {}) == "fork");
  CHECK(missing_argument(workflow, {{"fork", ""}}) == "fork");
  CHECK(missing_argument(workflow, {{"fork", "try-1"}, {"other", "x"}}).empty());
  CHECK(missing_argument(*find_workflow("start_here"), {}).empty());
}

TEST_CASE("A place is filled as its surroundings ask", "[prompts]") {
  const auto line = [](std::string_view text, std::string value) {
    return render(with_text(text), {{"a", std::move(value)}});
  };
  CHECK(line("see {a}.\n", "say \"x\"\n{b}") == "see say \"x\"\n{b}.\n");
  CHECK(line("{\"as_of\":{a}}\n", "1042") == "{\"as_of\":1042}\n");
  CHECK(line("{\"as_of\":{a}}\n", "0") == "{\"as_of\":0}\n");
  CHECK(line("{\"as_of\":{a}}\n", "007") == "{\"as_of\":\"007\"}\n");
  CHECK(line("{\"as_of\":{a}}\n", "12345678901234567") == "{\"as_of\":\"12345678901234567\"}\n");
  CHECK(line("{\"as_of\":{a}}\n", "2026-01-31T09:00:00Z") == "{\"as_of\":\"2026-01-31T09:00:00Z\"}\n");
  CHECK(line("{\"s\":\"{a}\"}\n", "a\"b\\c\n\x01") == "{\"s\":\"a\\\"b\\\\c\\n\\u0001\"}\n");
  CHECK(line("{\"s\":\"{b|main}\"} {b|}.\n", "") == "{\"s\":\"main\"} .\n");
  CHECK(line("one\ntwo {b}\n{b} {a}\nthree\n", "x") == "one\nthree\n");
  CHECK(line("{a}{a} {} {A} {a {a|", "x") == "xx {} {A} {a {a|\n");
  CHECK(line("{", "x") == "{\n");
  CHECK(line("", "x").empty());
}

TEST_CASE("The workflow of a fork can be followed as it is written", "[prompts]") {
  ToolSession session;
  session.append("order-7", "OrderPlaced", {{"status", "placed"}});
  session.call("create_fork", {{"name", "try-1"}, {"purpose", "a refund"}});
  session.append("order-7", "OrderRefunded", {{"status", "refunded"}});
  for (const std::string_view name : {"review_fork", "known_at", "investigate", "recall", "start_here"}) {
    const Workflow& workflow = *find_workflow(name);
    WorkflowArguments arguments = {{"stream", "order-7"}, {"as_of", "1"}, {"question", "why?"}, {"about", "a refund"}};
    if (name == "review_fork") arguments["fork"] = "try-1";
    for (const ExampleCall& call : example_calls(render(workflow, arguments))) {
      INFO(call.tool << ' ' << call.arguments);
      session.call_text(call.tool, call.arguments);
    }
  }
}

}  // namespace chronos::test
