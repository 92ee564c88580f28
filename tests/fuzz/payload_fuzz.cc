// Folding and filtering payloads, against JSON Merge Patch by other people: `first NUL second` are two patches.
#include <nlohmann/json.hpp>

#include "core/field_filter.h"
#include "core/state.h"
#include "tests/fuzz/fuzz.h"

namespace {

// Numbers that the other parser cannot hold exactly, and duplicate keys (merged there one after the other), have no
// common meaning to compare.
bool comparable(std::string_view text) {
  return text.find_first_of("eE.") == std::string_view::npos && text.size() < 4096;
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace chronos;
  const std::string_view all(reinterpret_cast<const char*>(bytes), size);
  const size_t middle = std::min(all.find('\0'), size);
  const test::FuzzInput first(bytes, middle);
  const test::FuzzInput second(bytes + std::min(middle + 1, size), size - std::min(middle + 1, size));
  const auto left = validate_json(first.text(), 64);
  const auto right = validate_json(second.text(), 64);
  if (!left || !right) return 0;
  const auto left_json = nlohmann::json::parse(first.text(), nullptr, false);
  const auto right_json = nlohmann::json::parse(second.text(), nullptr, false);
  if (!left_json.is_object() || !right_json.is_object()) return 0;

  State once;
  once.apply(*left);
  State state;
  state.apply(*left);
  state.apply(*right);
  const auto folded = nlohmann::json::parse(state.to_json(), nullptr, false);
  CHECK(folded.is_object());
  CHECK(State::compare(state, state).empty());
  CHECK((State::compare(once, state).empty()) == (once == state));
  if (comparable(first.text()) && comparable(second.text())) {
    auto expected = nlohmann::json::object();
    expected.merge_patch(left_json);
    expected.merge_patch(right_json);
    CHECK(folded == expected);
  }

  const auto filter = FieldFilter::make("/a", "=", second.text());
  if (filter) (void)filter->matches(*left);
  const auto contains = FieldFilter::make("", "contains", second.text());
  if (contains) (void)contains->matches(*left);
  return 0;
}
