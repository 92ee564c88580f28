// How a read sees the past, and a fork.
//
// A view is a list of pieces, oldest first: (segment, bound).  main has one piece; a fork has those its parent
// had at the fork point, each cut there, and its own:
//
//   main     1 ---------------- 1042 ------- 2000        view(main)        = (main, 2000)
//                                 |                       view(main@700)    = (main, 700)
//   try                           +-- 1043 -- 1050        view(try)         = (main, 1042) (try, 1050)
//
// The segment of a fork numbers its own events from 0 ("local"); the event at position p is local p - base - 1.
// Indexes are per segment and know local numbers only.  A list of positions is therefore a list of slices, one
// per piece, each cut where the piece ends.  Nothing is copied, nothing is filtered, and the cost of reading in
// a fork is one look-up per piece.
//
// Because the events beyond a bound are never looked at, it does not matter that a segment goes on growing, or
// holds events that are staged but not durable: that is why reading needs no lock.
#include "core/view.h"

#include <algorithm>

#include "core/check.h"
#include "core/segment.h"

namespace chronos {

const PositionList::Piece& PositionList::piece_of(size_t& i) const {
  CHECK(i < size_);
  for (const Piece& piece : pieces_) {
    if (i < piece.count) return piece;
    i -= piece.count;
  }
  return pieces_.back();
}

Position PositionList::operator[](size_t i) const {
  const Piece& piece = piece_of(i);
  return Position{piece.segment->base().value + piece.local[i] + 1};
}

Event PositionList::event(size_t i) const {
  const Piece& piece = piece_of(i);
  return piece.segment->event(piece.local[i]);
}

size_t PositionList::rank(Position position) const {
  size_t before = 0;
  for (const Piece& piece : pieces_) {
    const uint64_t base = piece.segment->base().value;
    if (position.value <= base) break;
    const uint64_t limit = position.value - base;  // locals below it are not after the position
    before += static_cast<size_t>(std::lower_bound(piece.local, piece.local + piece.count, limit,
                                                   [](uint32_t local, uint64_t end) { return local < end; }) -
                                  piece.local);
  }
  return before;
}

Position View::head() const { return pieces_.empty() ? Position{0} : pieces_.back().bound; }

Timestamp View::recorded_at() const { return head().value == 0 ? Timestamp{0} : at(head()).recorded_at(); }

uint64_t View::own_events() const {
  if (pieces_.empty() || pieces_.back().segment->fork_name() != fork_name()) return 0;
  return pieces_.back().bound.value - pieces_.back().base.value;
}

Event View::at(Position position) const {
  CHECK(position.value >= 1 && position <= head());
  for (size_t i = pieces_.size(); i-- > 0;) {
    if (position > pieces_[i].base) {
      return pieces_[i].segment->event(static_cast<uint32_t>(position.value - pieces_[i].base.value - 1));
    }
  }
  CHECK(false);
}

PositionList View::list(Index index, std::string_view name) const {
  PositionList list;
  if (pieces_.empty()) return list;
  const Names& names = pieces_.front().segment->names();
  uint32_t key = 0;
  switch (index) {
    case Index::kStreams: key = names.streams.find(name, hash_bytes(name)); break;
    case Index::kTypes: key = names.types.find(name, hash_bytes(name)); break;
    case Index::kTags: key = names.tags.find(name, hash_bytes(name)); break;
    case Index::kCorrelations:
    case Index::kCausations: key = Segment::key_of_id(name); break;
  }
  const bool named = index == Index::kStreams || index == Index::kTypes || index == Index::kTags;
  if (named && key == NameTable::kNone) return list;
  for (const Piece& piece : pieces_) add_slice(list, piece, index, key);
  return list;
}

const PostingIndex& View::index_of(const Segment& segment, Index index) {
  switch (index) {
    case Index::kStreams: return segment.streams();
    case Index::kTypes: return segment.types();
    case Index::kTags: return segment.tags();
    case Index::kCorrelations: return segment.correlations();
    case Index::kCausations: return segment.causations();
  }
  CHECK(false);
}

void View::add_slice(PositionList& list, const Piece& piece, Index index, uint32_t key) {
  const PostingIndex::Entry* entry = index_of(*piece.segment, index).find(key);
  if (entry == nullptr) return;
  const std::span<const uint32_t> all = entry->postings.read();
  const uint64_t end = piece.bound.value - piece.base.value;  // locals below it are in the view
  size_t count = all.size();
  if (count > 0 && all.back() >= end) {
    count = static_cast<size_t>(std::lower_bound(all.begin(), all.end(), end,
                                                 [](uint32_t local, uint64_t limit) { return local < limit; }) -
                                all.begin());
  }
  if (count == 0) return;
  list.pieces_.push_back({all.data(), static_cast<uint32_t>(count), piece.segment.get()});
  list.size_ += count;
}

PositionList View::stream(std::string_view name) const { return list(Index::kStreams, name); }
PositionList View::type(std::string_view name) const { return list(Index::kTypes, name); }
PositionList View::tag(std::string_view name) const { return list(Index::kTags, name); }
PositionList View::maybe_correlated(std::string_view id) const { return list(Index::kCorrelations, id); }
PositionList View::maybe_caused_by(std::string_view id) const { return list(Index::kCausations, id); }

std::optional<Position> View::find_id(std::string_view id) const {
  for (size_t i = pieces_.size(); i-- > 0;) {
    const Piece& piece = pieces_[i];
    const uint32_t count = static_cast<uint32_t>(piece.bound.value - piece.base.value);
    const uint32_t local = piece.segment->find_id(id, count);
    if (local != Segment::kNone) return Position{piece.base.value + local + 1};
  }
  return std::nullopt;
}

// Oldest piece first; within a piece in order of first appearance; a name that an older piece has was told there.
void View::for_each(Index index, const NameVisitor& visit) const {
  for (size_t i = 0; i < pieces_.size(); i++) {
    const PostingIndex& postings = index_of(*pieces_[i].segment, index);
    const Names& names = pieces_[i].segment->names();
    const uint32_t size = postings.size();
    for (uint32_t n = 0; n < size; n++) {
      const uint32_t key = postings[n].key;
      PositionList events;
      for (size_t k = 0; k < i && events.empty(); k++) add_slice(events, pieces_[k], index, key);
      if (!events.empty()) continue;
      for (size_t k = i; k < pieces_.size(); k++) add_slice(events, pieces_[k], index, key);
      if (events.empty() || events[0] > pieces_[i].bound) continue;
      const NameTable& table = index == Index::kStreams ? names.streams
                               : index == Index::kTypes ? names.types
                                                        : names.tags;
      visit(table.name(key), events);
    }
  }
}

void View::for_each_stream(const NameVisitor& visit) const { for_each(Index::kStreams, visit); }
void View::for_each_type(const NameVisitor& visit) const { for_each(Index::kTypes, visit); }
void View::for_each_tag(const NameVisitor& visit) const { for_each(Index::kTags, visit); }

Position View::position_at(Timestamp time) const {
  Position last{0};
  for (const Piece& piece : pieces_) {
    const uint32_t count = static_cast<uint32_t>(piece.bound.value - piece.base.value);
    const uint32_t until = piece.segment->count_until(time, count);
    if (until > 0) last = Position{piece.base.value + until};
    if (until < count) break;
  }
  return last;
}

View View::cut(Position position) const {
  CHECK(position <= head());
  View view = *this;
  while (!view.pieces_.empty() && view.pieces_.back().base >= position) view.pieces_.pop_back();
  if (!view.pieces_.empty()) view.pieces_.back().bound = std::min(view.pieces_.back().bound, position);
  return view;
}

View::Ancestor View::common_ancestor(const View& other) const {
  Position shared{0};
  const Piece* owner = nullptr;
  for (size_t i = 0; i < std::min(pieces_.size(), other.pieces_.size()); i++) {
    if (pieces_[i].segment != other.pieces_[i].segment) break;
    owner = &pieces_[i];
    shared = std::min(pieces_[i].bound, other.pieces_[i].bound);
    if (pieces_[i].bound != other.pieces_[i].bound) break;
  }
  return {owner == nullptr ? std::string("main") : owner->segment->fork_name(), shared};
}

}  // namespace chronos
