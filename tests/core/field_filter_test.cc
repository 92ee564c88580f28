#include "core/field_filter.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/random_json.h"

namespace chronos {
namespace {

using nlohmann::json;
using testing::PaddedText;
using testing::RandomJson;

bool holds(std::string_view data, std::string_view path, std::string_view op, std::string_view value = "") {
  const auto filter = FieldFilter::make(path, op, value);
  REQUIRE(filter);
  const PaddedText padded(data);
  return filter->matches(ValidJson::trusted(padded.view()));
}

// The slow model: everything parsed, nothing clever.
std::optional<json> resolve(const json& data, const std::string& path) {
  json at = data;
  std::string rest = path;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('/', 1), rest.size());
    const std::string token = json::json_pointer(rest.substr(0, end)).back();
    rest.erase(0, end);
    if (at.is_object()) {
      if (!at.contains(token)) return std::nullopt;
      at = json(at[token]);
    } else if (at.is_array()) {
      size_t index = 0;
      while (index < at.size() && std::to_string(index) != token) index++;
      if (index == at.size()) return std::nullopt;
      at = json(at[index]);
    } else {
      return std::nullopt;
    }
  }
  return at;
}

bool model(const json& data, const std::string& path, const std::string& op, const json& value) {
  const std::optional<json> found = resolve(data, path);
  if (op == "exists") return found.has_value() == value.get<bool>();
  if (!found) return false;
  if (op == "=") return *found == value;
  if (op == "!=") return *found != value;
  if (op == "contains") {
    if (found->is_array()) return std::find(found->begin(), found->end(), value) != found->end();
    if (!value.is_string()) return false;
    if (found->is_object()) return found->contains(value.get<std::string>());
    return found->is_string() && found->get<std::string>().find(value.get<std::string>()) != std::string::npos;
  }
  const bool comparable = (found->is_number() && value.is_number()) || (found->is_string() && value.is_string());
  if (!comparable) return false;
  if (op == "<") return *found < value;
  if (op == "<=") return *found < value || *found == value;
  if (op == ">") return value < *found;
  return value < *found || *found == value;
}

// A path into the value, now and then one that leads nowhere.
std::string random_path(RandomJson& random, const json& data) {
  std::string path;
  const json* at = &data;
  while (!at->empty() && (at->is_object() || at->is_array()) && random.percent(75)) {
    auto it = at->begin();
    std::advance(it, random.below(at->size()));
    path += "/" + (at->is_object() ? json::json_pointer().operator/=(it.key()).to_string().substr(1)
                                   : std::to_string(it - at->begin()));
    at = &*it;
  }
  if (random.percent(10)) path += "/nowhere";
  if (random.percent(5)) path += "/00";
  return path;
}

}  // namespace

TEST_CASE("a filter compares numbers by value and strings by bytes", "[field_filter]") {
  const char* data =
      R"({"amount":100.0,"big":9007199254740993,"name":"B\u00e9","low":-1e-400,"flag":true,"none":null})";
  CHECK(holds(data, "/amount", "=", "100"));
  CHECK(holds(data, "/amount", "=", "1e2"));
  CHECK(holds(data, "/amount", ">", "99.999"));
  CHECK(holds(data, "/amount", ">=", "100.00"));
  CHECK(holds(data, "/amount", "<=", "100"));
  CHECK_FALSE(holds(data, "/amount", "<", "100"));
  CHECK_FALSE(holds(data, "/amount", "!=", "100"));
  CHECK(holds(data, "/big", ">", "9007199254740992"));
  CHECK_FALSE(holds(data, "/big", "=", "9007199254740992"));
  CHECK(holds(data, "/big", "<", "123456789012345678901234567890"));
  CHECK(holds(data, "/low", "<", "0"));
  CHECK(holds(data, "/name", "=", "\"B\xc3\xa9\""));
  CHECK(holds(data, "/name", "<", "\"a\""));
  CHECK(holds(data, "/name", ">", "\"Bz\""));  // by bytes: 0xc3 is after z
  CHECK(holds(data, "/flag", "=", "true"));
  CHECK(holds(data, "/none", "=", " null "));
  for (const char* op : {"<", "<=", ">", ">="}) {
    CHECK_FALSE(holds(data, "/name", op, "1"));
    CHECK_FALSE(holds(data, "/amount", op, "\"1\""));
    CHECK_FALSE(holds(data, "/flag", op, "true"));
    CHECK_FALSE(holds(data, "/none", op, "null"));
  }
}

TEST_CASE("a filter finds its field by JSON Pointer", "[field_filter]") {
  const char* data = R"( {"a":{"b":[10,{"c":"x"}]},"a/b":1,"m~n":2,"":3,"\u0061b":4,"7":5,"d":1,"d":2} )";
  CHECK(holds(data, "/a/b/0", "=", "10"));
  CHECK(holds(data, "/a/b/1/c", "=", "\"x\""));
  CHECK(holds(data, "/a~1b", "=", "1"));
  CHECK(holds(data, "/m~0n", "=", "2"));
  CHECK(holds(data, "/", "=", "3"));
  CHECK(holds(data, "/ab", "=", "4"));
  CHECK(holds(data, "/7", "=", "5"));
  CHECK(holds(data, "/d", "=", "2"));
  CHECK_FALSE(holds(data, "/d", "=", "1"));
  CHECK(holds(data, "", "contains", "\"a/b\""));
  CHECK(holds(data, "/a/b", "=", R"([1e1,{"c":"\u0078"}])"));
  for (const char* path : {"/a/b/2", "/a/b/-", "/a/b/00", "/a/b/+0", "/a/b/", "/a/b/0x", "/a/b/99999999999999999999",
                           "/d/x", "/nope", "/a/b/1/c/0"}) {
    INFO(path);
    CHECK_FALSE(holds(data, path, "exists"));
    CHECK(holds(data, path, "exists", "false"));
    CHECK_FALSE(holds(data, path, "!=", "1"));
  }
}

TEST_CASE("contains looks into strings, arrays and objects", "[field_filter]") {
  const char* data = R"({"s":"caf\u00e9 bar","l":[1,"two",[3],{"k":4}],"o":{"k\n":null},"n":12})";
  CHECK(holds(data, "/s", "contains", "\"\xc3\xa9 b\""));
  CHECK(holds(data, "/s", "contains", "\"\""));
  CHECK_FALSE(holds(data, "/s", "contains", "\"Bar\""));
  CHECK(holds(data, "/l", "contains", "1.0"));
  CHECK(holds(data, "/l", "contains", "\"two\""));
  CHECK_FALSE(holds(data, "/l", "contains", "\"tw\""));
  CHECK(holds(data, "/l", "contains", "[3]"));
  CHECK(holds(data, "/l", "contains", R"({"k":4.0})"));
  CHECK(holds(data, "/o", "contains", R"("k\u000a")"));
  CHECK_FALSE(holds(data, "/o", "contains", "null"));
  CHECK_FALSE(holds(data, "/n", "contains", "1"));
}

TEST_CASE("a wrong filter is told when it is made", "[field_filter]") {
  struct Wrong {
    const char *path, *op, *value, *message;
  };
  for (const Wrong& wrong : {Wrong{"amount", "=", "1", "'amount' is not a JSON Pointer"},
                             {"/a~", "=", "1", "'/a~' is not a JSON Pointer"},
                             {"/a~2", "=", "1", "'/a~2' is not a JSON Pointer"},
                             {"/a", "==", "1", "op '==' is unknown"},
                             {"/a", "", "1", "op '' is unknown"},
                             {"/a", "=", "", "needs a value"},
                             {"/a", "=", "[1", "malformed JSON"},
                             {"/a", "exists", "1", "takes true or false, not 1"}}) {
    const auto made = FieldFilter::make(wrong.path, wrong.op, wrong.value);
    INFO(wrong.message);
    REQUIRE_FALSE(made);
    CHECK(made.error().code == Code::kInvalidArgument);
    CHECK(made.error().message.find(wrong.message) != std::string::npos);
  }
}

TEST_CASE("all filters of a list must match", "[field_filter]") {
  const PaddedText data(R"({"a":1,"b":2})");
  std::vector<FieldFilter> filters;
  CHECK(matches(filters, ValidJson::trusted(data.view())));
  filters.push_back(*FieldFilter::make("/a", "=", "1"));
  CHECK(matches(filters, ValidJson::trusted(data.view())));
  filters.push_back(*FieldFilter::make("/b", "<", "2"));
  CHECK_FALSE(matches(filters, ValidJson::trusted(data.view())));
}

TEST_CASE("filters agree with a model that parses everything", "[field_filter]") {
  const std::vector<std::string> ops = {"=", "!=", "<", "<=", ">", ">=", "contains", "exists"};
  const uint64_t seed = testing::json_seed(7);
  RandomJson random(seed, {.members = 5, .depth = 3, .any_number = false});
  size_t matched = 0;
  for (int i = 0; i < 30'000; i++) {
    const std::string text = random.object();
    const json data = json::parse(text);
    const std::string path = random_path(random, data);
    const std::string op = ops[random.below(ops.size())];
    std::string value = random.percent(50) ? random.value() : random.percent(50) ? random.number() : random.string();
    if (op == "exists") value = random.percent(50) ? "true" : "false";
    // Often the very value that is there, or one of its elements, in another spelling.
    if (const auto found = resolve(data, path); found && op != "exists" && random.percent(40)) {
      value = (op == "contains" && found->is_array() && !found->empty() ? (*found)[0] : *found).dump(-1, ' ', true);
    }
    INFO("seed " << seed << ", case " << i << ": " << text << " " << path << " " << op << " " << value);
    const bool expected = model(data, path, op, json::parse(value));
    REQUIRE(holds(text, path, op, value) == expected);
    matched += expected;
  }
  CHECK(matched > 3'000);
}

}  // namespace chronos
