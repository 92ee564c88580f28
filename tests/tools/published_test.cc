// What clients see of the tools before they call one: names, texts and schemas that every client takes.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/catch.h"
#include "tools/schema.h"
#include "tools/tool.h"

namespace chronos {
namespace {

using Json = nlohmann::json;

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

// Every property typed and described, every integer of at least something, nothing but the subset that is enforced.
void check_schema(const Json& schema, const std::string& path, bool described) {
  INFO(path);
  REQUIRE(schema.is_object());
  CHECK(schema.contains("type"));
  if (described) CHECK(schema.contains("description"));
  const Json type = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
  const bool integer = std::find(type.begin(), type.end(), "integer") != type.end();
  CHECK((!integer || schema.contains("minimum")));
  if (schema["type"] == "array") {
    REQUIRE(schema.contains("items"));
    check_schema(schema["items"], path + "[]", false);
  }
  if (!schema.contains("properties")) return;
  for (const auto& [name, property] : schema["properties"].items()) check_schema(property, path + "." + name, true);
  if (!schema.contains("required")) return;
  for (const auto& name : schema["required"]) CHECK(schema["properties"].contains(name.get<std::string>()));
}

}  // namespace

TEST_CASE("The tools are those of the contract, in the order an agent needs them", "[tools]") {
  std::vector<std::string> names;
  for (const Tool& tool : all_tools()) names.emplace_back(tool.name);
  CHECK(names == std::vector<std::string>{"describe_store", "append_events", "query_events", "get_state", "compare",
                                          "search_events", "trace_events", "create_fork", "list_forks", "merge_fork",
                                          "discard_fork", "verify_history", "guide"});
  CHECK(find_tool("get_state")->name == "get_state");
  CHECK(find_tool("get_stat") == nullptr);
  CHECK(find_tool("") == nullptr);
}

TEST_CASE("Texts of tools survive every client", "[tools]") {
  for (const Tool& tool : all_tools()) {
    INFO(tool.name);
    CHECK(tool.name.size() <= 30);
    CHECK(is_plain(tool.title));
    CHECK(is_plain(tool.description));
    CHECK(tool.description.find(';') == std::string_view::npos);
    CHECK(tool.description.size() < 2048);
    CHECK(tool.description.size() > 200);
    for (const std::string_view schema : {tool.input_schema, tool.output_schema}) {
      CHECK(is_plain(schema));
      CHECK(schema.find(';') == std::string_view::npos);
      CHECK(schema.size() <= 5 * 1024);
    }
  }
}

TEST_CASE("Schemas keep to what every client takes", "[tools]") {
  for (const Tool& tool : all_tools()) {
    for (const std::string_view text : {tool.input_schema, tool.output_schema}) {
      const Json schema = Json::parse(text, nullptr, false);
      REQUIRE(schema.is_object());
      CHECK(schema["type"] == "object");
      check_schema(schema, std::string(tool.name), false);
      const Schema used(text);  // refuses keywords that are not enforced
    }
    CHECK(Json::parse(tool.input_schema)["additionalProperties"] == false);
  }
}

TEST_CASE("Integers that are read have an end", "[tools]") {
  for (const Tool& tool : all_tools()) {
    const std::string schema(tool.input_schema);
    for (size_t at = schema.find("\"integer\""); at != std::string::npos; at = schema.find("\"integer\"", at + 1)) {
      CHECK(schema.find("\"maximum\"", at) < schema.find('}', at));
    }
  }
}

TEST_CASE("Hints say which tools write, and which take something away", "[tools]") {
  const std::set<std::string_view> writing = {"append_events", "create_fork", "merge_fork", "discard_fork"};
  for (const Tool& tool : all_tools()) {
    INFO(tool.name);
    CHECK(tool.read_only == !writing.contains(tool.name));
    CHECK(tool.idempotent == (tool.name != "append_events"));
    CHECK(tool.destructive == (tool.name == "discard_fork"));
    CHECK(tool.needs_store == (tool.name != "guide"));
    // A call that is sent again after its answer was lost must not be carried out twice.
    CHECK(Json::parse(tool.input_schema)["properties"].contains("request_id") == writing.contains(tool.name));
  }
}

TEST_CASE("Calls of the operator are not among the tools", "[tools]") {
  REQUIRE(find_admin_tool("set_protection") != nullptr);
  CHECK(find_tool("set_protection") == nullptr);
  CHECK(find_admin_tool("append_events") == nullptr);
  for (const Tool& tool : admin_tools()) {
    INFO(tool.name);
    for (const Tool& listed : all_tools()) CHECK(listed.name != tool.name);
    CHECK(!tool.read_only);
    CHECK(Json::parse(tool.input_schema)["properties"].contains("request_id"));
    check_schema(Json::parse(tool.output_schema), std::string(tool.name), false);
  }
}

TEST_CASE("An error is the same as data", "[tools]") {
  CHECK(error_json({Code::kNotFound, "no \"x\"", ""}) ==
        R"({"error":{"code":"not_found","message":"no \"x\"","retryable":false}})");
  CHECK(error_json({Code::kUnavailable, "busy", "{\"a\":1}"}) ==
        R"({"error":{"code":"unavailable","message":"busy","retryable":true,"details":{"a":1}}})");
}

}  // namespace chronos
