// Each stream's last version among events that are told in order, in order of first appearance: what an append
// answers.  One thread.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/types.h"

namespace chronos {

class VersionTally {
 public:
  // Requires: `to` is empty and outlives the tally.
  explicit VersionTally(std::vector<std::pair<std::string, Version>>& to) : to_(to) {}

  void add(std::string_view stream, Version version) {
    const size_t place = place_of(stream);
    if (place < to_.size()) {
      to_[place].second = version;
    } else {
      to_.emplace_back(stream, version);
    }
  }

 private:
  // Up to this many streams are looked through one by one, more are looked up.
  static constexpr size_t kFew = 16;

  size_t place_of(std::string_view stream) {
    if (to_.size() < kFew) {
      size_t place = 0;
      while (place < to_.size() && to_[place].first != stream) place++;
      return place;
    }
    for (size_t i = places_.size(); i < to_.size(); i++) places_.emplace(to_[i].first, i);
    const auto found = places_.find(std::string(stream));
    return found == places_.end() ? to_.size() : found->second;
  }

  std::vector<std::pair<std::string, Version>>& to_;
  std::unordered_map<std::string, size_t> places_;
};

}  // namespace chronos
