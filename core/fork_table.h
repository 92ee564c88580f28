// The forks of a store, and the views of them.
//
// A fork is {parent, position} and a segment of its own; making one copies a list of pieces, never an event.
// find, view and list may be called from any thread; the rest by the sequencer alone, under its lock.  A fork is
// added unseen and shown once its record is durable.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/clock.h"
#include "core/result.h"
#include "core/memory_segment.h"
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
  std::optional<Timestamp> expires_at;  // not after its parent's
  std::string purpose;
  std::string owner;  // who made it
  // What is appended to: the last piece of its line.  The sequencer's.
  std::shared_ptr<MemorySegment> own;

  // Shared by the fork and its views, and replaced as a whole when a segment is closed or sealed.  Any thread.
  std::shared_ptr<const HistoryLine> line() const {
    const std::lock_guard lock(line_mutex);
    return current_line;
  }
  void set_line(HistoryLine line) {
    auto fresh = std::make_shared<const HistoryLine>(std::move(line));
    const std::lock_guard lock(line_mutex);
    current_line.swap(fresh);
  }
  mutable std::mutex line_mutex;
  std::shared_ptr<const HistoryLine> current_line;

  Position staged_head() const { return own->staged_head(); }

  // Closed and on their way to be sealed, oldest first.  The sequencer's.
  std::vector<std::shared_ptr<MemorySegment>> closed;
};

class ForkTable {
 public:
  ForkTable();

  // kNotFound, telling what became of it, for a fork that does not exist, is not durable yet, was discarded, or whose
  // time is over.
  Result<std::shared_ptr<Fork>> find(std::string_view name, Clock& clock) const;
  // Which is always there.
  const std::shared_ptr<Fork>& main() const { return main_; }
  // kNotFound when it is gone.
  Result<std::shared_ptr<Fork>> parent_of(const Fork& fork, Clock& clock) const;
  // Whether `fork` was made, through any number of forks, of `other`, or is it.
  bool descends_from(const Fork& fork, ForkId other) const;
  ForkInfo info(const Fork& fork) const;
  // Those that are there at `now`, parents before their forks.
  std::vector<ForkInfo> list(Timestamp now) const;
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
    std::string owner;
  };
  // Requires: position is not after the parent's staged head.
  std::shared_ptr<Fork> add(const Made& made);
  void show(ForkId id);
  // Marks it so that nothing more is staged on it; readers see it until hide().
  void close(ForkId id, Timestamp when, std::string_view reason);
  bool is_closed(ForkId id) const { return slots_at(id).closed; }
  void hide(ForkId id);
  bool has_children(ForkId id) const;
  // Of those whose time is over at `now` and that have no forks, the newest.
  std::shared_ptr<Fork> expired(Timestamp now) const;
  // When the next one expires; the largest time when none will.
  Timestamp next_expiry() const { return Timestamp{next_expiry_.load(std::memory_order_relaxed)}; }

  // --- sealing; the sequencer ---
  // Closes the segment that is appended to, unless it is empty, and begins another.
  static void close_segment(Fork& fork);
  // Forks that are not discarded, parents before their forks.
  std::vector<std::shared_ptr<Fork>> living() const;
  // In every line: the segments, which follow each other, give way to the one that has all of their events.
  using Segments = std::vector<std::shared_ptr<const Segment>>;
  void replace(const Segments& segments, const std::shared_ptr<const Segment>& fresh);
  // Opening: a segment that goes on where the fork's history ends.  Requires: nothing was appended to the fork yet.
  static void adopt(Fork& fork, const std::shared_ptr<const Segment>& sealed);
  // Opening: the name and number of a fork that was discarded, with all that was in it.
  void add_gone(const Made& made);

 private:
  struct Slot {
    std::shared_ptr<Fork> fork;  // null once discarded
    ForkId parent;
    bool shown = false;
    bool closed = false;
    Timestamp closed_at;
    std::string reason;  // why it was closed
  };
  void note_next_expiry();
  const Slot& slots_at(ForkId id) const { return forks_[id.value]; }
  static View view_of(const Fork& fork);

  const std::shared_ptr<Fork> main_;
  mutable std::shared_mutex mutex_;  // guards forks_ and by_name_ against readers
  std::vector<Slot> forks_;          // by id
  std::unordered_map<std::string, ForkId> by_name_;
  std::atomic<int64_t> next_expiry_{INT64_MAX};
};

}  // namespace chronos
