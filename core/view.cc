// How a read sees the past, and a fork.
//
// A view is a list of pieces, oldest first: (segment, bound).  A fork has those its parent had at the fork point, the
// last one cut there, and its own:
//
//   main     1 ---------------- 1042 ------- 2000        view(main)        = (main, 2000)
//                                 |                       view(main@700)    = (main, 700)
//   try                           +-- 1043 -- 1050        view(try)         = (main, 1042) (try, 1050)
//
// The list is shared by all views of a fork until a segment is added or replaced; a view says how many pieces of it it
// has, and where in the last one it ends.  A segment numbers its events from 0 ("local"); the event at position p is
// local p - base - 1.
// Indexes are per segment and know local numbers only.  A list of positions is therefore a list of slices, one
// per piece, each cut where the piece ends.  Nothing is copied, nothing is filtered, and the cost of reading in
// a fork is one look-up per piece.
//
// Because the events beyond a bound are never looked at, it does not matter that a segment goes on growing, or
// holds events that are staged but not durable: that is why reading needs no lock.
#include "core/view.h"

#include <algorithm>

#include "core/check.h"

namespace chronos {

const PositionList::Piece& PositionList::piece_of(size_t& i) const {
  CHECK(i < size_);
  for (const Piece& piece : pieces_) {
    if (i < piece.events.size()) return piece;
    i -= piece.events.size();
  }
  return pieces_.back();
}

Position PositionList::operator[](size_t i) const {
  const Piece& piece = piece_of(i);
  return Position{piece.segment->base().value + piece.events[static_cast<uint32_t>(i)] + 1};
}

Event PositionList::event(size_t i) const {
  const Piece& piece = piece_of(i);
  return piece.segment->event(piece.events[static_cast<uint32_t>(i)]);
}

size_t PositionList::rank(Position position) const {
  size_t before = 0;
  for (const Piece& piece : pieces_) {
    const uint64_t base = piece.segment->base().value;
    if (position.value <= base) break;
    before += piece.events.rank(position.value - base);  // numbers below it are not after the position
  }
  return before;
}

Position View::head() const { return bound_; }

Timestamp View::recorded_at() const { return head().value == 0 ? Timestamp{0} : at(head()).recorded_at(); }

uint64_t View::own_events() const {
  for (size_t i = 0; i < pieces_; i++) {
    const LinePiece& piece = (*line_)[i];
    if (piece.segment->fork_name() == fork_name()) return bound_.value - piece.base().value;
  }
  return 0;
}

std::vector<View::Part> View::parts() const {
  std::vector<Part> parts;
  for (size_t i = 0; i < pieces_; i++) {
    const LinePiece& piece = (*line_)[i];
    if (count(i) == 0) continue;
    if (parts.empty() || parts.back().fork != piece.segment->fork_name()) {
      parts.push_back({piece.segment->fork_name(), piece.base(), piece.base()});
    }
    parts.back().last = bound(i);
  }
  return parts;
}

const LinePiece& View::piece_at(Position position) const {
  CHECK(position.value >= 1 && position <= head());
  size_t i = pieces_ - 1;
  while ((*line_)[i].base() >= position) i--;
  return (*line_)[i];
}

Event View::at(Position position) const {
  const Segment& segment = *piece_at(position).segment;
  return segment.event(static_cast<uint32_t>(position.value - segment.base().value - 1));
}

CommitRecord View::batch(Position first) const {
  const Segment& segment = *piece_at(first).segment;
  return segment.commit_record(static_cast<uint32_t>(first.value - segment.base().value - 1));
}

PositionList View::list(Index index, std::string_view name) const {
  PositionList list;
  const HashedName hashed(name);
  for (size_t i = 0; i < pieces_; i++) add_slice(list, i, (*line_)[i].segment->find(index, hashed));
  return list;
}

// What of a segment's list is in the view.
void View::add_slice(PositionList& list, size_t piece, LocalList events) const {
  if (events.empty()) return;
  events.shorten(events.rank(count(piece)));
  if (events.empty()) return;
  list.size_ += events.size();
  list.pieces_.push_back({std::move(events), (*line_)[piece].segment.get()});
}

PositionList View::stream(std::string_view name) const { return list(Index::kStreams, name); }
PositionList View::type(std::string_view name) const { return list(Index::kTypes, name); }
PositionList View::tag(std::string_view name) const { return list(Index::kTags, name); }
PositionList View::maybe_correlated(std::string_view id) const { return list(Index::kCorrelations, id); }
PositionList View::maybe_caused_by(std::string_view id) const { return list(Index::kCausations, id); }

// A segment that knows the stream knows how many of its events came before.
Version View::stream_version(HashedName stream, size_t pieces) const {
  for (size_t i = pieces; i-- > 0;) {
    const auto version = (*line_)[i].segment->stream_version(stream, count(i));
    if (version) return *version;
  }
  return Version{0};
}

std::optional<Position> View::find_id(std::string_view id) const {
  const HashedName hashed(id);
  for (size_t i = pieces_; i-- > 0;) {
    const Segment& segment = *(*line_)[i].segment;
    const uint32_t local = segment.find_id(hashed, count(i));
    if (local != Segment::kNone) return Position{segment.base().value + local + 1};
  }
  return std::nullopt;
}

// A name is told with the first piece that has events of it in the view.
void View::for_each(Index index, const NameVisitor& visit) const {
  for (size_t i = 0; i < pieces_; i++) {
    (*line_)[i].segment->for_each_name(index, [&](std::string_view name, const LocalList& own) {
      if (own.empty() || own[0] >= count(i)) return;
      const HashedName hashed(name);
      PositionList events;
      for (size_t k = 0; k < i && events.empty(); k++) add_slice(events, k, (*line_)[k].segment->find(index, hashed));
      if (!events.empty()) return;
      add_slice(events, i, own);
      for (size_t k = i + 1; k < pieces_; k++) add_slice(events, k, (*line_)[k].segment->find(index, hashed));
      visit(name, events);
    });
  }
}

void View::for_each_stream(const NameVisitor& visit) const { for_each(Index::kStreams, visit); }
void View::for_each_type(const NameVisitor& visit) const { for_each(Index::kTypes, visit); }
void View::for_each_tag(const NameVisitor& visit) const { for_each(Index::kTags, visit); }

Position View::position_at(Timestamp time) const {
  Position last{0};
  for (size_t i = 0; i < pieces_; i++) {
    const uint32_t until = (*line_)[i].segment->count_until(time, count(i));
    if (until > 0) last = Position{(*line_)[i].base().value + until};
    if (until < count(i)) break;
  }
  return last;
}

View View::cut(Position position) const {
  CHECK(position <= head());
  View view = *this;
  while (view.pieces_ > 0 && (*line_)[view.pieces_ - 1].base() >= position) view.pieces_--;
  view.bound_ = position;
  return view;
}

// By owner, not by segment: two views of one line may have been taken before and after segments of it were sealed or
// merged.
View::Ancestor View::common_ancestor(const View& other) const {
  const auto end_of_run = [](const View& view, size_t& i) {  // of pieces with one owner, the first of which is i
    const std::string& owner = (*view.line_)[i].segment->fork_name();
    while (i + 1 < view.pieces_ && (*view.line_)[i + 1].segment->fork_name() == owner) i++;
    return view.bound(i++);
  };
  Ancestor ancestor{"main", Position{0}};
  size_t mine = 0;
  size_t its = 0;
  while (mine < pieces_ && its < other.pieces_) {
    const std::string& owner = (*line_)[mine].segment->fork_name();
    if (owner != (*other.line_)[its].segment->fork_name()) break;
    const Position end = end_of_run(*this, mine);
    const Position its_end = end_of_run(other, its);
    ancestor = {owner, std::min(end, its_end)};
    if (end != its_end) break;
  }
  return ancestor;
}

}  // namespace chronos
