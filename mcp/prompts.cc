#include <algorithm>
#include <nlohmann/json.hpp>

#include "mcp/method.h"

namespace chronos {
namespace {

Answer refuse(std::string why) { return Answer::refused(RpcCode::kInvalidParams, std::move(why)); }

}  // namespace

Answer answer_prompts_get(const MethodContext& context) {
  const Params& params = context.message.params;
  const std::optional<std::string> name = string_of(params.name);
  if (!name) return refuse("params.name must be the name of a prompt, a string.");
  const auto& prompts = context.offer.catalog().prompts;
  const auto prompt =
      std::find_if(prompts.begin(), prompts.end(), [&](const OfferedPrompt& known) { return known.name == *name; });
  if (prompt == prompts.end()) return refuse("Unknown prompt '" + *name + "'. Call prompts/list for the names.");
  PromptArguments arguments;
  if (!params.arguments.empty()) {
    const auto given = nlohmann::json::parse(params.arguments, nullptr, false);
    if (!given.is_object()) return refuse("params.arguments must be an object of strings.");
    for (const auto& [key, value] : given.items()) {
      if (!value.is_string()) return refuse("The argument '" + key + "' of a prompt must be a string.");
      arguments.emplace(key, value.get<std::string>());
    }
  }
  for (const std::string& required : prompt->required) {
    const auto found = arguments.find(required);
    if (found == arguments.end() || found->second.empty()) {
      return refuse("The prompt '" + *name + "' needs the argument '" + required + "'. Send it.");
    }
  }
  Offer& offer = context.offer;
  return Answer::run(
      [&offer, &prompt = *prompt, arguments = std::move(arguments)](Request& request) {
        return offer.get_prompt(prompt, arguments, request);
      },
      RunKind::kRead, true);
}

}  // namespace chronos
