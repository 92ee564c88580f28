// States of streams at some of their versions, so that a state as of any moment is the nearest one kept and the few
// events behind it.
//
// A state is kept under the event that made it - the fork that appended it, and its position - and not under a view:
// what a stream was after an event never changes, whichever fork or moment it is read from, and whether or not the
// event was sealed since.  So nothing here is ever wrong, and all of it can be forgotten at any time.
//
//   version   ... 448   456   464   472   480   488   496   504  505 506
//   kept           x     x     x     x     x     x     x     x            every 8th of the last 64,
//                  and every 512th of the last 4,096, every 32,768th of the rest
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/state.h"
#include "core/types.h"
#include "core/view.h"

namespace chronos {

// Any thread.
class StateCache {
 public:
  // Holds at most so many bytes; those used longest ago go first.
  explicit StateCache(uint64_t most_bytes) : most_shard_bytes_(most_bytes / kShards) {}

  // The fold of the stream's first `version` events.  The result may hold on to memory of the cache.
  State fold(const PositionList& stream, Version version);

  uint64_t bytes() const;
  // How many states were found since it was made: for tests.
  uint64_t hits() const;

 private:
  static constexpr size_t kShards = 16;
  struct Key {  // of an event
    std::string fork;
    Position position;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    size_t operator()(const Key& key) const;
  };
  struct Kept {
    Key key;
    std::shared_ptr<const char[]> memory;  // kSimdPadding bytes follow the JSON
    size_t size = 0;
  };
  using Order = std::list<Kept>;  // used last comes first
  struct Shard {
    mutable std::mutex mutex;
    Order order;
    std::unordered_map<Key, Order::iterator, Hash> by_event;
    uint64_t bytes = 0;
    uint64_t hits = 0;
  };
  static uint64_t cost(const Kept& kept);
  static Key key_of(const PositionList& stream, uint64_t version);
  Shard& shard_of(const Key& key) { return shards_[Hash()(key) % kShards]; }
  // The state kept under the event, or nothing.
  bool find(const Key& key, State& state);
  void keep(Key key, std::string_view json);

  const uint64_t most_shard_bytes_;
  std::array<Shard, kShards> shards_;
};

}  // namespace chronos
