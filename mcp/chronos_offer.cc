#include "mcp/chronos_offer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/log.h"
#include "core/valid_json.h"
#include "mcp/chronos_catalog.h"
#include "mcp/tool_result.h"
#include "prompts/pages.h"
#include "prompts/workflows.h"
#include "tools/protocol_tools.h"

namespace chronos {
namespace {

using Json = nlohmann::json;

constexpr CacheHints kForEver{3'600'000, false};

Outcome not_found(const std::string& uri, const std::string& why) {
  std::string data = "{\"uri\":";
  append_json_string(data, uri);
  return Outcome::failed(RpcCode::kResourceNotFound, why, data + "}");
}

Outcome contents(std::string_view uri, std::string_view mime_type, std::string_view text) {
  std::string result = R"({"contents":[{"uri":)";
  append_json_string(result, uri);
  result.append(R"(,"mimeType":")").append(mime_type).append(R"(","text":)");
  append_json_string(result, text);
  return Outcome::of(result + "}]}");
}

Outcome read_guide(const ResourceUri& uri, const std::string& text) {
  for (const Page& page : all_pages()) {
    if (page.topic != uri.name) continue;
    Outcome outcome = contents(text, "text/markdown", page.text);
    outcome.cache = CacheHints{3'600'000, true};
    return outcome;
  }
  return not_found(text, "There is no guide page '" + uri.name + "'. Call resources/list for those there are.");
}

// The kind of name that complete_names looks for; "" for what is not completed.
std::string_view kind_of(const CompletionQuestion& question) {
  if (!question.of_prompt) {
    if (question.argument == "fork" || question.argument == "stream" || question.argument == "position") {
      return question.argument;
    }
    return "";
  }
  const Workflow* workflow = find_workflow(question.name);
  if (workflow == nullptr) return "";
  for (const WorkflowArgument& argument : workflow->arguments) {
    if (argument.name != question.argument) continue;
    switch (argument.completes) {
      case Completes::kStream: return "stream";
      case Completes::kFork: return "fork";
      case Completes::kType: return "type";
      case Completes::kAsOf: return "position";
      case Completes::kNothing: return "";
    }
  }
  return "";
}

Outcome complete_topic(const std::string& prefix) {
  std::vector<std::string> topics;
  for (const Page& page : all_pages()) {
    if (page.topic.starts_with(prefix)) topics.emplace_back(page.topic);
  }
  return completion(topics, false);
}

void log_failure(const Tool& tool, const Error& error, const Request& request) {
  if (!request.log) return;
  const bool is_ours = error.code == Code::kCorrupt || error.code == Code::kInternal;
  const bool is_grave = is_ours || error.code == Code::kUnavailable;
  const LogLevel level = is_ours ? LogLevel::kError : is_grave ? LogLevel::kWarning : LogLevel::kInfo;
  request.log(level, tool.name, error_json(error));
}

}  // namespace

ChronosOffer::ChronosOffer(std::span<const Tool> tools, ToolBackend& backend, Subscriptions& subscriptions)
    : tools_(tools), backend_(backend), catalog_(chronos_catalog(tools)), watcher_(backend, subscriptions) {}

Result<std::string> ChronosOffer::call(const Tool& tool, std::string_view arguments, Request& request) {
  if (request.cancelled.stop_requested()) {
    return Error{Code::kUnavailable, "The call was cancelled before it began. Send it again.", ""};
  }
  ToolCall call;
  call.tool = &tool;
  call.arguments = ValidJson::trusted(arguments);
  call.principal = request.principal;
  call.cancelled = request.cancelled;
  call.progress = request.progress;
  Result<std::string> answer = backend_.call(call);
  if (!answer) {
    log_failure(tool, answer.error(), request);
  } else if (request.log) {
    request.log(LogLevel::kDebug, tool.name, R"("answered")");
  }
  return answer;
}

Result<std::string> ChronosOffer::call_with(const Tool& tool, std::string arguments, Request& request) {
  const size_t size = arguments.size();
  arguments.append(kSimdPadding, ' ');
  return call(tool, std::string_view(arguments).substr(0, size), request);
}

Outcome ChronosOffer::call_tool(const OfferedTool& tool, std::string_view arguments, Request& request) {
  const Tool& called = tools_[static_cast<size_t>(&tool - catalog_.tools.data())];
  return Outcome::of(tool_result(call(called, arguments, request)));
}

Outcome ChronosOffer::read_resource(const std::string& uri, Request& request) {
  const std::optional<ResourceUri> parsed = parse_resource_uri(uri);
  if (!parsed) {
    return not_found(uri, "'" + uri + "' is no resource. Call resources/templates/list for how their URIs look.");
  }
  if (parsed->kind == ResourceUri::Kind::kGuide) return read_guide(*parsed, uri);
  return read_stored(*parsed, uri, request);
}

Outcome ChronosOffer::read_stored(const ResourceUri& uri, const std::string& text, Request& request) {
  const bool is_event = uri.kind == ResourceUri::Kind::kEvent;
  Json arguments = {{"fork", uri.fork}};
  if (uri.position) arguments["as_of"] = *uri.position;
  if (is_event) {
    arguments.update({{"order", "desc"}, {"limit", 1}, {"detail", "full"}});
  } else {
    arguments["stream"] = uri.name;
  }
  const Tool* tool = find_tool(is_event ? "query_events" : "get_state");
  Result<std::string> answer = call_with(*tool, arguments.dump(), request);
  if (!answer) {
    const Error& error = answer.error();
    const bool is_absent = error.code == Code::kNotFound || error.code == Code::kInvalidArgument;
    return is_absent ? not_found(text, error.message) : Outcome::failed(RpcCode::kInternalError, error.message);
  }
  std::string found = std::move(*answer);
  if (is_event) {
    const auto page = nlohmann::ordered_json::parse(found, nullptr, false);
    const bool has_one = page.is_object() && page.contains("events") && !page["events"].empty();
    if (!has_one) return not_found(text, "There is no such event.");
    found = page["events"][0].dump();
  }
  Outcome outcome = contents(text, "application/json", found);
  outcome.cache = uri.position ? kForEver : CacheHints{};
  return outcome;
}

Outcome ChronosOffer::get_prompt(const OfferedPrompt& prompt, const PromptArguments& arguments, Request&) {
  const Workflow* workflow = find_workflow(prompt.name);
  std::string result = "{\"description\":";
  append_json_string(result, workflow->description);
  result.append(R"(,"messages":[{"role":"user","content":{"type":"text","text":)");
  append_json_string(result, render(*workflow, arguments));
  return Outcome::of(result + "}}]}");
}

Outcome ChronosOffer::complete(const CompletionQuestion& question, Request& request) {
  if (!question.of_prompt && question.argument == "topic") return complete_topic(question.value);
  const std::string_view kind = kind_of(question);
  if (kind.empty()) return completion({}, false);
  Json arguments = {{"kind", kind}, {"prefix", question.value}};
  const auto fork = question.context.find("fork");
  if (fork != question.context.end() && !fork->second.empty()) arguments["fork"] = fork->second;
  Result<std::string> answer = call_with(*find_protocol_tool("complete_names"), arguments.dump(), request);
  if (!answer) return Outcome::failed(RpcCode::kInternalError, answer.error().message);
  const Json names = Json::parse(*answer, nullptr, false);
  if (!names.is_object() || !names.contains("names")) return completion({}, false);
  return completion(names["names"].get<std::vector<std::string>>(), names.value("more", false));
}

bool ChronosOffer::can_subscribe(const std::string& uri) const { return GrowthWatcher::grows(uri); }

void ChronosOffer::watch(const std::vector<std::string>& uris, Request& request) {
  watcher_.watch(uris, request.cancelled);
}

}  // namespace chronos
