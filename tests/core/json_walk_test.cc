// Passing over a value against a slow, obvious way of doing it.
#include "core/json_walk.h"

#include <string>
#include <string_view>

#include "core/log.h"
#include "tests/support/catch.h"
#include "tests/support/random_json.h"

namespace chronos {
namespace {

struct Container {
  size_t size = 0;
  size_t containers = 0;
};

// One character after the other.
Container first_container(std::string_view text) {
  Container found;
  size_t depth = 0;
  bool in_string = false;
  for (; found.size == 0 || depth > 0; found.size++) {
    const char c = text[found.size];
    if (in_string) {
      if (c == '\\') found.size++;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      depth++;
      found.containers++;
    } else if (c == '}' || c == ']') {
      depth--;
    }
  }
  return found;
}

// With other text behind it, and then what a reader may read.
void check(const std::string& object) {
  for (const std::string behind : {"", ",\"}]", "}}}}", "\\\\", "[[[["}) {
    const std::string text = object + behind;
    const std::string padded = text + std::string(kSimdPadding, '"');
    JsonWalk walk(ValidJson::trusted(std::string_view(padded).substr(0, text.size())));
    const Container expected = first_container(object);
    INFO(object);
    REQUIRE(walk.take() == std::string_view(padded).substr(0, expected.size));
    REQUIRE(expected.size == object.size());
    REQUIRE(walk.containers_taken() == expected.containers);
    const SkippedContainer plainly = skip_container_plainly(padded.data());
    REQUIRE(plainly.end == padded.data() + expected.size);
    REQUIRE(plainly.containers == expected.containers);
  }
}

}  // namespace

TEST_CASE("containers of any size and content are passed over whole", "[json_walk]") {
  const uint64_t seed = testing::json_seed(11);
  INFO("CHRONOS_SEED=" << seed);
  testing::RandomJson random(seed, {.members = 8, .depth = 5});
  for (int i = 0; i < 3000; i++) check(random.object());
}

TEST_CASE("quotes, backslashes and brackets count alike wherever a block of 64 bytes ends", "[json_walk]") {
  for (const std::string piece :
       {R"("a\\")", R"("\\\"}{")", R"("\\\\\"]")", R"("]}")", R"({"k":[]})", R"("\u005d\\")"}) {
    for (size_t before = 0; before < 140; before++) {
      check("{\"" + std::string(before, 'x') + "\":[" + piece + "," + piece + "]}");
      check("[" + std::string(before, ' ') + piece + "," + piece + std::string(before, ' ') + "]");
    }
  }
  std::string deep;
  for (int depth = 1; depth < 200; depth++) check(deep = "[" + deep + "]");
}

}  // namespace chronos
