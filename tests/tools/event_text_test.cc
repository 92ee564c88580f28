#include "tools/event_text.h"

#include <nlohmann/json.hpp>

#include "core/valid_json.h"
#include "tests/support/catch.h"
#include "tools/json_writer.h"

namespace chronos {
namespace {

std::string shorten(std::string_view text, std::vector<std::string>& pointers) {
  std::string to;
  JsonWriter json(to);
  write_shortened(json, text, pointers);
  return to;
}

}  // namespace

TEST_CASE("The writer puts commas where they belong", "[tools]") {
  std::string text = "before}";
  JsonWriter json(text);
  json.begin_object().key("a").integer(1).key("b").begin_array().string("[").string(":").boolean(true);
  json.begin_object().end_object().begin_array().end_array().raw("{\n\"x\": \"\\n\"}").number(0.5F).end_array();
  json.key("c").string("\"\n").end_object();
  CHECK(text == "before}{\"a\":1,\"b\":[\"[\",\":\",true,{},[],{ \"x\": \"\\n\"},0.5],\"c\":\"\\\"\\n\"}");
}

TEST_CASE("Strings of up to 300 characters stay whole", "[tools]") {
  for (const std::string& word : {std::string(300, 'x'), std::string("\\\"") + std::string(298, 'x')}) {
    const std::string text = "{\"a\":\"" + word + "\",\"b\":[1,{\"c\":null}]}";
    std::vector<std::string> pointers;
    CHECK(shorten(text, pointers) == text);
    CHECK(pointers.empty());
  }
}

TEST_CASE("Longer strings are cut and named by their JSON Pointers", "[tools]") {
  const std::string x(301, 'x');
  const std::string text =
      R"({ "a":")" + x + R"(","keep": 1.50 ,"b/c~":[[],{},"s",{"d":")" + x + R"("}],"e":[")" + x + R"("],"f":-1e3})";
  std::vector<std::string> pointers;
  const std::string cut = std::string(260, 'x') + "...[41 more characters]";
  CHECK(shorten(text, pointers) == R"({ "a":")" + cut + R"(","keep": 1.50 ,"b/c~":[[],{},"s",{"d":")" + cut +
                                       R"("}],"e":[")" + cut + R"("],"f":-1e3})");
  CHECK(pointers == std::vector<std::string>{"/a", "/b~1c~0/3/d", "/e/0"});
}

TEST_CASE("A cut falls between characters, escaped ones included", "[tools]") {
  std::string wide;
  for (int i = 0; i < 400; i++) wide += i % 2 == 0 ? "\u20ac" : "\\u00e4";
  std::vector<std::string> pointers;
  const auto parsed = nlohmann::json::parse(shorten("[\"" + wide + "\"]", pointers), nullptr, false);
  REQUIRE(parsed.is_array());
  std::string expected;
  for (int i = 0; i < 260; i++) expected += i % 2 == 0 ? "\u20ac" : "\u00e4";
  CHECK(parsed[0] == expected + "...[140 more characters]");
  CHECK(pointers == std::vector<std::string>{"/0"});
}

TEST_CASE("300 characters of several bytes are not more than 300", "[tools]") {
  std::string wide;
  for (int i = 0; i < 300; i++) wide += "\u20ac";
  std::vector<std::string> pointers;
  CHECK(shorten("[\"" + wide + "\"]", pointers) == "[\"" + wide + "\"]");
  CHECK(pointers.empty());
}

}  // namespace chronos
