#include "tests/conformance/fixture_offer.h"

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

namespace chronos::test {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kPixel =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

Json definition(const char* key, std::string_view id, std::string_view description) {
  return {{key, id}, {"name", std::string(id)}, {"title", std::string(id)}, {"description", description}};
}

OfferedPrompt prompt(std::string_view name, std::string_view description, const std::vector<std::string>& required) {
  Json arguments = Json::array();
  for (const std::string& each : required) {
    arguments.push_back({{"name", each}, {"description", "The argument " + each + "."}, {"required", true}});
  }
  const Json made = {{"name", name}, {"description", description}, {"arguments", arguments}};
  return {std::string(name), made.dump(), required};
}

Outcome message(const Json& content, std::string_view before = "") {
  Json messages = Json::array();
  if (!before.empty()) {
    messages.push_back({{"role", "user"}, {"content", {{"type", "text"}, {"text", before}}}});
  }
  messages.push_back({{"role", "user"}, {"content", content}});
  return Outcome::of(Json{{"messages", messages}}.dump());
}

Outcome contents(const std::string& uri, const char* mime_type, const char* key, std::string_view value) {
  Outcome outcome =
      Outcome::of(Json{{"contents", {{{"uri", uri}, {"mimeType", mime_type}, {key, value}}}}}.dump());
  outcome.cache = CacheHints{1000, true};
  return outcome;
}

}  // namespace

Outcome said(std::string_view text, bool is_error) {
  Json result = {{"content", {{{"type", "text"}, {"text", text}}}}};
  if (is_error) result["isError"] = true;
  return Outcome::of(result.dump());
}

Question elicitation(std::string key, std::string_view message, std::string_view property, std::string_view type) {
  const Json schema = {{"type", "object"},
                       {"properties", {{std::string(property), {{"type", type}}}}},
                       {"required", {std::string(property)}}};
  return {std::move(key), Capability::kElicitation,
          Json{{"mode", "form"}, {"message", message}, {"requestedSchema", schema}}.dump()};
}

std::string accepted(const Request& request, std::string_view key, std::string_view property) {
  const auto answer = request.answers.find(key);
  if (answer == request.answers.end()) return "";
  const Json json = Json::parse(answer->second, nullptr, false);
  const Json::json_pointer place("/content/" + std::string(property));
  if (!json.is_object() || json.value("action", "") != "accept" || !json.contains(place)) return "";
  const Json& value = json[place];
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string argument(std::string_view arguments, std::string_view name) {
  const Json json = Json::parse(arguments, nullptr, false);
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

void pause_ms(int milliseconds, const std::stop_token& cancelled) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, cancelled, std::chrono::milliseconds(milliseconds), [] { return false; });
}

FixtureOffer::FixtureOffer(Subscriptions& subscriptions) {
  for (auto group : {content_tools(), talking_tools(subscriptions), asking_tools(), round_trip_tools(), task_tools()}) {
    for (FixtureTool& tool : group) tools_.push_back(std::move(tool));
  }
  for (const FixtureTool& tool : tools_) {
    const std::string text = R"({"name":")" + tool.name + R"(","description":"A fixture: )" + tool.name +
                             R"(.","inputSchema":)" + tool.input_schema + "}";
    catalog_.tools.push_back({tool.name, text, true, tool.tasks, tool.needs});
  }
  catalog_.server_info = R"({"name":"chronos-conformance","version":"1.0.0"})";
  for (const char* uri : {"test://static-text", "test://static-binary", "test://watched-resource"}) {
    catalog_.resources.push_back(definition("uri", uri, "A fixture.").dump());
  }
  catalog_.templates.push_back(definition("uriTemplate", "test://template/{id}/data", "A fixture.").dump());
  catalog_.prompts = {prompt("test_simple_prompt", "A prompt without arguments.", {}),
                      prompt("test_prompt_with_arguments", "A prompt with arguments.", {"arg1", "arg2"}),
                      prompt("test_prompt_with_embedded_resource", "A prompt with a resource.", {"resourceUri"}),
                      prompt("test_prompt_with_image", "A prompt with an image.", {}),
                      prompt("test_input_required_result_prompt", "A prompt that asks first.", {})};
  catalog_.completes = catalog_.logs = catalog_.subscribes = true;
  catalog_.tools_change = catalog_.prompts_change = true;
}

std::vector<Tool> FixtureOffer::tools() const {
  std::vector<Tool> tools;
  for (const FixtureTool& tool : tools_) {
    Tool made{};
    made.name = made.title = made.description = tool.name;
    made.input_schema = tool.input_schema;
    made.output_schema = R"({"type":"object"})";
    tools.push_back(made);
  }
  return tools;
}

Outcome FixtureOffer::call_tool(const OfferedTool& tool, std::string_view arguments, Request& request) {
  return tools_[static_cast<size_t>(&tool - catalog_.tools.data())].call(arguments, request);
}

Outcome FixtureOffer::read_resource(const std::string& uri, Request&) {
  constexpr std::string_view kBegin = "test://template/";
  constexpr std::string_view kEnd = "/data";
  if (uri == "test://static-text") return contents(uri, "text/plain", "text", "A static text.");
  if (uri == "test://watched-resource") return contents(uri, "text/plain", "text", "A watched text.");
  if (uri == "test://static-binary") return contents(uri, "image/png", "blob", kPixel);
  if (uri.starts_with(kBegin) && uri.ends_with(kEnd) && uri.size() > kBegin.size() + kEnd.size()) {
    const std::string id = uri.substr(kBegin.size(), uri.size() - kBegin.size() - kEnd.size());
    return contents(uri, "application/json", "text", Json{{"id", id}, {"data", "Data of " + id}}.dump());
  }
  return Outcome::failed(RpcCode::kResourceNotFound, "There is no such resource.", Json{{"uri", uri}}.dump());
}

Outcome FixtureOffer::get_prompt(const OfferedPrompt& prompt, const PromptArguments& arguments, Request& request) {
  const auto text = [](const std::string& value) { return Json{{"type", "text"}, {"text", value}}; };
  if (prompt.name == "test_simple_prompt") return message(text("This is a simple prompt for testing."));
  if (prompt.name == "test_prompt_with_arguments") {
    const std::string both = "arg1='" + arguments.at("arg1") + "', arg2='" + arguments.at("arg2") + "'";
    return message(text("Prompt with arguments: " + both));
  }
  if (prompt.name == "test_prompt_with_embedded_resource") {
    const Json resource = {
        {"uri", arguments.at("resourceUri")}, {"mimeType", "text/plain"}, {"text", "Embedded resource content."}};
    return message({{"type", "resource"}, {"resource", resource}}, "Please process the embedded resource.");
  }
  if (prompt.name == "test_prompt_with_image") {
    return message({{"type", "image"}, {"data", kPixel}, {"mimeType", "image/png"}}, "Please look at the image.");
  }
  const std::string context = accepted(request, "user_context", "context");
  if (context.empty()) {
    return Outcome::ask({elicitation("user_context", "What context should the prompt use?", "context", "string")});
  }
  return message(text("With the context: " + context));
}

Outcome FixtureOffer::complete(const CompletionQuestion& question, Request&) {
  std::vector<std::string> values;
  for (const char* known : {"test_value_1", "test_value_2", "other"}) {
    if (std::string_view(known).starts_with(question.value)) values.emplace_back(known);
  }
  return completion(values, false);
}

}  // namespace chronos::test
