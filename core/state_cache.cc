#include "core/state_cache.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "core/log.h"
#include "core/log_format.h"

namespace chronos {
namespace {

// Which versions are kept, seen from the one that is asked for: every `step`-th of the last `reach`.
struct Grid {
  uint64_t step;
  uint64_t reach;
};
constexpr std::array<Grid, 3> kGrids = {{{8, 64}, {512, 4096}, {32768, uint64_t{8} * 32768}}};
// Larger states are written down only near the version that is asked for: each time costs as much as it is large.
constexpr size_t kLargeState = 4096;
// What an entry takes beside its JSON: its place in the list and in the table, and the allocations.
constexpr uint64_t kEntryBytes = 200;

bool is_kept(uint64_t version, uint64_t asked, size_t last_size) {
  if (last_size > kLargeState && asked - version >= kGrids[0].step) return false;
  return std::any_of(kGrids.begin(), kGrids.end(),
                     [&](const Grid& grid) { return version % grid.step == 0 && asked - version < grid.reach; });
}

}  // namespace

size_t StateCache::Hash::operator()(const Key& key) const {
  return hash_bytes(key.fork) ^ key.position.value * 0x9e3779b97f4a7c15;
}

uint64_t StateCache::cost(const Kept& kept) {
  return kEntryBytes + 2 * kept.key.fork.size() + kept.size + kSimdPadding;
}

StateCache::Key StateCache::key_of(const PositionList& stream, uint64_t version) {
  return {stream.fork_of(version - 1), stream[version - 1]};
}

State StateCache::fold(const PositionList& stream, Version version) {
  const uint64_t asked = std::min<uint64_t>(version.value, stream.size());
  State state;
  uint64_t folded = 0;
  for (const Grid& grid : kGrids) {
    uint64_t at = asked / grid.step * grid.step;
    for (; folded == 0 && at > 0 && asked - at < grid.reach; at -= grid.step) {
      if (find(key_of(stream, at), state)) folded = at;
    }
  }
  size_t last_size = 0;
  while (folded < asked) {
    state.apply(stream.event(folded++));
    if (!is_kept(folded, asked, last_size)) continue;
    const std::string json = state.to_json();
    last_size = json.size();
    keep(key_of(stream, folded), json);
  }
  return state;
}

bool StateCache::find(const Key& key, State& state) {
  Shard& shard = shard_of(key);
  std::shared_ptr<const char[]> memory;
  size_t size = 0;
  {
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.by_event.find(key);
    if (found == shard.by_event.end()) return false;
    shard.order.splice(shard.order.begin(), shard.order, found->second);
    memory = found->second->memory;
    size = found->second->size;
    shard.hits++;
  }
  const ValidJson json = ValidJson::trusted({memory.get(), size});
  state.apply(json, std::move(memory));
  return true;
}

void StateCache::keep(Key key, std::string_view json) {
  Shard& shard = shard_of(key);
  auto memory = std::make_shared_for_overwrite<char[]>(json.size() + kSimdPadding);
  std::memcpy(memory.get(), json.data(), json.size());
  std::memset(memory.get() + json.size(), 0, kSimdPadding);
  Kept kept{std::move(key), std::move(memory), json.size()};
  if (cost(kept) > most_shard_bytes_ / 8) return;
  const std::lock_guard lock(shard.mutex);
  if (shard.by_event.contains(kept.key)) return;
  shard.bytes += cost(kept);
  shard.order.push_front(std::move(kept));
  shard.by_event.emplace(shard.order.front().key, shard.order.begin());
  while (shard.bytes > most_shard_bytes_) {
    shard.bytes -= cost(shard.order.back());
    shard.by_event.erase(shard.order.back().key);
    shard.order.pop_back();
  }
}

uint64_t StateCache::bytes() const {
  uint64_t bytes = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    bytes += shard.bytes;
  }
  return bytes;
}

uint64_t StateCache::hits() const {
  uint64_t hits = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    hits += shard.hits;
  }
  return hits;
}

}  // namespace chronos
