#include "mcp/method.h"
#include "mcp/client_answers.h"

namespace chronos {
namespace {

// The task's id, or why the request is refused.
std::optional<Answer> refusal(const MethodContext& context, std::string* id) {
  if (!context.client.has(Capability::kTasks)) return Answer::missing(Capability::kTasks);
  const std::optional<std::string> given = string_of(context.message.params.task_id);
  if (!given) return Answer::refused(RpcCode::kInvalidParams, "params.taskId must be the id of a task, a string.");
  if (!context.tasks.has(*given, context.connection.principal())) {
    return Answer::refused(RpcCode::kInvalidParams,
                           "There is no task '" + *given + "'; it is over and forgotten, or never was.");
  }
  *id = *given;
  return std::nullopt;
}

}  // namespace

Answer answer_tasks_get(const MethodContext& context) {
  std::string id;
  if (auto refused = refusal(context, &id)) return std::move(*refused);
  return Answer::done(context.tasks.get(id));
}

Answer answer_tasks_update(const MethodContext& context) {
  std::string id;
  if (auto refused = refusal(context, &id)) return std::move(*refused);
  std::optional<ClientAnswers> answers = read_client_answers(context.message.params.input_responses);
  if (!answers) return Answer::refused(RpcCode::kInvalidParams, "params.inputResponses must be an object.");
  context.tasks.update(id, std::move(*answers));
  return Answer::done("{}");
}

Answer answer_tasks_cancel(const MethodContext& context) {
  std::string id;
  if (auto refused = refusal(context, &id)) return std::move(*refused);
  context.tasks.cancel(id);
  return Answer::done("{}");
}

}  // namespace chronos
