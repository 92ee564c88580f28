#include "mcp/request.h"

#include <iterator>

namespace chronos {
namespace {

constexpr std::string_view kLevels[] = {"debug", "info",     "notice", "warning",
                                        "error", "critical", "alert",  "emergency"};

}  // namespace

std::optional<LogLevel> log_level_named(std::string_view name) {
  for (size_t i = 0; i < std::size(kLevels); i++) {
    if (kLevels[i] == name) return static_cast<LogLevel>(i);
  }
  return std::nullopt;
}

std::string_view log_level_name(LogLevel level) { return kLevels[static_cast<size_t>(level)]; }

std::string_view question_method(Capability needs) {
  switch (needs) {
    case Capability::kElicitation: return "elicitation/create";
    case Capability::kSampling: return "sampling/createMessage";
    default: return "roots/list";
  }
}

}  // namespace chronos
