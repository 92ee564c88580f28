// Checks a value against a JSON Schema as the tools publish them: what a client reads and what is enforced are the
// same text.
//
// The subset: type (one or several), properties, required, additionalProperties (false or a schema), items, enum,
// minimum, maximum, minLength, maxLength (characters), minItems, maxItems.  description is used in messages; any other
// keyword is a broken invariant, so that nothing published goes unenforced.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "core/result.h"

namespace chronos {

// Immutable: any thread.
class Schema {
 public:
  // Requires: `text` is a schema of the subset.
  explicit Schema(std::string_view text);
  ~Schema();

  // kInvalidArgument names the first member that is wrong: what it must be, what it is, what to do.
  // `what` is what a member of the root is called: "argument".
  Result<void> check(const nlohmann::json& value, std::string_view what = "argument") const;

  const nlohmann::json& root() const { return *root_; }

 private:
  std::unique_ptr<const nlohmann::json> root_;
};

// `value` as a message shows it: JSON of at most 60 characters.
std::string shown(const nlohmann::json& value);

// ": did you mean \"x\"?" style help: the known name nearest to `name`, or empty when none is near.
template <typename Names>
std::string nearest_name(std::string_view name, const Names& known);

// How many characters must be inserted, removed, replaced or swapped with their neighbour to turn one into the other.
size_t edit_distance(std::string_view a, std::string_view b);

template <typename Names>
std::string nearest_name(std::string_view name, const Names& known) {
  std::string best;
  size_t least = name.size() / 3 + 2;
  for (const auto& candidate : known) {
    const size_t distance = edit_distance(name, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace chronos
