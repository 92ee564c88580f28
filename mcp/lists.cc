#include "mcp/method.h"

namespace chronos {
namespace {

// One page holds all, so no cursor was ever given out; the empty one means the first page.
Answer list(const MethodContext& context, const std::string& text) {
  const std::string_view cursor = context.message.params.cursor;
  if (!cursor.empty() && cursor != "\"\"" && cursor != "null") {
    return Answer::refused(RpcCode::kInvalidParams,
                           "The cursor is unknown. Call " + context.message.method + " without one.");
  }
  context.offer.prepare();
  Answer answer = Answer::done(text);
  answer.outcome.cache = CacheHints{3'600'000, true};
  return answer;
}

}  // namespace

Answer answer_tools_list(const MethodContext& context) { return list(context, context.texts.tools); }
Answer answer_resources_list(const MethodContext& context) { return list(context, context.texts.resources); }
Answer answer_templates_list(const MethodContext& context) { return list(context, context.texts.templates); }
Answer answer_prompts_list(const MethodContext& context) { return list(context, context.texts.prompts); }

}  // namespace chronos
