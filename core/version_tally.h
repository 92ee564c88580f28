// Each stream's last version among events that are told in order, in order of first appearance: what an append
// answers.  One thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/log_format.h"
#include "core/types.h"

namespace chronos {

class VersionTally {
 public:
  // Requires: `to` is empty and outlives the tally.
  explicit VersionTally(std::vector<std::pair<std::string, Version>>& to) : to_(to) {}

  void add(std::string_view stream, Version version) { add(stream, hash_bytes(stream), version); }
  // Requires: hash == hash_bytes(stream).
  void add(std::string_view stream, uint64_t hash, Version version) {
    if (slots_.size() < 2 * (to_.size() + 1)) grow();
    size_t slot = hash & (slots_.size() - 1);
    for (; slots_[slot].place != kNone; slot = (slot + 1) & (slots_.size() - 1)) {
      auto& known = to_[slots_[slot].place];
      if (slots_[slot].hash != hash || known.first != stream) continue;
      known.second = version;
      return;
    }
    slots_[slot] = {hash, static_cast<uint32_t>(to_.size())};
    to_.emplace_back(stream, version);
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Slot {
    uint64_t hash = 0;
    uint32_t place = kNone;  // in to_
  };

  void grow() {
    std::vector<Slot> before(std::max<size_t>(8, slots_.size() * 4));
    before.swap(slots_);
    for (const Slot& each : before) {
      if (each.place == kNone) continue;
      size_t slot = each.hash & (slots_.size() - 1);
      while (slots_[slot].place != kNone) slot = (slot + 1) & (slots_.size() - 1);
      slots_[slot] = each;
    }
  }

  std::vector<std::pair<std::string, Version>>& to_;
  std::vector<Slot> slots_;  // a power of two, less than half of them taken
};

}  // namespace chronos
