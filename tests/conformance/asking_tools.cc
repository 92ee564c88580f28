#include <nlohmann/json.hpp>

#include "tests/conformance/fixture_offer.h"

namespace chronos::test {
namespace {

using Json = nlohmann::json;

// Asks `question` and says what was answered.
FixtureTool asking(const char* name, const char* input_schema,
                   std::function<Question(std::string_view arguments)> question) {
  FixtureTool tool;
  tool.name = name;
  tool.input_schema = input_schema;
  tool.call = [question = std::move(question)](std::string_view arguments, Request& request) {
    const auto answer = request.answers.find("answer");
    if (answer == request.answers.end()) return Outcome::ask({question(arguments)});
    return said("The client answered: " + answer->second);
  };
  return tool;
}

Question elicit(std::string_view message, const char* schema) {
  const Json params = {{"mode", "form"}, {"message", message}, {"requestedSchema", Json::parse(schema)}};
  return {"answer", Capability::kElicitation, params.dump()};
}

Question sample(std::string_view prompt) {
  const Json content = {{"type", "text"}, {"text", prompt}};
  const Json params = {{"messages", {{{"role", "user"}, {"content", content}}}}, {"maxTokens", 100}};
  return {"answer", Capability::kSampling, params.dump()};
}

constexpr const char* kPrompt = R"({"type":"object","properties":{"prompt":{"type":"string"}},"required":["prompt"]})";
constexpr const char* kMessage =
    R"({"type":"object","properties":{"message":{"type":"string"}},"required":["message"]})";

constexpr const char* kDefaults = R"({
  "type": "object", "properties": {
    "name": {"type": "string", "description": "User name", "default": "John Doe"},
    "age": {"type": "integer", "description": "User age", "default": 30},
    "score": {"type": "number", "description": "User score", "default": 95.5},
    "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    "verified": {"type": "boolean", "description": "Verification status", "default": true}}})";

constexpr const char* kEnums = R"({
  "type": "object", "properties": {
    "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
    "titledSingle": {"type": "string", "oneOf": [
      {"const": "value1", "title": "First"}, {"const": "value2", "title": "Second"},
      {"const": "value3", "title": "Third"}]},
    "legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"], "enumNames": ["One", "Two", "Three"]},
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": ["option1", "option2", "option3"]}},
    "titledMulti": {"type": "array", "items": {"anyOf": [
      {"const": "value1", "title": "First"}, {"const": "value2", "title": "Second"},
      {"const": "value3", "title": "Third"}]}}}})";

constexpr const char* kUser = R"({
  "type": "object", "properties": {
    "username": {"type": "string", "description": "User's response"},
    "email": {"type": "string", "description": "User's email address"}}, "required": ["username", "email"]})";

}  // namespace

std::vector<FixtureTool> asking_tools() {
  return {
      asking("test_sampling", kPrompt, [](std::string_view text) { return sample(argument(text, "prompt")); }),
      asking("test_elicitation", kMessage,
             [](std::string_view text) { return elicit(argument(text, "message"), kUser); }),
      asking("test_elicitation_sep1034_defaults", R"({"type":"object"})",
             [](std::string_view) { return elicit("Please review and update the form", kDefaults); }),
      asking("test_elicitation_sep1330_enums", R"({"type":"object"})",
             [](std::string_view) { return elicit("Please select options", kEnums); }),
  };
}

}  // namespace chronos::test
