// Checking JSON, against a parser by other people: what we accept it accepts too, and strings mean the same.
#include <nlohmann/json.hpp>

#include "core/valid_json.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace chronos;
  const test::FuzzInput input(bytes, size);
  constexpr size_t kDepth = 64;
  const auto checked = validate_json(input.text(), kDepth);
  const bool accepted = nlohmann::json::accept(input.text());
  if (!checked) {
    CHECK(!checked.error().message.empty());
    return 0;
  }
  // A number beyond a double is grammatical; the other parser refuses its value.
  if (!accepted) {
    CHECK(input.text().find_first_of("eE0123456789") != std::string_view::npos);
    return 0;
  }
  CHECK(json_depth(*checked) <= kDepth);
  const auto parsed = nlohmann::json::parse(input.text());
  if (parsed.is_string()) {
    std::string_view token = input.text();
    token.remove_prefix(token.find('"'));
    token = token.substr(0, token.rfind('"') + 1);
    CHECK(unescape_json(token) == parsed.get<std::string>());
    std::string written;
    append_json_string(written, unescape_json(token));
    CHECK(nlohmann::json::parse(written) == parsed);
  }
  return 0;
}
