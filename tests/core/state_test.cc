#include "core/state.h"

#include <cstdint>
#include <deque>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/random_json.h"

namespace chronos {
namespace {

using nlohmann::json;
using testing::PaddedText;
using testing::RandomJson;

// A state together with the texts it points into.
class Folded {
 public:
  Folded() = default;
  Folded(std::initializer_list<std::string_view> patches) {
    for (const std::string_view patch : patches) apply(patch);
  }
  void apply(std::string_view patch) {
    texts_.emplace_back(patch);
    state.apply(ValidJson::trusted(texts_.back().view()));
  }
  State state;

 private:
  std::deque<PaddedText> texts_;
};

std::string fold_text(std::initializer_list<std::string_view> patches) { return Folded(patches).state.to_json(); }

// The differences as lines "path left right".
std::vector<std::string> differences(std::string_view left, std::string_view right) {
  std::vector<std::string> lines;
  for (const auto& d : State::compare(Folded{left}.state, Folded{right}.state)) {
    lines.push_back(d.path + " " + (d.left.empty() ? "-" : d.left) + " " + (d.right.empty() ? "-" : d.right));
  }
  return lines;
}

bool equal(std::string_view left, std::string_view right) {
  const Folded a{left};
  const Folded b{right};
  CHECK((a.state == b.state) == (b.state == a.state));
  CHECK((a.state == b.state) == State::compare(a.state, b.state).empty());
  return a.state == b.state;
}

}  // namespace

TEST_CASE("a state folds patches by RFC 7396", "[state]") {
  CHECK(State().to_json() == "{}");
  // Those examples of the RFC's appendix A whose target and patch are objects.
  CHECK(fold_text({R"({"a":"b"})", R"({"a":"c"})"}) == R"({"a":"c"})");
  CHECK(fold_text({R"({"a":"b"})", R"({"b":"c"})"}) == R"({"a":"b","b":"c"})");
  CHECK(fold_text({R"({"a":"b"})", R"({"a":null})"}) == "{}");
  CHECK(fold_text({R"({"a":"b","b":"c"})", R"({"a":null})"}) == R"({"b":"c"})");
  CHECK(fold_text({R"({"a":["b"]})", R"({"a":"c"})"}) == R"({"a":"c"})");
  CHECK(fold_text({R"({"a":"c"})", R"({"a":["b"]})"}) == R"({"a":["b"]})");
  CHECK(fold_text({R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})"}) == R"({"a":{"b":"d"}})");
  CHECK(fold_text({R"({"a":[{"b":"c"}]})", R"({"a":[1]})"}) == R"({"a":[1]})");
  CHECK(fold_text({"{}", R"({"a":{"bb":{"ccc":null}}})"}) == R"({"a":{"bb":{}}})");
  CHECK(fold_text({R"({"a":[1,2]})", R"({"a":{"b":1,"c":null}})"}) == R"({"a":{"b":1}})");
  CHECK(fold_text({R"({"a":[null,{"b":null}]})"}) == R"({"a":[null,{"b":null}]})");
}

TEST_CASE("a state keeps the bytes of values and the order of members", "[state]") {
  CHECK(fold_text({R"( { "n" : 1.50e+01 , "s":"\u0041\/" ,"l":[ 1, 2 ] } )"}) ==
        R"({"n":1.50e+01,"s":"\u0041\/","l":[ 1, 2 ]})");
  CHECK(fold_text({R"({"b":1,"a":2})", R"({"c":3,"a":4})"}) == R"({"b":1,"a":4,"c":3})");
  CHECK(fold_text({R"({"b":1,"a":2})", R"({"b":null})", R"({"b":5})"}) == R"({"a":2,"b":5})");
}

TEST_CASE("keys are the same however they are escaped", "[state]") {
  CHECK(fold_text({R"({"\u0061":1})", R"({"a":2})"}) == R"({"a":2})");
  CHECK(fold_text({R"({"a":1})", R"({"\u0061":null})"}) == "{}");
  CHECK(fold_text({R"({"\"\\\n":1,"":2})"}) == R"({"\"\\\n":1,"":2})");
  CHECK(fold_text({R"({"x\u0000y":1,"x":2})"}) == R"({"x\u0000y":1,"x":2})");
}

TEST_CASE("of duplicate keys in a patch only the last has an effect", "[state]") {
  CHECK(fold_text({R"({"a":1,"a":2})"}) == R"({"a":2})");
  CHECK(fold_text({R"({"a":{"x":1},"b":0,"a":{"y":2}})"}) == R"({"a":{"y":2},"b":0})");
  CHECK(fold_text({R"({"a":{"z":0}})", R"({"a":null,"a":{"y":2}})"}) == R"({"a":{"z":0,"y":2}})");
  CHECK(fold_text({R"({"a":{"z":0}})", R"({"a":5,"\u0061":{"y":2}})"}) == R"({"a":{"z":0,"y":2}})");
  CHECK(fold_text({R"({"a":1,"a":null})"}) == "{}");
  std::string many = R"({"k0":{"x":1})";
  for (int i = 1; i < 100; i++) many += ",\"k" + std::to_string(i % 50) + "\":{\"y" + std::to_string(i) + "\":1}";
  CHECK(json::parse(fold_text({many + "}"})) == json::parse(many + "}"));
}

TEST_CASE("objects with many members are found, removed and filled again", "[state]") {
  const uint64_t seed = testing::json_seed(4);
  INFO("seed " << seed);
  RandomJson random(seed, {});
  Folded folded;
  json expected = json::object();
  for (int i = 0; i < 20'000; i++) {
    const std::string key = "k" + std::to_string(random.below(400));
    const std::string value = random.percent(i % 4000 < 2000 ? 20 : 80) ? "null" : std::to_string(i);
    folded.apply("{\"" + key + "\":" + value + "}");
    if (value == "null") {
      expected.erase(key);
    } else {
      expected[key] = i;
    }
    if (i % 500 == 0) REQUIRE(json::parse(folded.state.to_json()) == expected);
  }
  REQUIRE(json::parse(folded.state.to_json()) == expected);
}

TEST_CASE("random patches fold as a second implementation folds them", "[state]") {
  const uint64_t seed = testing::json_seed(5);
  for (uint64_t run = 0; run < 400; run++) {
    INFO("seed " << seed << ", run " << run);
    RandomJson random(seed * 1000 + run, {.members = 1 + run % 12, .depth = 1 + run % 4, .null_percent = 25});
    Folded folded;
    json expected = json::object();
    for (int i = 0; i < 12; i++) {
      const std::string patch = random.object();
      folded.apply(patch);
      expected.merge_patch(json::parse(patch));
      INFO("patch " << i << ": " << patch);
      REQUIRE(json::parse(folded.state.to_json()) == expected);
    }
    Folded again;
    again.apply(folded.state.to_json());
    REQUIRE(again.state == folded.state);
  }
}

TEST_CASE("compare names what differs by JSON Pointer, in order of path", "[state]") {
  CHECK(differences("{}", "{}").empty());
  CHECK(differences(R"({"b":1,"a":{"x":1,"y":2},"c":3})", R"({"a":{"x":1,"y":"2","z":[]},"c":3,"d":{"e":{}}})") ==
        std::vector<std::string>{R"(/a/y 2 "2")", "/a/z - []", "/b 1 -", R"(/d - {"e":{}})"});
  CHECK(differences(R"({"a/b":{"m~n":1},"":{"":2}})", R"({"a/b":{"m~n":2},"":{"":3}})") ==
        std::vector<std::string>{"// 2 3", "/a~1b/m~0n 1 2"});
  CHECK(differences(R"({"a":{"b":1}})", R"({"a":[1]})") == std::vector<std::string>{R"(/a {"b":1} [1])"});
  CHECK(differences(R"({"a":[1,{"b":1}]})", R"({"a":[1,{"b":2}]})") ==
        std::vector<std::string>{R"(/a [1,{"b":1}] [1,{"b":2}])"});
  CHECK(differences(R"({"\u0061":1})", R"({"a":1})").empty());
}

TEST_CASE("states are equal by value", "[state]") {
  CHECK(equal(R"({"a":1,"b":"x"})", R"({"b":"\u0078","a":1.0})"));
  CHECK(equal(R"({"n":[1,1.0,10e-1,1E0]})", R"({"n":[1e0,0.1e1,1,1.000]})"));
  CHECK(equal(R"({"n":[0,-0,0.0e9]})", R"({"n":[0e1,0,-0.0]})"));
  CHECK(equal(R"({"n":123456789012345678901234567890})", R"({"n":1.2345678901234567890123456789e29})"));
  CHECK_FALSE(equal(R"({"n":123456789012345678901234567890})", R"({"n":123456789012345678901234567891})"));
  CHECK_FALSE(equal(R"({"n":9007199254740993})", R"({"n":9007199254740992})"));
  CHECK_FALSE(equal(R"({"n":1})", R"({"n":-1})"));
  CHECK_FALSE(equal(R"({"n":1})", R"({"n":"1"})"));
  CHECK_FALSE(equal(R"({"n":1e-400})", R"({"n":0})"));
  CHECK(equal(R"({"o":[{"a":1,"b":2}]})", R"({"o":[ {"b":2, "a":1.0} ]})"));
  CHECK(equal(R"({"o":[{"a":1,"a":2}]})", R"({"o":[{"\u0061":2}]})"));
  CHECK_FALSE(equal(R"({"o":[{"a":1}]})", R"({"o":[{"a":1,"b":1}]})"));
  CHECK_FALSE(equal(R"({"o":[1,2]})", R"({"o":[1]})"));
  CHECK_FALSE(equal(R"({"o":{}})", R"({"o":[]})"));
  CHECK_FALSE(equal(R"({"o":{}})", R"({})"));
  CHECK_FALSE(equal(R"({"a":true})", R"({"a":false})"));
}

TEST_CASE("random differences turn one state into the other", "[state]") {
  const uint64_t seed = testing::json_seed(6);
  for (uint64_t run = 0; run < 2'000; run++) {
    INFO("seed " << seed << ", run " << run);
    RandomJson random(seed * 10'000 + run, {.members = 4, .depth = 3, .any_number = false});
    const Folded left{random.object(), random.object()};
    const Folded right{run % 10 == 0 ? left.state.to_json() : random.object()};
    json patched = json::parse(left.state.to_json());
    const json expected = json::parse(right.state.to_json());
    std::string last_path;
    for (const State::Difference& d : State::compare(left.state, right.state)) {
      REQUIRE(last_path < d.path);
      last_path = d.path;
      const json::json_pointer pointer(d.path);
      REQUIRE(patched.contains(pointer) == !d.left.empty());
      REQUIRE(expected.contains(pointer) == !d.right.empty());
      if (!d.left.empty()) REQUIRE(patched[pointer] == json::parse(d.left));
      if (d.right.empty()) {
        patched[pointer.parent_pointer()].erase(pointer.back());
      } else {
        REQUIRE(expected[pointer] == json::parse(d.right));
        patched[pointer] = json::parse(d.right);
      }
    }
    REQUIRE(patched == expected);
    REQUIRE((left.state == right.state) == last_path.empty());
  }
}

}  // namespace chronos
