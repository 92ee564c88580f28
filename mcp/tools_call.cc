#include <algorithm>
#include <memory>
#include <utility>

#include "core/batch.h"
#include "core/log.h"
#include "mcp/method.h"
#include "mcp/tool_result.h"

namespace chronos {
namespace {

constexpr char kNoArguments[2 + kSimdPadding] = "{}";

const OfferedTool* find(const std::vector<OfferedTool>& tools, std::string_view name) {
  const auto found =
      std::find_if(tools.begin(), tools.end(), [&](const OfferedTool& tool) { return tool.name == name; });
  return found == tools.end() ? nullptr : &*found;
}

// Bad arguments are the tool's error, not the protocol's: that way the model sees what to do better.
Answer tool_error(Code code, std::string why) { return Answer::done(tool_result(Error{code, std::move(why), ""})); }

// The arguments in memory of their own, for a task that outlives the message.
Work keeping(Offer& offer, const OfferedTool& tool, std::string_view arguments) {
  auto kept = std::make_shared<std::string>(arguments);
  const size_t size = kept->size();
  kept->append(kSimdPadding, ' ');
  return [&offer, &tool, kept, size](Request& request) {
    return offer.call_tool(tool, std::string_view(*kept).substr(0, size), request);
  };
}

// As a task; at once where that is allowed and there are too many tasks.
Outcome begin_task(TaskTable& tasks, Offer& offer, const OfferedTool& tool, std::string_view arguments,
                   Request& request) {
  Result<std::string> made = tasks.create(request, keeping(offer, tool, arguments));
  if (!made && tool.tasks == TaskUse::kMay) return offer.call_tool(tool, arguments, request);
  if (!made) return Outcome::failed(RpcCode::kInternalError, made.error().message);
  Outcome outcome = Outcome::of(std::move(*made));
  outcome.result_type = "task";
  return outcome;
}

}  // namespace

Answer answer_tools_call(const MethodContext& context) {
  const Params& params = context.message.params;
  const std::optional<std::string> name = string_of(params.name);
  if (!name) return Answer::refused(RpcCode::kInvalidParams, "params.name must be the name of a tool, a string.");
  const OfferedTool* tool = find(context.offer.catalog().tools, *name);
  if (tool == nullptr) {
    return Answer::refused(RpcCode::kInvalidParams, "Unknown tool '" + *name + "'. Call tools/list for the names.");
  }
  if (context.message.too_deep) {
    return tool_error(Code::kTooLarge, "The arguments are nested too deep; JSON may have " +
                                           std::to_string(Limits{}.json_depth) + " levels. Send flatter data.");
  }
  if (!params.arguments.empty() && !is_object(params.arguments)) {
    return tool_error(Code::kInvalidArgument, "The arguments must be a JSON object. Send {} for none.");
  }
  const bool is_modern = context.era == Era::kModern;
  if (is_modern && tool->needs && !context.client.has(*tool->needs)) return Answer::missing(*tool->needs);
  const bool has_tasks = is_modern && context.client.has(Capability::kTasks);
  const bool must = tool->tasks == TaskUse::kMust || tool->tasks == TaskUse::kAfterQuestions;
  if (is_modern && must && !has_tasks) return Answer::missing(Capability::kTasks);

  const std::string_view arguments = params.arguments.empty() ? std::string_view(kNoArguments, 2) : params.arguments;
  Offer& offer = context.offer;
  TaskTable& tasks = context.tasks;
  Work work = [&offer, &tasks, tool, arguments, has_tasks](Request& request) {
    const bool begins = tool->tasks != TaskUse::kNever &&
                        (tool->tasks != TaskUse::kAfterQuestions || !request.answers.empty());
    if (has_tasks && begins) return begin_task(tasks, offer, *tool, arguments, request);
    return offer.call_tool(*tool, arguments, request);
  };
  return Answer::run(std::move(work), tool->read_only ? RunKind::kRead : RunKind::kWrite, true);
}

}  // namespace chronos
