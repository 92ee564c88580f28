#include <algorithm>
#include <nlohmann/json.hpp>

#include "mcp/method.h"

namespace chronos {
namespace {

Answer refuse(std::string why) { return Answer::refused(RpcCode::kInvalidParams, std::move(why)); }

// The member when it is a string.
std::optional<std::string> text(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

bool is_known(const CompletionQuestion& question, const Catalog& catalog) {
  if (question.of_prompt) {
    return std::any_of(catalog.prompts.begin(), catalog.prompts.end(),
                       [&](const OfferedPrompt& prompt) { return prompt.name == question.name; });
  }
  return std::any_of(catalog.templates.begin(), catalog.templates.end(), [&](const std::string& definition) {
    const auto known = nlohmann::json::parse(definition, nullptr, false);
    return text(known, "uriTemplate") == question.name;
  });
}

}  // namespace

Answer answer_complete(const MethodContext& context) {
  const Params& params = context.message.params;
  const auto ref = nlohmann::json::parse(params.ref, nullptr, false);
  const auto argument = nlohmann::json::parse(params.argument, nullptr, false);
  if (!ref.is_object() || !argument.is_object()) {
    return refuse("params must have the objects 'ref' {type, name or uri} and 'argument' {name, value}.");
  }
  CompletionQuestion question;
  const std::string type = text(ref, "type").value_or("");
  question.of_prompt = type == "ref/prompt";
  if (!question.of_prompt && type != "ref/resource") {
    return refuse("params.ref.type must be 'ref/prompt' or 'ref/resource'.");
  }
  const std::optional<std::string> name = text(ref, question.of_prompt ? "name" : "uri");
  const std::optional<std::string> argument_name = text(argument, "name");
  const std::optional<std::string> value = text(argument, "value");
  if (!name || !argument_name || !value) {
    return refuse("params.ref must have a name or uri, params.argument a name and a value, all strings.");
  }
  question.name = *name;
  question.argument = *argument_name;
  question.value = *value;
  const auto context_object = nlohmann::json::parse(params.context, nullptr, false);
  if (context_object.is_object() && context_object.contains("arguments") && context_object["arguments"].is_object()) {
    for (const auto& [key, chosen] : context_object["arguments"].items()) {
      if (chosen.is_string()) question.context.emplace(key, chosen.get<std::string>());
    }
  }
  if (!is_known(question, context.offer.catalog())) {
    return refuse("Nothing is known as '" + question.name +
                  "'. Take a name of prompts/list or resources/templates/list.");
  }
  Offer& offer = context.offer;
  return Answer::run([&offer, question = std::move(question)](Request& request) {
    return offer.complete(question, request);
  });
}

}  // namespace chronos
