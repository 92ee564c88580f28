// What no tool may accept, and what each must answer instead: a clear refusal that changed nothing.
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/tool_session.h"

namespace chronos::test {

using Json = nlohmann::json;

TEST_CASE("Unknown arguments and nulls are refused by every tool", "[tools]") {
  ToolSession session;
  session.append("a", "T", Json::object());
  for (const Tool& tool : all_tools()) {
    const Json schema = Json::parse(tool.input_schema);
    CHECK(
        session.refused(tool.name, {{"surely_unknown", 1}}).message.starts_with("unknown argument \"surely_unknown\""));
    for (const auto& [name, property] : schema["properties"].items()) {
      const Error error = session.refused(tool.name, {{name, nullptr}});
      CHECK(error.code == Code::kInvalidArgument);
      INFO(error.message);
      CHECK(error.message.starts_with(name + " must be "));
      CHECK(error.message.ends_with("got null: leave it out instead"));
    }
  }
}

TEST_CASE("Absurd arguments are refused with a sentence", "[tools]") {
  ToolSession session;
  session.append("a", "T", Json::object());
  const std::string deep = R"({"events":[{"stream":"a","type":"T","data":)" + [] {
    std::string nested;
    for (int i = 0; i < 70; i++) nested += R"({"x":)";
    return nested + "1" + std::string(70, '}');
  }() + "}]}";
  const std::string large =
      R"({"events":[{"stream":"a","type":"T","data":{"x":")" + std::string(1 << 20, 'x') + R"("}}]})";
  const std::tuple<const char*, std::string, Code> cases[] = {
      {"append_events", "{}", Code::kInvalidArgument},
      {"append_events", R"({"events":[]})", Code::kInvalidArgument},
      {"append_events", R"({"events":{}})", Code::kInvalidArgument},
      {"append_events", R"({"events":"[]"})", Code::kInvalidArgument},
      {"append_events", R"({"events":[{}],"events":[{}]})", Code::kInvalidArgument},
      {"append_events", R"({"events":[[]]})", Code::kInvalidArgument},
      {"append_events", R"({"events":[{"stream":"$x","type":"T","data":{}}]})", Code::kInvalidArgument},
      {"append_events", R"({"events":[{"stream":"a\u0000","type":"T","data":{}}]})", Code::kInvalidArgument},
      {"append_events", R"({"events":[{"stream":"a","type":"T","data":{}}],"durability":"maybe"})",
       Code::kInvalidArgument},
      {"append_events", R"({"events":[{"stream":"a","type":"T","data":{}}],"fork":"nowhere"})", Code::kNotFound},
      {"append_events", R"({"events":[{"stream":"a","type":"T","data":{}}],"conditions":{}})", Code::kInvalidArgument},
      {"append_events", R"({"events":[{"stream":"a","type":"T","data":{}}],"conditions":[7]})", Code::kInvalidArgument},
      {"append_events", deep, Code::kTooLarge},
      {"append_events", large, Code::kTooLarge},
      {"get_state", R"({"stream":5})", Code::kInvalidArgument},
      {"get_state", R"({"stream":"a","version":0})", Code::kInvalidArgument},
      {"get_state", R"({"stream":"a","version":9})", Code::kNotFound},
      {"get_state", R"({"stream":"a","valid_at":"soon"})", Code::kInvalidArgument},
      {"get_state", R"({"stream":"a","as_of":99})", Code::kInvalidArgument},
      {"get_state", R"({"stream":"a","as_of":-1})", Code::kInvalidArgument},
      {"get_state", R"({"stream":"a","as_of":1e99})", Code::kInvalidArgument},
      {"get_state", R"({"stream":"a","as_of":"99999999999999999999"})", Code::kInvalidArgument},
      {"compare", "{}", Code::kInvalidArgument},
      {"compare", R"({"left":5})", Code::kInvalidArgument},
      {"compare", R"({"left":{"at":5}})", Code::kInvalidArgument},
      {"describe_store", R"({"fork":"nowhere"})", Code::kNotFound},
      {"verify_history", R"({"fork":"main"})", Code::kInvalidArgument},
      {"create_fork", "{}", Code::kInvalidArgument},
      {"create_fork", R"({"name":"a\u0000"})", Code::kInvalidArgument},
      {"create_fork", R"({"name":"x","ttl_seconds":-1})", Code::kInvalidArgument},
      {"create_fork", R"({"name":"x","ttl_seconds":9007199254740991})", Code::kInvalidArgument},
      {"create_fork", R"({"name":"x","as_of":9007199254740991})", Code::kInvalidArgument},
      {"create_fork", R"({"name":"x","request_id":"a\u0000b"})", Code::kInvalidArgument},
      {"list_forks", R"({"limit":1e99})", Code::kInvalidArgument},
      {"merge_fork", R"({"fork":"main","only":[{}]})", Code::kInvalidArgument},
      {"merge_fork", R"({"fork":"main","only":[{"types":[]}]})", Code::kInvalidArgument},
      {"merge_fork", R"({"fork":"main","preview_token":"1.0.0.0"})", Code::kInvalidArgument},
      {"merge_fork", R"({"fork":"nowhere","into":"nothing"})", Code::kNotFound},
      {"discard_fork", R"({"fork":"a\u0000"})", Code::kNotFound},
  };
  for (const auto& [tool, arguments, code] : cases) {
    const Error error = session.refused_text(tool, arguments);
    INFO(tool << " " << arguments.substr(0, 200) << ": " << error.message);
    CHECK(error.code == code);
    CHECK(error.message.size() > 20);
    CHECK(error.message.size() < 600);
  }
}

}  // namespace chronos::test
