// What a server offers: the protocol library (mcp/dispatcher.h) knows no more of Chronos than this.
//
// The capabilities a client is told follow from the catalog; a method that nothing here answers is not there.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mcp/client_capabilities.h"
#include "mcp/request.h"

namespace chronos {

// Whether a tool runs as a task for clients with the extension.
enum class TaskUse : uint8_t {
  kNever,
  kMay,             // as a task; at once for everybody else
  kMust,            // as a task, and not at all for modern clients without it
  kAfterQuestions,  // once its first questions are answered; kMust else
};

struct OfferedTool {
  std::string name;
  std::string definition;  // as tools/list has it: JSON object
  bool read_only = true;   // it may be stopped when the client is gone
  TaskUse tasks = TaskUse::kNever;
  std::optional<Capability> needs;  // modern clients without it are refused
};

struct OfferedPrompt {
  std::string name;
  std::string definition;
  std::vector<std::string> required;  // arguments
};

// All that is listed, in order, the same for every client as long as the server runs.
struct Catalog {
  std::string server_info;   // JSON object
  std::string instructions;  // text, or "" for none
  std::vector<OfferedTool> tools;
  std::vector<std::string> resources;  // definitions: JSON objects
  std::vector<std::string> templates;
  std::vector<OfferedPrompt> prompts;
  bool completes = false;   // Offer::complete is there
  bool logs = false;        // Request::log is used
  bool subscribes = false;  // Offer::can_subscribe is there
  bool tools_change = false;  // kinds of Change that are published (mcp/subscriptions.h)
  bool prompts_change = false;
  bool resources_change = false;

  bool has_tasks() const;
};

struct CompletionQuestion {
  bool of_prompt = true;  // else of a resource template
  std::string name;       // of the prompt, or the template's URI
  std::string argument;
  std::string value;  // what was typed so far
  std::map<std::string, std::string> context;  // arguments chosen before
};

using PromptArguments = std::map<std::string, std::string, std::less<>>;

// Safe to call from any number of threads.
class Offer {
 public:
  virtual ~Offer() = default;

  virtual const Catalog& catalog() const = 0;

  // Of a tool of the catalog.  Requires: `arguments` is a JSON object; kSimdPadding readable bytes follow it.
  virtual Outcome call_tool(const OfferedTool& tool, std::string_view arguments, Request& request) = 0;
  // kResourceNotFound for one that is not there.
  virtual Outcome read_resource(const std::string& uri, Request& request) = 0;
  // Of a prompt of the catalog, with all required arguments.
  virtual Outcome get_prompt(const OfferedPrompt& prompt, const PromptArguments& arguments, Request& request) = 0;
  virtual Outcome complete(const CompletionQuestion& question, Request& request) = 0;
  // Whether a change of it can be told.
  virtual bool can_subscribe(const std::string& uri) const = 0;
  // When it returns, changes of these are published from then on.  Requires: somebody listens to them, and
  // can_subscribe() of each.
  virtual void watch(const std::vector<std::string>& uris, Request& request) = 0;
  // A request is likely soon.
  virtual void prepare() = 0;
};

// The result of completion/complete: at most 100 of the values.
Outcome completion(const std::vector<std::string>& values, bool has_more);

}  // namespace chronos
