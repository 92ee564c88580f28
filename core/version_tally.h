// Each stream's last version among events that are told in order, in order of first appearance: what an append
// answers.  One thread.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/types.h"

namespace chronos {

class VersionTally {
 public:
  // Requires: `to` is empty and outlives the tally, and so do the names added.
  explicit VersionTally(std::vector<std::pair<std::string, Version>>& to) : to_(to) {}

  void add(std::string_view stream, Version version) {
    const size_t place = place_of(stream);
    if (place < names_.size()) {
      to_[place].second = version;
    } else {
      names_.push_back(stream);
      to_.emplace_back(stream, version);
    }
  }

 private:
  // Up to this many streams are looked through one by one, more are looked up.
  static constexpr size_t kFew = 16;

  size_t place_of(std::string_view stream) {
    if (names_.size() < kFew) {
      return static_cast<size_t>(std::find(names_.begin(), names_.end(), stream) - names_.begin());
    }
    for (size_t i = places_.size(); i < names_.size(); i++) places_.emplace(names_[i], i);
    const auto found = places_.find(stream);
    return found == places_.end() ? names_.size() : found->second;
  }

  std::vector<std::pair<std::string, Version>>& to_;
  std::vector<std::string_view> names_;  // of `to_`, where they do not move
  std::unordered_map<std::string_view, size_t> places_;
};

}  // namespace chronos
