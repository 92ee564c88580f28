#include "core/fork_table.h"

#include <algorithm>
#include <mutex>

#include "core/check.h"
#include "core/time_text.h"

namespace chronos {

ForkTable::ForkTable() : main_(std::make_shared<Fork>()) {
  main_->id = kMainFork;
  main_->name = std::make_shared<const std::string>("main");
  main_->own = std::make_shared<MemorySegment>("main", Position{0});
  main_->set_line({{main_->own, Position{kMaxPosition}}});
  forks_.push_back({main_, kMainFork, true, false, {}, {}});
  by_name_.emplace("main", kMainFork);
}

Result<std::shared_ptr<Fork>> ForkTable::find(std::string_view name, Clock& clock) const {
  if (name == *main_->name) return main_;
  std::string what = "fork '" + std::string(name) + "' does not exist";
  {
    const std::shared_lock lock(mutex_);
    const auto found = by_name_.find(std::string(name));
    if (found != by_name_.end() && slots_at(found->second).shown) {
      const std::shared_ptr<Fork>& fork = slots_at(found->second).fork;
      if (!fork->expires_at || *fork->expires_at > clock.now()) return fork;
      what = "fork '" + std::string(name) + "' expired at " + format_time(*fork->expires_at);
    } else if (found != by_name_.end() && slots_at(found->second).fork == nullptr) {
      const Slot& gone = slots_at(found->second);
      what = "fork '" + std::string(name) + "' was discarded at " + format_time(gone.closed_at);
      if (!gone.reason.empty()) what += " (" + gone.reason + ")";
    }
  }
  return Error{Code::kNotFound, what + "; known: " + known_names(), {}};
}

Result<std::shared_ptr<Fork>> ForkTable::parent_of(const Fork& fork, Clock& clock) const {
  std::string name;
  {
    const std::shared_lock lock(mutex_);
    const auto& parent = slots_at(fork.parent).fork;
    if (parent != nullptr) name = *parent->name;
  }
  return find(name, clock);
}

bool ForkTable::descends_from(const Fork& fork, ForkId other) const {
  const std::shared_lock lock(mutex_);
  for (ForkId id = fork.id; id != other; id = slots_at(id).parent) {
    if (id == kMainFork) return false;
  }
  return true;
}

std::vector<std::shared_ptr<Fork>> ForkTable::shown() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::shared_ptr<Fork>> all;
  for (const Slot& slot : forks_) {
    if (slot.shown && slot.fork != nullptr) all.push_back(slot.fork);
  }
  return all;
}

ForkInfo ForkTable::info(const Fork& fork) const {
  ForkInfo info;
  info.name = *fork.name;
  info.id = fork.id;
  if (fork.id != kMainFork) {
    const std::shared_lock lock(mutex_);
    const auto& parent = slots_at(fork.parent).fork;
    if (parent != nullptr) info.parent = *parent->name;
  }
  info.position = fork.point;
  info.created_at = fork.created_at;
  info.expires_at = fork.expires_at;
  info.purpose = fork.purpose;
  info.head = view(fork).head();
  info.own_events = info.head.value - fork.point.value;
  return info;
}

std::vector<ForkInfo> ForkTable::list(Timestamp now) const {
  std::vector<ForkInfo> infos;
  for (const std::shared_ptr<Fork>& fork : shown()) {
    if (!fork->expires_at || *fork->expires_at > now) infos.push_back(info(*fork));
  }
  return infos;
}

std::string ForkTable::known_names() const {
  constexpr size_t kMost = 10;
  std::string names;
  const auto all = shown();
  for (size_t i = 0; i < all.size() && i < kMost; i++) names += (i == 0 ? "" : ", ") + *all[i]->name;
  if (all.size() > kMost) names += " and " + std::to_string(all.size() - kMost) + " more";
  return names;
}

View ForkTable::view_of(const Fork& fork) {
  View view;
  view.fork_ = fork.id;
  view.fork_name_ = fork.name;
  view.line_ = fork.line();
  return view;
}

// Events are published in order: the newest segment that has one tells how far.
View ForkTable::view(const Fork& fork) {
  View view = view_of(fork);
  const HistoryLine& line = *view.line_;
  for (size_t i = line.size(); i-- > 0;) {
    const uint64_t room = line[i].bound.value - line[i].base().value;
    const uint64_t events = std::min<uint64_t>(line[i].segment->published_events(), room);
    if (events == 0) continue;
    view.pieces_ = i + 1;
    view.bound_ = Position{line[i].base().value + events};
    break;
  }
  return view;
}

View ForkTable::staged_view(const Fork& fork) {
  View view = view_of(fork);
  view.pieces_ = view.line_->size();
  view.bound_ = Position{kMaxPosition};
  return view.cut(fork.staged_head());
}

void ForkTable::close_segment(Fork& fork) {
  if (fork.own->staged_events() == 0) return;
  HistoryLine line = *fork.line();
  line.back().bound = fork.staged_head();
  fork.closed.push_back(fork.own);
  fork.own = std::make_shared<MemorySegment>(*fork.name, fork.staged_head());
  line.push_back({fork.own, Position{kMaxPosition}});
  fork.set_line(std::move(line));
}

std::vector<std::shared_ptr<Fork>> ForkTable::living() const {
  std::vector<std::shared_ptr<Fork>> all;
  for (const Slot& slot : forks_) {
    if (slot.fork != nullptr && !slot.closed) all.push_back(slot.fork);
  }
  return all;
}

// A fork that was made in the middle of the segments has the first of them only, up to its point: so does it now.
void ForkTable::replace(const Segments& segments, const std::shared_ptr<const Segment>& fresh) {
  const auto is_one = [&segments](const LinePiece& piece) {
    return std::find(segments.begin(), segments.end(), piece.segment) != segments.end();
  };
  for (const Slot& slot : forks_) {
    if (slot.fork == nullptr) continue;
    const std::shared_ptr<const HistoryLine> before = slot.fork->line();
    HistoryLine line;
    for (const LinePiece& piece : *before) {
      if (!is_one(piece)) {
        line.push_back(piece);
      } else if (!line.empty() && line.back().segment == fresh) {
        line.back().bound = piece.bound;
      } else {
        line.push_back({fresh, piece.bound});
      }
    }
    if (line.size() != before->size() || std::any_of(before->begin(), before->end(), is_one)) {
      slot.fork->set_line(std::move(line));
    }
    std::erase_if(slot.fork->closed, [&](const auto& closed) {
      return std::find(segments.begin(), segments.end(), closed) != segments.end();
    });
  }
}

void ForkTable::adopt(Fork& fork, const std::shared_ptr<const Segment>& sealed) {
  CHECK(fork.own->staged_events() == 0 && sealed->base() == fork.staged_head());
  HistoryLine line = *fork.line();
  const Position end{sealed->base().value + sealed->published_events()};
  line.back() = {sealed, end};
  fork.own = std::make_shared<MemorySegment>(*fork.name, end);
  line.push_back({fork.own, Position{kMaxPosition}});
  fork.set_line(std::move(line));
}

void ForkTable::add_gone(const Made& made) {
  const std::unique_lock lock(mutex_);
  by_name_.emplace(made.name, next_id());
  forks_.push_back({nullptr, made.parent, false, false, {}, {}});
}

std::shared_ptr<Fork> ForkTable::by_id(ForkId id) const {
  return id.value < forks_.size() ? slots_at(id).fork : nullptr;
}

std::shared_ptr<Fork> ForkTable::add(const Made& made) {
  const std::shared_ptr<Fork> parent = by_id(made.parent);
  CHECK(parent != nullptr && made.position <= parent->staged_head());
  auto fork = std::make_shared<Fork>();
  fork->id = next_id();
  fork->name = std::make_shared<const std::string>(made.name);
  fork->parent = made.parent;
  fork->point = made.position;
  fork->created_at = made.created_at;
  fork->expires_at = made.expires_at;
  fork->purpose = made.purpose;
  fork->owner = made.owner;
  fork->own = std::make_shared<MemorySegment>(made.name, made.position);
  const View inherited = staged_view(*parent).cut(made.position);
  HistoryLine line(inherited.line_->begin(), inherited.line_->begin() + static_cast<ptrdiff_t>(inherited.pieces_));
  if (!line.empty()) line.back().bound = made.position;
  line.push_back({fork->own, Position{kMaxPosition}});
  fork->set_line(std::move(line));
  const std::unique_lock lock(mutex_);
  forks_.push_back({fork, made.parent, false, false, {}, {}});
  by_name_.emplace(made.name, fork->id);
  if (fork->expires_at && *fork->expires_at < next_expiry()) next_expiry_ = fork->expires_at->value;
  return fork;
}

void ForkTable::show(ForkId id) {
  const std::unique_lock lock(mutex_);
  forks_[id.value].shown = true;
}

void ForkTable::close(ForkId id, Timestamp when, std::string_view reason) {
  constexpr size_t kMostOfReason = 200;
  const std::unique_lock lock(mutex_);
  Slot& slot = forks_[id.value];
  slot.closed = true;
  slot.closed_at = when;
  slot.reason = reason.size() <= kMostOfReason ? std::string(reason) : std::string();
  if (slot.fork != nullptr && slot.fork->expires_at) note_next_expiry();
}

void ForkTable::note_next_expiry() {
  int64_t next = INT64_MAX;
  for (const Slot& slot : forks_) {
    if (slot.fork != nullptr && !slot.closed && slot.fork->expires_at) {
      next = std::min(next, slot.fork->expires_at->value);
    }
  }
  next_expiry_.store(next, std::memory_order_relaxed);
}

// Children have larger numbers than their parents, and do not outlive them.
std::shared_ptr<Fork> ForkTable::expired(Timestamp now) const {
  for (size_t i = forks_.size(); i-- > 0;) {
    const Slot& slot = forks_[i];
    if (slot.fork == nullptr || slot.closed || !slot.shown) continue;
    if (slot.fork->expires_at && *slot.fork->expires_at <= now && !has_children(slot.fork->id)) return slot.fork;
  }
  return nullptr;
}

// The name stays taken: an address given once, like try@7, must never mean something else.
void ForkTable::hide(ForkId id) {
  const std::unique_lock lock(mutex_);
  forks_[id.value].shown = false;
  forks_[id.value].fork = nullptr;
}

bool ForkTable::has_children(ForkId id) const {
  for (uint32_t i = 1; i < forks_.size(); i++) {
    const Slot& slot = forks_[i];
    if (slot.parent == id && slot.fork != nullptr && !slot.closed) return true;
  }
  return false;
}

}  // namespace chronos
