// In which order a history is written again.
//
// Times never go back in a store, whatever the fork, so the batches of all forks are taken by the time they were
// recorded at.  A fork is made when everything of its parent up to where it left is written, and before anything of its
// own is.  Where events were lost, positions behind them move up, and with them the places where forks left.
#include "core/salvage.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "core/backup.h"
#include "core/damage.h"
#include "core/history_writer.h"
#include "core/log_buffer.h"

namespace chronos {
namespace {

constexpr size_t kMostListed = 1000;
constexpr uint64_t kStep = 4096;  // events between two reports

class Salvage {
 public:
  Salvage(const StoreFiles& files, HistoryWriter& writer, Timestamp now, SalvageReport& report)
      : files_(files), writer_(writer), report_(report) {
    for (const auto& [id, fork] : files.forks()) {
      if (fork.expires_at && *fork.expires_at <= now) continue;
      if (id != kMainFork && !lines_.contains(fork.parent)) {
        report.damages.push_back("fork '" + fork.name + "' left a fork that cannot be read: it is left out");
        continue;
      }
      lines_.emplace(id, std::make_unique<Line>(fork));
    }
  }

  Result<void> run(const SalvageProgress& go_on) {
    begin(*lines_.at(kMainFork));
    uint64_t told = 0;
    while (report_.complete) {
      if (auto made = make_forks(); !made) return made;
      Line* const line = oldest();
      if (line == nullptr) break;
      auto written = writer_.append(line->fork.name, line->next.record);
      if (!written) return written.error();
      const uint32_t events = Commit(line->next.record).event_count();
      line->written += events;
      report_.events += events;
      advance(*line);
      if (report_.events < told + kStep) continue;
      told = report_.events;
      report_.complete = go_on == nullptr || go_on(told);
    }
    if (files_.main_protected()) {
      if (auto done = writer_.protect_main("salvage"); !done) return done;
    }
    if (auto done = writer_.change_settings(files_.settings(), "salvage"); !done) return done;
    return writer_.finish();
  }

 private:
  struct Line {
    explicit Line(const StoreFiles::Fork& of) : fork(of), reader(of) {}
    const StoreFiles::Fork& fork;
    BatchReader reader;
    CommitRecord next;  // null at the end
    bool has_begun = false;
    Position point;        // where it leaves its parent in the new store
    uint64_t written = 0;  // own events
    std::vector<std::pair<Position, Position>> lost;
  };

  void begin(Line& line) {
    line.has_begun = true;
    report_.forks++;
    advance(line);
  }

  void advance(Line& line) {
    line.next = {};
    while (auto step = line.reader.next()) {
      if (!step->lost) {
        line.next = std::move(step->batch);
        return;
      }
      note(line, *step->lost);
    }
  }

  void note(Line& line, const LostEvents& lost) {
    line.lost.emplace_back(lost.first, lost.last);
    report_.lost_events += lost.last.value - lost.first.value + 1;
    if (!report_.lost.empty()) {
      LostEvents& before = report_.lost.back();
      const bool follows = before.fork == lost.fork && before.last.value + 1 == lost.first.value;
      if (follows && before.what == lost.what) {
        before.last = lost.last;
        return;
      }
    }
    if (report_.lost.size() < kMostListed) report_.lost.push_back(lost);
  }

  // Where a position of a line is in the new store: its own, or that of the last event before it which is there.
  Position moved(const Line& line, Position position) const {
    if (position <= line.fork.point) {
      return line.fork.point.value == 0 ? Position{0} : moved(*lines_.at(line.fork.parent), position);
    }
    uint64_t missing = 0;
    for (const auto& [first, last] : line.lost) {
      if (first <= position) missing += std::min(last, position).value - first.value + 1;
    }
    const uint64_t own = position.value - line.fork.point.value - missing;
    return Position{line.point.value + std::min(own, line.written)};
  }

  // Whether everything of the line up to the position is written.
  bool has_reached(const Line& line, Position position) const {
    if (!line.has_begun) return false;
    if (position <= line.fork.point) return true;
    return line.next.record == nullptr || Commit(line.next.record).first_position() > position;
  }

  Result<void> make_forks() {
    for (auto& [id, line] : lines_) {
      if (line->has_begun) continue;
      const Line& parent = *lines_.at(line->fork.parent);
      if (!has_reached(parent, line->fork.point)) continue;
      const Line* const first = oldest();
      if (first != nullptr && Commit(first->next.record).recorded_at() < line->fork.created_at) continue;
      line->point = moved(parent, line->fork.point);
      const StoreFiles::Fork& fork = line->fork;
      auto made = writer_.create_fork(
          {fork.name, parent.fork.name, line->point, fork.created_at, fork.expires_at, fork.purpose, fork.actor});
      if (!made) return made;
      begin(*line);
    }
    return {};
  }

  // The line whose next batch was recorded first.
  Line* oldest() const {
    Line* found = nullptr;
    for (const auto& [id, line] : lines_) {
      if (!line->has_begun || line->next.record == nullptr) continue;
      const Timestamp own = Commit(line->next.record).recorded_at();
      if (found == nullptr || own < Commit(found->next.record).recorded_at()) found = line.get();
    }
    return found;
  }

  const StoreFiles& files_;
  HistoryWriter& writer_;
  SalvageReport& report_;
  std::map<ForkId, std::unique_ptr<Line>> lines_;
};

// The first and the last position of the batch with the event at `position`.
Result<std::pair<Position, Position>> batch_around(const StoreFiles::Fork& fork, Position position) {
  for (const StoreFiles::Piece& piece : fork.pieces) {
    if (piece.last < position || piece.first > position) continue;
    if (piece.record != nullptr) return std::pair(piece.first, piece.last);
    if (piece.segment == nullptr) return Error{Code::kCorrupt, piece.damage, {}};
    return or_damage([&]() -> Result<std::pair<Position, Position>> {
      const Event event = piece.segment->event(static_cast<uint32_t>(position.value - piece.segment->base().value - 1));
      return std::pair(event.commit().first_position(), event.commit().last_position());
    });
  }
  const Position head = fork.pieces.empty() ? Position{0} : fork.pieces.back().last;
  return Error{Code::kInvalidArgument,
               "there is no position " + std::to_string(position.value) + " in main, whose last is " +
                   std::to_string(head.value) + "; name one up to that",
               {}};
}

Result<void> check_position(const StoreFiles::Fork& main, Position position) {
  if (position.value == 0) return {};
  const auto batch = batch_around(main, position);
  if (!batch) return batch.error();
  if (batch->second == position) return {};
  return Error{Code::kInvalidArgument,
               "position " + std::to_string(position.value) + " is inside the batch from " +
                   std::to_string(batch->first.value) + " to " + std::to_string(batch->second.value) +
                   ", which is restored as a whole or not at all; name " + std::to_string(batch->first.value - 1) +
                   " or " + std::to_string(batch->second.value),
               {}};
}

}  // namespace

Result<SalvageReport> salvage(const std::string& from, const StoreOptions& to, const SalvageProgress& go_on) {
  if (auto empty = require_empty(*to.disk, to.directory); !empty) return empty.error();
  auto files = StoreFiles::open(*to.disk, from);
  if (!files) return files.error();
  auto writer = HistoryWriter::create(to, (*files)->created_at());
  if (!writer) return writer.error();
  SalvageReport report;
  report.damages = (*files)->damages();
  const Timestamp now = to.clock->now();
  if (auto done = Salvage(**files, **writer, now, report).run(go_on); !done) return done.error();
  return report;
}

Result<void> restore_all(Disk& disk, const std::string& from, const std::string& to) {
  if (auto empty = require_empty(disk, to); !empty) return empty;
  const auto locked = disk.exists(from + "/LOCK");
  if (!locked) return locked.error();
  std::unique_ptr<DirectoryLock> lock;
  if (*locked) {
    auto taken = disk.lock(from + "/LOCK");
    if (!taken) return taken.error();
    lock = *std::move(taken);
  }
  const auto manifest = read_manifest(disk, from + "/segments");
  if (!manifest) return manifest.error();
  if (!*manifest) {
    return Error{
        Code::kNotFound,
        "'" + from + "' holds no finished backup: it has no manifest; name a directory that chronos backup made",
        {}};
  }
  const auto copied = copy_sealed(disk, from, **manifest, to, BackupLog::kWhole);
  return copied ? Result<void>() : copied.error();
}

Result<RestoreReport> restore_to(const std::string& from, const StoreOptions& to, Position position,
                                 const SalvageProgress& go_on) {
  if (auto empty = require_empty(*to.disk, to.directory); !empty) return empty.error();
  auto files = StoreFiles::open(*to.disk, from);
  if (!files) return files.error();
  if (!(*files)->damages().empty()) {
    return Error{Code::kCorrupt, (*files)->damages().front() + "; save what is intact with chronos salvage", {}};
  }
  const StoreFiles::Fork& main = (*files)->forks().at(kMainFork);
  if (auto whole = check_position(main, position); !whole) return whole.error();
  auto writer = HistoryWriter::create(to, (*files)->created_at());
  if (!writer) return writer.error();
  BatchReader reader(main);
  RestoreReport report;
  uint64_t told = 0;
  while (report.position < position) {
    auto step = reader.next();
    if (!step) return Error{Code::kCorrupt, "main ends before position " + std::to_string(position.value), {}};
    if (step->lost) return Error{Code::kCorrupt, step->lost->what, {}};
    if (auto written = (*writer)->append(main.name, step->batch.record); !written) return written.error();
    report.position = Commit(step->batch.record).last_position();
    report.events = report.position.value;
    if (report.events < told + kStep) continue;
    told = report.events;
    if (go_on && !go_on(told)) return Error{Code::kUnavailable, "interrupted; the new store is not complete", {}};
  }
  if (auto done = (*writer)->change_settings((*files)->settings(), "restore"); !done) return done.error();
  if (auto finished = (*writer)->finish(); !finished) return finished.error();
  return report;
}

}  // namespace chronos
