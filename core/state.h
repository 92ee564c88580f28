// The state of a stream: the fold of its events' data by JSON Merge Patch (RFC 7396).
//
// Numbers and strings keep the bytes they were sent with; members keep the order in which they first appeared.
// Of duplicate keys in one object the last counts.  Not thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/valid_json.h"
#include "core/view.h"

namespace chronos {

class State {
 public:
  State();  // {}
  ~State();
  State(State&&) noexcept;
  State& operator=(State&&) noexcept;

  // Requires: `patch` is an object and stays where it is as long as this State (a View keeps events' data).
  void apply(ValidJson patch);
  // The same; the State keeps the memory.
  void apply(ValidJson patch, std::shared_ptr<const char[]> memory);
  // The event's data.
  void apply(const Event& event);
  std::string to_json() const;

  // A leaf or subtree that differs: absent sides are empty.
  struct Difference {
    std::string path;  // JSON Pointer
    std::string left;  // JSON text
    std::string right;
  };
  // Objects are compared member by member, everything else (arrays too) as a value; in order of path.
  static std::vector<Difference> compare(const State& left, const State& right);
  bool operator==(const State& other) const;

 private:
  struct Tree;
  std::unique_ptr<Tree> tree_;
};

// The fold of a stream's first `version` events, one by one (StateCache::fold is faster).
State fold(const PositionList& stream, Version version);

// The fold of the stream's events that were valid by `valid_at`, in order of valid_at, then position: what was
// true at that time as far as the view knows.  `folded` receives the positions used, in that order.
State fold_valid(const PositionList& stream, Timestamp valid_at, std::vector<Position>& folded);

}  // namespace chronos
