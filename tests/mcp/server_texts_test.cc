// What a model reads before its first call: instructions and tool descriptions name only what exists.
#include <nlohmann/json.hpp>

#include "mcp/chronos_catalog.h"
#include "mcp/server_texts.h"
#include "tests/support/agent_texts.h"
#include "tests/support/catch.h"
#include "tools/tool.h"

namespace chronos::test {

TEST_CASE("Instructions are short, plain, and name only what exists", "[mcp][prompts]") {
  const ServerTexts texts(chronos_catalog(all_tools()));
  const std::string initialize = R"({"protocolVersion":"2025-11-25")" + texts.initialize_end;
  const std::string instructions = nlohmann::json::parse(initialize)["instructions"];
  CHECK(instructions.size() < 2000);
  CHECK(is_ascii(instructions));
  CHECK(instructions.find("describe_store") != std::string::npos);
  CHECK(unknown_plain_words(instructions) == std::vector<std::string>{});
  CHECK(nlohmann::json::parse(texts.discover)["instructions"] == instructions);
}

TEST_CASE("Descriptions of tools name only what exists", "[tools][prompts]") {
  for (const Tool& tool : all_tools()) {
    INFO(tool.name);
    CHECK(unknown_plain_words(tool.description) == std::vector<std::string>{});
    for (const ExampleCall& call : example_calls(tool.description)) CHECK(misfit(call) == "");
  }
  CHECK(unknown_plain_words("see topics events and evnts of guide, then query_event") ==
        std::vector<std::string>{"query_event", "evnts"});
  CHECK(unknown_words("`get_stat` `get_state` `Order` `x`") == std::vector<std::string>{"get_stat", "x"});
}

}  // namespace chronos::test
