#include "core/valid_json_scan.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/json_walk.h"
#include "tests/support/catch.h"
#include "tests/support/random_json.h"

namespace chronos {
namespace {

using testing::JsonShape;
using testing::json_seed;
using testing::PaddedText;
using testing::RandomJson;

using Members = std::vector<std::pair<std::string, std::string>>;

Members members_of(const JsonScan& scan) {
  Members members;
  for (const JsonMember& member : scan.members()) members.emplace_back(member.key, member.value);
  return members;
}

// The same by stepping through checked text; none of a value that is no object, or has more than a scan tells.
Members walked(std::string_view text) {
  Members members;
  JsonWalk walk(ValidJson::trusted(text));
  if (walk.peek() != '{') return {};
  walk.enter();
  for (std::string_view key; walk.next_member(key);) members.emplace_back(key, walk.take());
  return members.size() > 16 ? Members() : members;
}

bool says_yes(std::string_view text, size_t max_depth = 64) {
  const PaddedText padded(text);
  JsonScan scan;
  scan.begin(padded.view());
  return scan.take(padded.view(), max_depth);
}

std::string damaged(std::string text, RandomJson& random) {
  static constexpr std::string_view kBytes = "\"\\{}[]:,0-.e tfn\xc3\x01";
  for (size_t n = 1 + random.below(2); n > 0 && !text.empty(); n--) {
    const size_t at = random.below(text.size());
    switch (random.below(3)) {
      case 0: text.erase(at, 1 + random.below(3)); break;
      case 1: text.insert(at, 1, kBytes[random.below(kBytes.size())]); break;
      default: text[at] = kBytes[random.below(kBytes.size())];
    }
  }
  return text;
}

// What it says yes to is JSON to other people too, and its members are those one meets stepping through it.
bool check_scan(JsonScan& scan, std::string_view line, size_t max_depth) {
  if (!scan.take(line, max_depth)) return false;
  CHECK(nlohmann::json::accept(line));
  CHECK(json_depth(ValidJson::trusted(line)) <= max_depth);
  CHECK(members_of(scan) == walked(line));
  for (const JsonMember& member : scan.members()) CHECK(member.depth == json_depth(ValidJson::trusted(member.value)));
  return true;
}

}  // namespace

TEST_CASE("a scan says yes to what texts are usually made of", "[valid_json]") {
  for (const char* text : {"{}", "[]", " [ ] ", "0", "-0.5", "true", "null", "\"\"",
                           "{\"a\" : [1, 2.50, \"x\\u00e9\\n\"]} ", "[[],{},[{}]]", "{\"a\":1,\"a\":2}",
                           "\"\xf0\x9f\x98\x80\"", "{\"a\\\"b\":\"\\\\\",\"\":false}", "{\"a\":{\"b\":[]},\"c\":3}"}) {
    INFO(text);
    CHECK(says_yes(text));
  }
  CHECK(says_yes("[[1]]", 2));
  CHECK_FALSE(says_yes("[[1]]", 1));
}

TEST_CASE("a scan never says yes to what is no JSON", "[valid_json]") {
  for (const char* text :
       {"", " ", "{", "}", "[1", "[1}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "[1,]", "[,1]", "{,}", "[01]", "[-]",
        "[1.]", "[.5]", "[1 2]", "1 2", "{} {}", "{}}", "tru", "truex", "[nul]", "[true1]", "\"a", "\"\\x\"",
        "\"\\u12g4\"", "\"a\nb\"", "\"\\", "\"\xff\"", "{a:1}", "{1:2}", "{\"a\" \"b\"}", "[\"a\"\"b\"]", "[\"a\"1]",
        "[1\"a\"]", "\\", "[1\\]", ":", ","}) {
    INFO(text);
    CHECK_FALSE(says_yes(text));
  }
}

TEST_CASE("whatever a scan says yes to is JSON, line by line or alone", "[valid_json]") {
  const uint64_t seed = json_seed(20261128);
  INFO("seed " << seed);
  RandomJson random(seed, JsonShape{});
  JsonScan scan;
  size_t yes = 0;
  for (int round = 0; round < 60; round++) {
    std::string text;
    std::vector<std::pair<size_t, size_t>> lines;
    const size_t broken_percent = random.below(3) * 20;
    for (size_t n = 1 + random.below(120); n > 0; n--) {
      std::string line = random.percent(90) ? random.object() : random.value();
      std::replace(line.begin(), line.end(), '\n', ' ');
      if (random.percent(static_cast<unsigned>(broken_percent))) line = damaged(std::move(line), random);
      lines.emplace_back(text.size(), line.size());
      text += line + (random.percent(10) ? "\r\n" : "\n");
    }
    const PaddedText padded(text);
    scan.begin(padded.view());
    for (const auto& [begin, size] : lines) {
      if (random.percent(5)) continue;  // left out
      const std::string_view line = padded.view().substr(begin, size);
      INFO(line);
      const bool said = check_scan(scan, line, 64);
      yes += said ? 1 : 0;
      JsonScan alone;
      alone.begin(line);
      const bool said_alone = check_scan(alone, line, 1 + random.below(8));
      if (broken_percent == 0 && said_alone) CHECK(said);
    }
  }
  CHECK(yes > 500);
}

TEST_CASE("a scan takes lines that are longer than what it looks at together", "[valid_json]") {
  const std::string small = R"({"a":[1,"b"]})";
  const std::string large = R"({"a":")" + std::string(100'000, 'x') + R"(","b":{}})";
  std::string text;
  std::vector<std::pair<size_t, size_t>> lines;
  for (int i = 0; i < 6000; i++) {
    const std::string& line = i % 2000 == 1000 ? large : small;
    lines.emplace_back(text.size(), line.size());
    text += line + "\n";
  }
  const PaddedText padded(text);
  JsonScan scan;
  scan.begin(padded.view());
  size_t good = 0;
  for (const auto& [begin, size] : lines) {
    const bool said = scan.take(padded.view().substr(begin, size), 64);
    good += said && scan.members().size() == (size > 1000 ? 2U : 1U) ? 1 : 0;
  }
  CHECK(good == lines.size());
}

}  // namespace chronos
