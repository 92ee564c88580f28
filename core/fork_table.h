// The forks of a store, and the views of them.
//
// A fork is {parent, position} and a segment of its own; making one copies a list of pieces, never an event.
// find, view and list may be called from any thread; the rest by the sequencer alone, under its lock.  A fork is
// added unseen and shown once its record is durable.
#pragma once

#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/segment.h"
#include "core/store.h"
#include "core/types.h"
#include "core/view.h"

namespace chronos {

struct Fork {
  ForkId id;
  std::shared_ptr<const std::string> name;  // shared with the views of it
  ForkId parent;
  Position point;
  Timestamp created_at;
  std::optional<Timestamp> expires_at;
  std::string purpose;
  View inherited;                // the parent as of `point`
  std::shared_ptr<Segment> own;  // shared with views and children, which may outlive the fork

  Position staged_head() const { return Position{point.value + own->staged_events()}; }
};

class ForkTable {
 public:
  ForkTable();

  // Null for a fork that does not exist, is not durable yet, or was discarded.
  std::shared_ptr<Fork> find(std::string_view name) const;
  std::vector<ForkInfo> list() const;
  std::vector<std::shared_ptr<Fork>> shown() const;
  // "main, try-2": for messages; at most ten of them.
  std::string known_names() const;

  // What readers see of it now.
  static View view(const Fork& fork);
  // With everything staged: for the sequencer, which decides on it.
  static View staged_view(const Fork& fork);

  // --- the sequencer ---
  // Null for a discarded one.
  std::shared_ptr<Fork> by_id(ForkId id) const;
  bool name_taken(std::string_view name) const { return by_name_.contains(std::string(name)); }
  ForkId next_id() const { return ForkId{static_cast<uint32_t>(forks_.size())}; }
  struct Made {
    std::string name;
    ForkId parent;
    Position position;
    Timestamp created_at;
    std::optional<Timestamp> expires_at;
    std::string purpose;
  };
  // Requires: position is not after the parent's staged head.
  std::shared_ptr<Fork> add(const Made& made);
  void show(ForkId id);
  // Marks it so that nothing more is staged on it; readers see it until hide().
  void close(ForkId id);
  bool is_closed(ForkId id) const { return slots_at(id).closed; }
  void hide(ForkId id);
  bool has_children(ForkId id) const;

  Names& names() { return names_; }
  size_t name_bytes() const { return names_.streams.bytes() + names_.types.bytes() + names_.tags.bytes(); }

 private:
  struct Slot {
    std::shared_ptr<Fork> fork;  // null once discarded
    ForkId parent;
    bool shown = false;
    bool closed = false;
  };
  const Slot& slots_at(ForkId id) const { return forks_[id.value]; }
  static View view_until(const Fork& fork, Position bound);

  Names names_;
  mutable std::shared_mutex mutex_;  // guards forks_ and by_name_ against readers
  std::vector<Slot> forks_;          // by id
  std::unordered_map<std::string, ForkId> by_name_;
};

}  // namespace chronos
