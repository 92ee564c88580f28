#include "mcp/json_rpc.h"

#include <string>

#include "mcp/line_io.h"
#include "tests/support/random_json.h"

// Last: its CHECK is the one meant here.
#include "tests/support/catch.h"

namespace chronos {
namespace {

constexpr size_t kDepth = 72;

std::string spaces(testing::RandomJson& random) {
  return std::string(random.below(3), random.percent(50) ? ' ' : '\t');
}

}  // namespace

TEST_CASE("tokens are cut out of a message with every byte", "[mcp]") {
  const uint64_t seed = testing::json_seed(20'261'122);
  INFO("CHRONOS_SEED=" << seed);
  testing::RandomJson random(seed, {});
  for (int round = 0; round < 2000; ++round) {
    const std::string arguments = random.object();
    const std::string noise = random.value();
    const std::string gap = spaces(random);
    const Line line("{\"noise\":" + noise + ",\"params\" :" + gap + "{\"x\":" + noise + ",\"arguments\":" + gap +
                    arguments + gap + ",\"_meta\":{\"y\":" + noise + gap + ",\"progressToken\":" + gap + "-12" + gap +
                    "},\"name\":\"n\"},\"id\": 007e" + gap + "}");
    // Not JSON yet: 007e is no number.
    REQUIRE(read_line(line.text(), kDepth).error->code == RpcCode::kParseError);
    std::string good(line.text());
    good.replace(good.find("007e"), 4, "\"7\\n\"");
    good.insert(1, "\"method\":" + gap + "\"m\\u0041\"" + gap + ",\"jsonrpc\":\"2.0\",");
    const Line request(good);
    INFO("request: " << good);
    const LineOrError read = read_line(request.text(), kDepth);
    REQUIRE(!read.error);
    REQUIRE(read.line.messages.size() == 1);
    const Message message = read_message(read.line.messages[0]);
    REQUIRE(message.kind == Message::Kind::kRequest);
    REQUIRE(message.id == "\"7\\n\"");
    REQUIRE(message.method == "mA");
    REQUIRE(message.params.arguments == arguments);
    REQUIRE(message.params.name == "\"n\"");
    REQUIRE(message.params.meta.progress_token == "-12");
    REQUIRE(message.params.cursor.empty());
  }
}

TEST_CASE("a batch is split into its messages", "[mcp]") {
  const uint64_t seed = testing::json_seed(20'261'123);
  INFO("CHRONOS_SEED=" << seed);
  testing::RandomJson random(seed, {});
  for (int round = 0; round < 500; ++round) {
    std::vector<std::string> values;
    std::string text = spaces(random) + "[";
    for (size_t i = 0, count = 1 + random.below(6); i < count; ++i) {
      values.push_back(random.value());
      text += (i == 0 ? "" : ",") + spaces(random) + values.back() + spaces(random);
    }
    const Line line(text + "]" + spaces(random));
    INFO("batch: " << line.text());
    const LineOrError read = read_line(line.text(), kDepth);
    REQUIRE(!read.error);
    REQUIRE(read.line.is_batch);
    REQUIRE(std::vector<std::string>(read.line.messages.begin(), read.line.messages.end()) == values);
    for (const std::string_view message : read.line.messages) {
      if (!is_object(message)) REQUIRE(read_message(message).kind == Message::Kind::kInvalid);
    }
  }
}

TEST_CASE("a batch may have 1,000 messages and no more", "[mcp]") {
  const auto batch = [](size_t count) {
    std::string text = "[0";
    for (size_t i = 1; i < count; ++i) text += ",0";
    return text + "]";
  };
  CHECK(!read_line(Line(batch(1000)).text(), kDepth).error);
  CHECK(read_line(Line(batch(1001)).text(), kDepth).error->code == RpcCode::kInvalidRequest);
}

TEST_CASE("what is too deep is told from what is no JSON", "[mcp]") {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(!read_line(Line(nested(kDepth)).text(), kDepth).line.too_deep);
  const LineOrError deep = read_line(Line(nested(kDepth + 1)).text(), kDepth);
  CHECK(deep.line.too_deep);
  CHECK(!deep.error);
  CHECK(read_line(Line(nested(5000)).text(), kDepth).error->code == RpcCode::kInvalidRequest);
  CHECK(read_line(Line(std::string(kDepth, '[')).text(), kDepth).error->code == RpcCode::kParseError);
}

TEST_CASE("a message larger than a kept parser is read like a small one", "[mcp]") {
  const std::string big(size_t{3} << 20, 'x');
  const Line line("{\"params\":{\"arguments\":{\"a\":\"" + big +
                  "\"},\"name\":\"n\"},\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}");
  const LineOrError read = read_line(line.text(), kDepth);
  REQUIRE(!read.error);
  const Message message = read_message(read.line.messages[0]);
  CHECK(message.kind == Message::Kind::kRequest);
  CHECK(message.params.arguments.size() == big.size() + 8);
  CHECK(message.params.name == "\"n\"");
}

TEST_CASE("long values are shortened in messages, never within a character", "[mcp]") {
  std::string value = "\"";
  for (int i = 0; i < 100; ++i) value += "é";
  const Line line("{\"jsonrpc\":\"2.0\",\"id\":{\"a\":" + value + "\"},\"method\":\"m\"}");
  const Message message = read_message(read_line(line.text(), kDepth).line.messages.at(0));
  CHECK(message.kind == Message::Kind::kInvalid);
  CHECK(message.error.message.size() < 200);
  const Line reply(error_reply("null", message.error));
  CHECK(!read_line(reply.text(), kDepth).error);
}

TEST_CASE("replies are written as they are read", "[mcp]") {
  CHECK(result_reply("\"a\"", "{}") == R"({"jsonrpc":"2.0","id":"a","result":{}})");
  CHECK(error_reply("", {RpcCode::kParseError, "say \"x\"", ""}) ==
        R"({"jsonrpc":"2.0","error":{"code":-32700,"message":"say \"x\""}})");
  CHECK(error_reply("null", {RpcCode::kUnsupportedVersion, "v", "[1]"}) ==
        R"({"jsonrpc":"2.0","id":null,"error":{"code":-32022,"message":"v","data":[1]}})");
}

}  // namespace chronos
