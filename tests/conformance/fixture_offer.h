// What the official conformance suite asks a server to offer: tools, resources and prompts that do nothing but show
// that the protocol works.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "mcp/offer.h"
#include "mcp/subscriptions.h"
#include "tools/tool.h"

namespace chronos::test {

// A tool: its definition, and what it does.
struct FixtureTool {
  std::string name;
  std::string input_schema = R"({"type":"object"})";
  TaskUse tasks = TaskUse::kNever;
  std::optional<Capability> needs;
  std::function<Outcome(std::string_view arguments, Request& request)> call;
};

// The tools, by groups.
std::vector<FixtureTool> content_tools();
std::vector<FixtureTool> talking_tools(Subscriptions& subscriptions);  // progress, log, streams, changes
std::vector<FixtureTool> asking_tools();                               // one request to the client, in either era
std::vector<FixtureTool> round_trip_tools();                           // input_required
std::vector<FixtureTool> task_tools();

// {"content":[{"type":"text","text":TEXT}]}
Outcome said(std::string_view text, bool is_error = false);
// A question by elicitation for one property.
Question elicitation(std::string key, std::string_view message, std::string_view property, std::string_view type);
// content.PROPERTY of an accepted elicitation, as text; "" when there is none.
std::string accepted(const Request& request, std::string_view key, std::string_view property);
// A string of the arguments.
std::string argument(std::string_view arguments, std::string_view name);
// Waits, or until it is cancelled.
void pause_ms(int milliseconds, const std::stop_token& cancelled);

class FixtureOffer final : public Offer {
 public:
  explicit FixtureOffer(Subscriptions& subscriptions);

  const Catalog& catalog() const override { return catalog_; }
  // The names and input schemas of the tools: what HTTP looks at.  As long as the offer lives.
  std::vector<Tool> tools() const;

  Outcome call_tool(const OfferedTool& tool, std::string_view arguments, Request& request) override;
  Outcome read_resource(const std::string& uri, Request& request) override;
  Outcome get_prompt(const OfferedPrompt& prompt, const PromptArguments& arguments, Request& request) override;
  Outcome complete(const CompletionQuestion& question, Request& request) override;
  bool can_subscribe(const std::string& uri) const override { return uri == "test://watched-resource"; }
  void watch(const std::vector<std::string>&, Request&) override {}
  void prepare() override {}

 private:
  std::vector<FixtureTool> tools_;
  Catalog catalog_;
};

}  // namespace chronos::test
