#include "core/valid_json.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/random_json.h"

namespace chronos {
namespace {

using testing::PaddedText;
using testing::RandomJson;

Result<void> judge(std::string_view text, size_t max_depth = 64) {
  const PaddedText padded(text);
  const auto result = validate_json(padded.view(), max_depth);
  if (!result) return result.error();
  CHECK(result->text() == padded.view());
  CHECK(json_depth(*result) <= max_depth);
  return {};
}

std::string nested(size_t depth, std::string_view inner) {
  return std::string(depth, '[') + std::string(inner) + std::string(depth, ']');
}

std::string json_of(std::string_view text) {
  std::string to = "before ";
  append_json_string(to, text);
  return to.substr(7);
}

}  // namespace

TEST_CASE("validate_json takes every JSON text", "[valid_json]") {
  for (const char* text : {"{}", "[]", "0", "-0", "true", "null", "\"\"", " {\"a\" : [1, 2.5e-3, \"x\\u00e9\\n\"]}\n",
                           "{\"a\":1,\"a\":2}", "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"", "{\"\":{\"\":null}}"}) {
    INFO(text);
    CHECK(judge(text));
  }
}

TEST_CASE("validate_json takes any number whose value fits a double", "[valid_json]") {
  for (const char* text :
       {"18446744073709551615", "18446744073709551616", "-9223372036854775809", "123456789012345678901234567890",
        "1.7976931348623157e308", "1e-400", "5e-324", "{\"n\":[99999999999999999999999]}"}) {
    INFO(text);
    CHECK(judge(text));
  }
  CHECK(judge("0." + std::string(5000, '3')));
  CHECK(judge(std::string(300, '9')));
  for (const char* text : {"1e309", "-1e309", "[1e400]"}) {
    INFO(text);
    CHECK_FALSE(judge(text));
  }
  CHECK_FALSE(judge(std::string(400, '9')));
}

TEST_CASE("validate_json refuses what is not JSON, and says where", "[valid_json]") {
  struct Wrong {
    std::string text;
    std::string message;
  };
  const std::vector<Wrong> all = {
      {"", "empty"},
      {" \n", "empty"},
      {"{\"a\":tru}", "at byte 9"},
      {"{\"a\":1,}", "at byte 8"},
      {"{\"a\":1} x", "at byte 9"},
      {"{a:1}", "at byte 2"},
      {"[1,2", "at byte 5"},
      {"[01]", "at byte 3"},
      {"[1.]", "expected digit"},
      {"[+1]", "at byte 2"},
      {"[1}", "at byte 3"},
      {"\"a\nb\"", "control character"},
      {"\"\\x\"", "at byte 3"},
      {"\"\\ud800\"", "surrogate"},
      {"\"\\udc00\"", "surrogate"},
      {"\"\\ud800\\ud800\"", "surrogate"},
      {"\"\xff\"", "UTF-8"},
      {"\"\xed\xa0\x80\"", "UTF-8"},
      {"\"\xc0\x80\"", "UTF-8"},
      {"\"\xf4\x90\x80\x80\"", "UTF-8"},
      {"\"\xe2\x82\"", "UTF-8"},
      {"\xef\xbb\xbf{}", "byte order mark"},
      {std::string("{}\0", 3), "NUL byte"},
      {std::string("[123456789012345678901]\0{", 25), "NUL byte"},
      {"[1e400]", "number overflow"},
      {"NaN", "at byte 1"},
      {"'a'", "at byte 1"},
      {"{} // no", "at byte 4"},
  };
  for (const Wrong& wrong : all) {
    INFO(wrong.text);
    const auto result = judge(wrong.text);
    REQUIRE_FALSE(result);
    INFO(result.error().message);
    CHECK(result.error().code == Code::kInvalidArgument);
    CHECK(result.error().message.find(wrong.message) != std::string::npos);
    CHECK(judge(json_of(result.error().message)));  // the message itself can be sent, whatever was received
  }
}

TEST_CASE("validate_json counts an empty array as one level", "[valid_json]") {
  CHECK(judge("1", 1));
  CHECK(judge("[]", 1));
  CHECK(judge("[1]", 1));
  CHECK_FALSE(judge("[[]]", 1));
  CHECK_FALSE(judge("[{\"a\":1}]", 1));
  for (const char* inner : {"", "1", "{}"}) {
    INFO(inner);
    const size_t inner_depth = std::string_view(inner) == "{}" ? 1 : 0;
    CHECK(judge(nested(64 - inner_depth, inner)));
    const auto refused = judge(nested(65 - inner_depth, inner));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::kTooLarge);
  }
  CHECK(judge(nested(64, "12345678901234567890123")));
  CHECK(judge(nested(5000, ""), 5000));
  CHECK(judge(std::string(2'000'000, '[')).error().code == Code::kTooLarge);
}

TEST_CASE("validate_json gives up explaining very long malformed texts, not refusing them", "[valid_json]") {
  const std::string text = "[\"" + std::string(size_t{5} << 20, 'x') + "\"";
  const auto good = judge(text + "]");
  CHECK(good);
  const auto unclosed = judge(text);
  REQUIRE_FALSE(unclosed);
  CHECK(unclosed.error().message.find("malformed JSON: ") == 0);
  CHECK(judge(text + ",123456789012345678901234567890]"));
}

TEST_CASE("validate_json agrees with a second parser on mutated texts", "[valid_json]") {
  const uint64_t seed = testing::json_seed(1);
  INFO("seed " << seed);
  RandomJson random(seed, {});
  for (int i = 0; i < 20'000; i++) {
    std::string text = random.value();
    const size_t changes = random.below(3);
    for (size_t k = 0; k < changes && !text.empty(); k++) {
      static constexpr std::string_view kBytes("\"\\{}[],:0123456789.-+eEtrufalsn \n\x01\x7f\x80\xbf\xc3\xe2\xf0\xff");
      switch (random.below(3)) {
        case 0: text[random.below(text.size())] = kBytes[random.below(kBytes.size())]; break;
        case 1: text.erase(random.below(text.size()), 1); break;
        default: text.insert(random.below(text.size()), 1, kBytes[random.below(kBytes.size())]);
      }
    }
    INFO("text " << i << ": " << text);
    const bool accepted = judge(text).has_value();
    REQUIRE(accepted == nlohmann::json::accept(text));
  }
}

TEST_CASE("json_depth counts containers and not what strings hold", "[valid_json]") {
  const auto depth = [](std::string_view text) { return json_depth(ValidJson::trusted(text)); };
  CHECK(depth("1") == 0);
  CHECK(depth("\"[[[\"") == 0);
  CHECK(depth("[]") == 1);
  CHECK(depth("[{},[[]],{}]") == 3);
  CHECK(depth("{\"\\\"[\":\"\\\\\",\"a\":[\"\\\"]\"]}") == 2);
}

TEST_CASE("unescape_json gives the value of a string", "[valid_json]") {
  CHECK(unescape_json("\"\"").empty());
  CHECK(unescape_json("\"plain\"") == "plain");
  CHECK(unescape_json("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"") == "\"\\/\b\f\n\r\t");
  CHECK(unescape_json("\"x\\u0041\\u00E9\\u20ac\\ud83d\\uDE00y\"") == "xA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80y");
  CHECK(unescape_json("\"\\u0000\"") == std::string(1, '\0'));
  CHECK(unescape_json("\"\\uffff\\ud800\\udc00\\udbff\\udfff\"") == "\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
}

TEST_CASE("append_json_string escapes what must be escaped and nothing else", "[valid_json]") {
  CHECK(json_of("") == "\"\"");
  CHECK(json_of("caf\xc3\xa9 / \x7f") == "\"caf\xc3\xa9 / \x7f\"");
  CHECK(json_of("\"\\\b\f\n\r\t") == "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
  CHECK(json_of(std::string("\0\x1f\x0b", 3)) == "\"\\u0000\\u001f\\u000b\"");
  // Wherever in a run of eight the character lies.
  for (size_t at = 0; at < 20; at++) {
    for (const char c : {'"', '\\', '\n', '\x01'}) {
      std::string text(20, 'x');
      text[at] = c;
      CHECK(nlohmann::json::parse(json_of(text)).get<std::string>() == text);
    }
  }
}

TEST_CASE("strings come back from escaping and unescaping", "[valid_json]") {
  const uint64_t seed = testing::json_seed(2);
  INFO("seed " << seed);
  RandomJson random(seed, {});
  for (int i = 0; i < 5'000; i++) {
    const std::string token = random.string();
    const std::string value = unescape_json(token);
    INFO("token " << token);
    REQUIRE(value == nlohmann::json::parse(token).get<std::string>());
    REQUIRE(unescape_json(json_of(value)) == value);
    REQUIRE(judge(json_of(value)));
  }
}

}  // namespace chronos
