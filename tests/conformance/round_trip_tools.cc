#include <nlohmann/json.hpp>

#include "tests/conformance/fixture_offer.h"

namespace chronos::test {
namespace {

using Json = nlohmann::json;

FixtureTool tool(const char* name, std::function<Outcome(Request&)> call) {
  FixtureTool made;
  made.name = std::string("test_input_required_result_") + name;
  made.call = [call = std::move(call)](std::string_view, Request& request) { return call(request); };
  return made;
}

Question sampling(const char* key, const char* text, int most_tokens) {
  const Json content = {{"type", "text"}, {"text", text}};
  const Json params = {{"messages", {{{"role", "user"}, {"content", content}}}}, {"maxTokens", most_tokens}};
  return {key, Capability::kSampling, params.dump()};
}

Question roots() { return {"client_roots", Capability::kRoots, "{}"}; }
Question user_name() { return elicitation("user_name", "What is your name?", "name", "string"); }
Question confirmation() { return elicitation("confirm", "Please confirm", "ok", "boolean"); }

bool has(const Request& request, const char* key) { return request.answers.contains(key); }

Outcome ask_elicitation(Request& request) {
  const std::string name = accepted(request, "user_name", "name");
  return name.empty() ? Outcome::ask({user_name()}) : said("Hello, " + name + "!");
}

Outcome ask_sampling(Request& request) {
  if (!has(request, "capital_question")) {
    return Outcome::ask({sampling("capital_question", "What is the capital of France?", 100)});
  }
  return said("The client said: " + request.answers.at("capital_question"));
}

Outcome ask_roots(Request& request) {
  if (!has(request, "client_roots")) return Outcome::ask({roots()});
  return said("The roots are: " + request.answers.at("client_roots"));
}

Outcome keep_state(Request& request) {
  if (!has(request, "confirm") || request.state != "waiting") return Outcome::ask({confirmation()}, "waiting");
  return said("state-ok");
}

Outcome ask_all(Request& request) {
  if (has(request, "user_name") && has(request, "greeting") && has(request, "client_roots")) return said("All came.");
  return Outcome::ask({user_name(), sampling("greeting", "Generate a greeting", 50), roots()}, "three");
}

Outcome ask_twice(Request& request) {
  if (request.state == "second" && has(request, "step2")) return said("Both steps are done.");
  if ((request.state == "first" && has(request, "step1")) || request.state == "second") {
    return Outcome::ask({elicitation("step2", "Step 2: What is your favorite color?", "color", "string")}, "second");
  }
  return Outcome::ask({elicitation("step1", "Step 1: What is your name?", "name", "string")}, "first");
}

// What the client can.
Outcome ask_what_can_be(Request& request) {
  std::vector<Question> questions;
  if (request.client.has(Capability::kElicitation)) questions.push_back(user_name());
  if (request.client.has(Capability::kSampling)) questions.push_back(sampling("greeting", "Generate a greeting", 50));
  if (!request.answers.empty() || questions.empty()) return said("Asked as far as the client can answer.");
  return Outcome::ask(std::move(questions));
}

}  // namespace

std::vector<FixtureTool> round_trip_tools() {
  return {tool("elicitation", ask_elicitation), tool("sampling", ask_sampling),
          tool("list_roots", ask_roots),        tool("request_state", keep_state),
          tool("multiple_inputs", ask_all),     tool("multi_round", ask_twice),
          tool("tampered_state", keep_state),   tool("capabilities", ask_what_can_be)};
}

}  // namespace chronos::test
