#include "mcp/method.h"

namespace chronos {

Answer answer_set_level(const MethodContext& context) {
  const std::optional<std::string> name = string_of(context.message.params.level);
  const std::optional<LogLevel> level = name ? log_level_named(*name) : std::nullopt;
  if (!level) {
    return Answer::refused(RpcCode::kInvalidParams,
                           "params.level must be debug, info, notice, warning, error, critical, alert or emergency.");
  }
  context.connection.set_log_level(*level);
  return Answer::done("{}");
}

}  // namespace chronos
