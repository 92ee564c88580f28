// What Chronos offers over MCP: its tools, streams and events as resources, guide pages, workflows as prompts.
//
// All of it is calls of tools: a resource is the answer of one.
#pragma once

#include <map>
#include <span>
#include <string>

#include "mcp/growth_watcher.h"
#include "mcp/offer.h"
#include "mcp/resource_uri.h"
#include "mcp/subscriptions.h"
#include "mcp/tool_backend.h"
#include "tools/tool.h"

namespace chronos {

class ChronosOffer final : public Offer {
 public:
  // Requires: they outlive it.  `tools` are listed in their order.
  ChronosOffer(std::span<const Tool> tools, ToolBackend& backend, Subscriptions& subscriptions);

  const Catalog& catalog() const override { return catalog_; }
  Outcome call_tool(const OfferedTool& tool, std::string_view arguments, Request& request) override;
  Outcome read_resource(const std::string& uri, Request& request) override;
  Outcome get_prompt(const OfferedPrompt& prompt, const PromptArguments& arguments, Request& request) override;
  Outcome complete(const CompletionQuestion& question, Request& request) override;
  bool can_subscribe(const std::string& uri) const override;
  void watch(const std::vector<std::string>& uris, Request& request) override;
  void prepare() override { backend_.prepare(); }

 private:
  Result<std::string> call(const Tool& tool, std::string_view arguments, Request& request);
  Result<std::string> call_with(const Tool& tool, std::string arguments, Request& request);
  Outcome read_stored(const ResourceUri& uri, const std::string& text, Request& request);

  const std::span<const Tool> tools_;
  ToolBackend& backend_;
  Catalog catalog_;
  GrowthWatcher watcher_;
};

}  // namespace chronos
