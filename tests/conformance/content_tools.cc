#include <nlohmann/json.hpp>

#include "tests/conformance/fixture_offer.h"

namespace chronos::test {
namespace {

using Json = nlohmann::json;

constexpr const char* kPixel =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
constexpr const char* kSilence = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAAAAA==";

constexpr const char* kWholeSchema = R"({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "$defs": {"address": {"$anchor": "addressDef", "type": "object",
                        "properties": {"street": {"type": "string"}, "city": {"type": "string"}}}},
  "properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"},
                 "contactMethod": {"type": "string", "enum": ["phone", "email"]},
                 "phone": {"type": "string"}, "email": {"type": "string"}},
  "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
  "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
  "then": {"required": ["phone"]},
  "else": {"required": ["email"]},
  "additionalProperties": false})";

constexpr const char* kHeaderSchema = R"({
  "type": "object", "properties": {
    "region": {"type": "string", "description": "Mirrored in a header.", "x-mcp-header": "Region"}}})";

const Json kImage = {{"type", "image"}, {"data", kPixel}, {"mimeType", "image/png"}};

Json resource(const char* uri, const char* mime_type, const char* text) {
  return {{"type", "resource"}, {"resource", {{"uri", uri}, {"mimeType", mime_type}, {"text", text}}}};
}

// Always with this content.
FixtureTool fixed(const char* name, const Json& content) {
  FixtureTool tool;
  tool.name = name;
  tool.call = [text = Json{{"content", content}}.dump()](std::string_view, Request&) { return Outcome::of(text); };
  return tool;
}

}  // namespace

std::vector<FixtureTool> content_tools() {
  const Json text = {{"type", "text"}, {"text", "This is a simple text response for testing."}};
  std::vector<FixtureTool> tools = {
      fixed("test_simple_text", Json::array({text})),
      fixed("test_image_content", Json::array({kImage})),
      fixed("test_audio_content", Json::array({{{"type", "audio"}, {"data", kSilence}, {"mimeType", "audio/wav"}}})),
      fixed("test_embedded_resource",
            Json::array({resource("test://embedded-resource", "text/plain", "An embedded resource.")})),
      fixed("test_multiple_content_types",
            Json::array({text, kImage, resource("test://mixed-content-resource", "application/json", "{}")})),
      fixed("json_schema_2020_12_tool", Json::array({text})),
      fixed("test_custom_header", Json::array({text})),
  };
  tools[5].input_schema = kWholeSchema;
  tools[6].input_schema = kHeaderSchema;
  FixtureTool error;
  error.name = "test_error_handling";
  error.call = [](std::string_view, Request&) {
    return said("This tool intentionally returns an error for testing", true);
  };
  tools.push_back(error);
  return tools;
}

}  // namespace chronos::test
