#include "tools/schema.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tools/schema_text.h"

namespace chronos {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kSchema = R"({
  "type":"object","additionalProperties":false,"required":["stream"],"properties":{
    "stream":{"type":"string","minLength":1,"maxLength":8,"description":"The stream, e.g. order-7. More."},
    "limit":{"type":"integer","minimum":1,"maximum":1000},
    "as_of":{"type":["integer","string"],"minimum":0,"maximum":100},
    "order":{"type":"string","enum":["asc","desc"]},
    "exact":{"type":"boolean"},
    "tags":{"type":"array","minItems":1,"maxItems":2,"items":{"type":"string","minLength":1}},
    "where":{"type":"array","items":{"type":"object","additionalProperties":false,"required":["path"],
      "properties":{"path":{"type":"string"},"value":{"type":["number","null"]}}}},
    "counts":{"type":"object","additionalProperties":{"type":"integer","minimum":0,"maximum":9}}}})";

std::string verdict(std::string_view value) {
  const auto checked = Schema(kSchema).check(Json::parse(value));
  return checked ? "" : checked.error().message;
}

}  // namespace

TEST_CASE("A schema accepts what it describes", "[tools]") {
  for (const char* value :
       {R"({"stream":"a"})", R"({"stream":"a","limit":1})", R"({"stream":"a","limit":1000.0})",
        R"({"stream":"a","as_of":0})", R"({"stream":"a","as_of":"yesterday"})", R"({"stream":"a","order":"desc"})",
        R"({"stream":"a","exact":false})", R"({"stream":"a","tags":["x","y"]})", R"({"stream":"a","where":[]})",
        R"({"stream":"a","where":[{"path":"","value":null},{"path":"/a","value":1.5}]})",
        R"({"stream":"\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4"})",
        R"({"stream":"a","counts":{"x":1,"y":9}})"}) {
    CHECK(verdict(value) == "");
  }
}

TEST_CASE("A schema says what is wrong, what came and what to do", "[tools]") {
  const std::pair<const char*, const char*> cases[] = {
      {R"(5)", "argument must be an object, got 5"},
      {R"({})", "the argument stream is missing: give a string of 1 to 8 characters, The stream, e.g. order-7"},
      {R"({"stream":"a","limit":"ten"})", "limit must be an integer between 1 and 1000, got \"ten\""},
      {R"({"stream":"a","limit":0})", "limit must be an integer between 1 and 1000, got 0"},
      {R"({"stream":"a","limit":-1})", "limit must be an integer between 1 and 1000, got -1"},
      {R"({"stream":"a","limit":1001})", "limit must be an integer between 1 and 1000, got 1001"},
      {R"({"stream":"a","limit":18446744073709551615})",
       "limit must be an integer between 1 and 1000, got 18446744073709551615"},
      {R"({"stream":"a","limit":1.5})", "limit must be an integer between 1 and 1000, got 1.5"},
      {R"({"stream":"a","limit":1e300})", "limit must be an integer between 1 and 1000, got 1e+300"},
      {R"({"stream":"a","limit":null})", "limit must be an integer between 1 and 1000, got null: leave it out instead"},
      {R"({"stream":"a","as_of":101})", "as_of must be an integer between 0 and 100 or a string, got 101"},
      {R"({"stream":"a","as_of":[]})", "as_of must be an integer between 0 and 100 or a string, got []"},
      {R"({"stream":"a","order":"up"})", "order must be one of \"asc\", \"desc\", got \"up\""},
      {R"({"stream":"a","exact":"yes"})", "exact must be true or false, got \"yes\""},
      {R"({"stream":""})",
       "stream must be a string of 1 to 8 characters, got an empty one: leave it out or fill it in"},
      {R"({"stream":"123456789"})", "stream must be a string of 1 to 8 characters, got \"123456789\""},
      {R"({"stream":"a","tags":[]})", "tags must be an array of 1 to 2 items, got 0 items"},
      {R"({"stream":"a","tags":["a","b","c"]})", "tags must be an array of 1 to 2 items, got 3 items"},
      {R"({"stream":"a","tags":["a",7]})", "tags[1] must be a string of at least 1 characters, got 7"},
      {R"({"stream":"a","where":[{}]})", "where[0].path is missing: give a string"},
      {R"({"stream":"a","where":[{"path":"","op":1}]})",
       "where[0] has an unknown member \"op\": known are path, value"},
      {R"({"stream":"a","limt":1})",
       "unknown argument \"limt\", did you mean \"limit\"? Known are as_of, counts, exact, limit, order, stream, tags, "
       "where"},
      {R"({"stream":"a","zzzzzzzz":1})",
       "unknown argument \"zzzzzzzz\": known are as_of, counts, exact, limit, order, stream, tags, where"},
      {R"({"stream":"a","counts":{"x":-1}})", "counts.x must be an integer between 0 and 9, got -1"},
  };
  for (const auto& [value, message] : cases) CHECK(verdict(value) == message);
}

TEST_CASE("A long value is cut between characters when it is shown", "[tools]") {
  const std::string text =
      shown(Json(std::string(30, 'a') + "\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4"
                                        "\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4"));
  CHECK(text.size() <= 60);
  CHECK(text.ends_with("\u00e4..."));
}

TEST_CASE("The distance between two names counts slips", "[tools]") {
  CHECK(edit_distance("stream", "stream") == 0);
  CHECK(edit_distance("strem", "stream") == 1);
  CHECK(edit_distance("strema", "stream") == 1);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("order-7", "order-17") == 1);
}

TEST_CASE("Schemas are written over several lines and published on one", "[tools]") {
  CHECK(schema_text("{\"a\": \"one\n      two\",\n  \"b c\": [1, 2]}") == "{\"a\":\"one two\",\"b c\":[1,2]}");
  CHECK(schema_text("{@position}") == R"({"type":"integer","minimum":0,"maximum":9007199254740991})");
  CHECK(schema_text(R"({"a":"@position"})") == R"({"a":"@position"})");
}

}  // namespace chronos
