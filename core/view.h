// A view of one fork at one moment: exactly the events whose position is not after its bound and that the
// fork owns or inherited at its fork point.
//
// Every read takes a View.  Cheap to copy (it pins immutable things); stays correct while the store is appended
// to, since events never change.  A View and everything obtained from it may be used from any thread, and never
// waits for a writer.
// Requires: the Store outlives every View of it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "core/segment.h"
#include "core/types.h"

namespace chronos {

// The positions in a view at which something holds (a stream's events, a type's, a tag's), ascending.
// Valid as long as the View it came from; for one thread at a time.
class PositionList {
 public:
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Requires: i < size().
  Position operator[](size_t i) const;
  Event event(size_t i) const;
  // The name of the fork that appended the event.
  const std::string& fork_of(size_t i) const { return piece_of(i).segment->fork_name(); }
  // How many of them are not after `position`.
  size_t rank(Position position) const;

 private:
  friend class View;
  struct Piece {
    LocalList events;
    const Segment* segment;
  };
  const Piece& piece_of(size_t& i) const;
  std::vector<Piece> pieces_;
  size_t size_ = 0;
};

// A piece of a fork's history, which is a list of them, oldest first: those it inherited, the last one cut where it was
// forked, and its own.  Each begins where the one before it ends.
struct LinePiece {
  std::shared_ptr<const Segment> segment;  // owned by every line that has it
  Position bound;                          // its last event that belongs to the line; kMaxPosition while it grows
  Position base() const { return segment->base(); }
};
using HistoryLine = std::vector<LinePiece>;

class View {
 public:
  ForkId fork() const { return fork_; }
  const std::string& fork_name() const { return *fork_name_; }
  // The last visible position; 0 when nothing is.
  Position head() const;
  // Of the event at head(); Timestamp{0} when there is none.
  Timestamp recorded_at() const;

  // How many of the visible events the fork appended itself, the rest being inherited.
  uint64_t own_events() const;

  // The forks whose own events the view has, oldest first: those after `base`, up to `last`.
  struct Part {
    std::string fork;
    Position base;
    Position last;
  };
  std::vector<Part> parts() const;

  // Requires: 1 <= position <= head().
  Event at(Position position) const;

  // Empty when there is no such name.  The i-th event of a stream has version i + 1.
  PositionList stream(std::string_view name) const;
  PositionList type(std::string_view name) const;
  PositionList tag(std::string_view name) const;
  // Events that *may* have this correlation or causation id: compare before use (the index keeps hashes).
  PositionList maybe_correlated(std::string_view correlation_id) const;
  PositionList maybe_caused_by(std::string_view causation_id) const;

  // A whole batch, laid out as in the log.  Requires: `first` is the position of its first event.
  CommitRecord batch(Position first) const;

  // The event with this id, given by the client or made by the store.
  std::optional<Position> find_id(std::string_view id) const;

  // Every name with at least one event in the view, with its events, in order of first appearance.
  using NameVisitor = std::function<void(std::string_view name, const PositionList& events)>;
  void for_each_stream(const NameVisitor& visit) const;
  void for_each_type(const NameVisitor& visit) const;
  void for_each_tag(const NameVisitor& visit) const;

  // The last position recorded at or before `time`; 0 when there is none.
  Position position_at(Timestamp time) const;

  // The same fork at an earlier moment.  Requires: position <= head().
  View cut(Position position) const;

  // Where the histories of two views part: the last position, and the name of the fork that owns it, up to which
  // both see the same events.
  struct Ancestor {
    std::string fork;
    Position position;
  };
  Ancestor common_ancestor(const View& other) const;

 private:
  friend class ForkTable;
  friend class Sequencer;
  // Of the pieces_ first ones, the last of which the view ends in.
  Position bound(size_t piece) const { return piece + 1 == pieces_ ? bound_ : (*line_)[piece].bound; }
  // How many events of a piece are in the view.
  uint32_t count(size_t piece) const {
    return static_cast<uint32_t>(bound(piece).value - (*line_)[piece].base().value);
  }
  const LinePiece& piece_at(Position position) const;
  PositionList list(Index index, std::string_view name) const;
  void add_slice(PositionList& list, size_t piece, LocalList events) const;
  void for_each(Index index, const NameVisitor& visit) const;
  // Of the stream, in the first `pieces` pieces.
  Version stream_version(HashedName stream, size_t pieces) const;

  ForkId fork_;
  std::shared_ptr<const std::string> fork_name_;
  std::shared_ptr<const HistoryLine> line_;  // immutable; shared by the fork and its views
  size_t pieces_ = 0;                 // none of them is empty
  Position bound_;
};

}  // namespace chronos
