// Reading what an open store would refuse.
//
//   manifest     gone: the names of the sealed files say the same, but for the end of the log that is sealed
//   changes      a record that is not intact: passed over, to the next place where one is
//   sealed file  no footer: its positions are known from its name, its events are lost
//   log          as the changes; bytes behind the last record of the last file are an unfinished write, not damage,
//                unless the note beside the log says that more was durable
//
// Every commit says its fork and its positions, so what was read twice (sealed, and still in the log) is told apart by
// them, and what is missing is the gap between two pieces.
#include "core/store_files.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <set>
#include <utility>

#include "core/damage.h"
#include "core/durable_note.h"
#include "core/log.h"
#include "core/log_buffer.h"
#include "core/log_file.h"

namespace chronos {
namespace {

std::string no_record(const std::string& path, uint64_t at) {
  return "'" + path + "' is damaged: no record is at byte " + std::to_string(at) + ", where one was written";
}

struct Loaded {
  std::shared_ptr<const char[]> memory;  // kSimdPadding readable bytes follow
  size_t size = 0;
};

Result<Loaded> load(Disk& disk, const std::string& path) {
  const auto mapped = disk.map(path);
  if (!mapped) return mapped.error();
  const std::string_view bytes = (*mapped)->bytes();
  auto memory = std::make_shared_for_overwrite<char[]>(bytes.size() + kSimdPadding);
  if (!bytes.empty()) std::memcpy(memory.get(), bytes.data(), bytes.size());
  std::memset(memory.get() + bytes.size(), 0, kSimdPadding);
  return Loaded{std::move(memory), bytes.size()};
}

// The next place from `at` on where an intact record is, or the end.
size_t next_record(const Loaded& file, size_t at) {
  while (at < file.size && check_record(file.memory.get() + at, file.size - at) == 0) at += kRecordAlignment;
  return std::min(at, file.size);
}

}  // namespace

// --- opening ---

Result<std::unique_ptr<StoreFiles>> StoreFiles::open(Disk& disk, const std::string& directory) {
  std::unique_ptr<StoreFiles> files(new StoreFiles(disk, directory));
  const auto there = disk.exists(directory + "/log");
  if (!there) return there.error();
  if (!*there) return Error{Code::kNotFound, "there is no store in '" + directory + "'; name another directory", {}};
  const auto locked = disk.exists(directory + "/LOCK");
  if (locked && *locked) {
    auto lock = disk.lock(directory + "/LOCK");
    if (!lock) return lock.error();
    files->lock_ = *std::move(lock);
  }
  files->forks_[kMainFork].name = "main";
  for (const auto step : {&StoreFiles::read_manifest_or_names, &StoreFiles::read_changes, &StoreFiles::read_segments,
                          &StoreFiles::read_log}) {
    if (auto done = (*files.*step)(); !done) return done.error();
  }
  files->sort_pieces();
  return files;
}

Result<void> StoreFiles::read_manifest_or_names() {
  auto manifest = read_manifest(disk_, directory_ + "/segments");
  if (manifest) {
    manifest_ = manifest->value_or(Manifest());
    refs_ = manifest_->segments;
    return {};
  }
  if (manifest.error().code != Code::kCorrupt) return manifest.error();
  damages_.push_back(manifest.error().message);
  const auto names = disk_.list(directory_ + "/segments");
  if (!names) return names.error();
  for (const std::string& name : *names) {
    if (const auto ref = parse_segment_file_name(name)) refs_.push_back(*ref);
  }
  return {};
}

Result<void> StoreFiles::read_changes() {
  const std::string path = directory_ + "/segments/changes";
  const auto there = disk_.exists(path);
  if (!there) return there.error();
  const uint64_t due = manifest_ ? manifest_->changes_bytes : 0;
  if (!*there) {
    if (due > 0) damages_.push_back("'" + path + "' is missing");
    return {};
  }
  auto file = load(disk_, path);
  if (!file) return file.error();
  memory_.push_back(file->memory);
  if (manifest_) {
    if (file->size < due) {
      damages_.push_back("'" + path + "' is damaged: it ends at byte " + std::to_string(file->size) + " of " +
                         std::to_string(due));
    }
    file->size = std::min<size_t>(file->size, due);
  }
  for (size_t at = 0; at < file->size;) {
    const size_t length = check_record(file->memory.get() + at, file->size - at);
    if (length == 0) {
      damages_.push_back(no_record(path, at));
      at = next_record(*file, at);
      continue;
    }
    take_change(record_at(file->memory.get() + at), path);
    at += length;
  }
  return {};
}

Result<void> StoreFiles::read_segments() {
  for (const SealedRef& ref : refs_) {
    const std::string path = directory_ + "/segments/" + segment_file_name(ref);
    if (discarded_.contains(ref.fork)) continue;
    const auto fork = forks_.find(ref.fork);
    Piece piece{Position{ref.base.value + 1}, Position{ref.base.value + ref.events}, nullptr, nullptr, {}};
    auto opened =
        SealedSegment::open(disk_, path, fork == forks_.end() ? "" : fork->second.name, ref.fork, unpackings_);
    if (!opened && opened.error().code == Code::kInvalidArgument) return opened.error();
    if (!opened) {
      piece.damage = opened.error().message;
    } else if ((*opened)->base() != ref.base || (*opened)->published_events() != ref.events) {
      piece.damage = "'" + path + "' is another segment than its name says";
    } else {
      piece.segment = *std::move(opened);
    }
    if (!piece.damage.empty()) damages_.push_back(piece.damage);
    if (fork == forks_.end()) {
      nameless_[ref.fork] += ref.events;
    } else {
      fork->second.pieces.push_back(std::move(piece));
    }
  }
  return {};
}

// --- the log ---

Result<void> StoreFiles::read_log() {
  const std::string directory = directory_ + "/log";
  const auto names = disk_.list(directory);
  if (!names) return names.error();
  std::vector<Lsn> files;
  for (const std::string& name : *names) {
    if (const auto first = parse_log_file_name(name)) files.push_back(*first);
  }
  const Lsn sealed = manifest_ ? manifest_->sealed : Lsn{0};
  last_ = sealed;
  for (size_t i = 0; i < files.size(); i++) {
    if (i + 1 < files.size() && files[i + 1].value <= sealed.value + 1) continue;
    if (manifest_ && files[i].value > last_.value + 1) {
      damages_.push_back("'" + directory + "' is damaged: no file has record " + std::to_string(last_.value + 1));
    }
    last_ = std::max(last_, Lsn{files[i].value - 1});
    if (auto read = read_log_file(files[i], i + 1 == files.size()); !read) return read;
  }
  auto buffered = read_log_buffer(disk_, directory);
  if (!buffered) return buffered.error();
  if (buffered->memory != nullptr) memory_.push_back(buffered->memory);
  for (const LogRecord& record : buffered->records) {
    if (record.lsn.value == last_.value + 1) take(record);
  }
  const auto noted = read_durable_note(disk_, directory);
  if (!noted) return noted.error();
  const Lsn durable = std::max(*noted, buffered->claimed);
  if (last_ < durable) {
    damages_.push_back("the log in '" + directory + "' ends after record " + std::to_string(last_.value) +
                       ", but record " + std::to_string(durable.value) + " was durable");
  }
  for (const auto& [fork, events] : nameless_) {
    damages_.push_back("fork number " + std::to_string(fork.value) + " has " + std::to_string(events) +
                       " sealed events, but what made it cannot be read: it is left out");
  }
  return {};
}

// Groups are taken whole; of a damaged one what is intact.
Result<void> StoreFiles::read_log_file(Lsn first, bool is_last) {
  const std::string path = directory_ + "/log/" + log_file_name(first);
  const auto file = load(disk_, path);
  if (!file) return file.error();
  memory_.push_back(file->memory);
  const auto header = parse_file_header({file->memory.get(), file->size});
  if (header && header->version > kLogVersion) {
    return Error{Code::kInvalidArgument, "'" + path + "' was written by a newer version of Chronos; use that", {}};
  }
  size_t at = sizeof(LogFileHeader);
  if (!header) {
    at = next_record(*file, 0);
    if (!is_last || at < file->size)
      damages_.push_back("'" + path + "' is damaged: its header, at byte 0, is not intact");
  }
  std::vector<LogRecord> group;
  while (at < file->size) {
    const size_t length = check_record(file->memory.get() + at, file->size - at);
    if (length == 0) {
      const size_t next = next_record(*file, at);
      // At the end of the last file: an unfinished write.
      if (is_last && next >= file->size) return {};
      damages_.push_back(no_record(path, at));
      at = next;
      continue;
    }
    const LogRecord record = record_at(file->memory.get() + at);
    at += length;
    if (record.kind == RecordKind::kMark) continue;
    group.push_back(record);
    if (record.goes_on) continue;
    for (const LogRecord& each : group) take(each);
    group.clear();
  }
  return {};
}

void StoreFiles::take(const LogRecord& record) {
  last_ = std::max(last_, record.lsn);
  if (manifest_ && record.lsn <= manifest_->sealed) return;
  if (record.kind == RecordKind::kControl) return take_change(record, directory_ + "/log");
  const Commit commit(record.bytes.data());
  const auto fork = forks_.find(commit.fork());
  if (fork != forks_.end()) {
    fork->second.pieces.push_back({commit.first_position(), commit.last_position(), nullptr, record.bytes.data(), {}});
  } else if (!discarded_.contains(commit.fork())) {
    nameless_[commit.fork()] += commit.event_count();
  }
}

void StoreFiles::take_change(const LogRecord& record, const std::string& path) {
  const auto decoded = record.kind == RecordKind::kControl
                           ? decode_change(record)
                           : Result<DecodedChange>(Error{Code::kCorrupt, "it is no change", {}});
  if (!decoded) {
    damages_.push_back("'" + path + "' is damaged: record " + std::to_string(record.lsn.value) + ": " +
                       decoded.error().message);
    return;
  }
  if (std::holds_alternative<StoreCreated>(decoded->change)) {
    created_at_ = decoded->recorded_at;
  } else if (const auto* made = std::get_if<ForkCreated>(&decoded->change)) {
    if (discarded_.contains(made->fork)) return;
    Fork& fork = forks_[made->fork];
    fork = {made->name,       made->parent,  made->position, decoded->recorded_at,
            made->expires_at, made->purpose, made->actor,    std::move(fork.pieces)};
  } else if (const auto* gone = std::get_if<ForkDiscarded>(&decoded->change)) {
    if (gone->fork == kMainFork) return;
    discarded_.insert(gone->fork);
    forks_.erase(gone->fork);
  } else if (const auto* protection = std::get_if<MainProtected>(&decoded->change)) {
    main_protected_ = protection->is_protected;
  } else if (const auto* setting = std::get_if<SettingChanged>(&decoded->change)) {
    if (setting->value.empty()) {
      settings_.erase(setting->name);
    } else {
      settings_[setting->name] = setting->value;
    }
  }
}

// Of two that begin together the one that goes further is read; it has what the other has.
void StoreFiles::sort_pieces() {
  for (auto& [id, fork] : forks_) {
    std::stable_sort(fork.pieces.begin(), fork.pieces.end(), [](const Piece& a, const Piece& b) {
      return a.first != b.first ? a.first < b.first : a.last > b.last;
    });
  }
}

bool StoreFiles::check_pages(const std::function<bool(double done)>& go_on) {
  constexpr uint64_t kStep = 1024;  // pages between two reports
  uint64_t total = 0;
  uint64_t done = 0;
  for (const auto& [id, fork] : forks_) {
    for (const Piece& piece : fork.pieces) total += piece.segment == nullptr ? 0 : piece.segment->file().pages();
  }
  for (const auto& [id, fork] : forks_) {
    for (const Piece& piece : fork.pieces) {
      if (piece.segment == nullptr) continue;
      const SealedFile& file = piece.segment->file();
      for (uint64_t page = 0; page < file.pages(); page++, done++) {
        const auto right = or_damage([&]() -> Result<void> {
          file.check_page(page);
          return {};
        });
        if (!right) damages_.push_back(right.error().message);
        if (done % kStep == 0) file.forget();
        if (done % kStep == 0 && go_on && !go_on(static_cast<double>(done) / static_cast<double>(total))) return false;
      }
      file.forget();
    }
  }
  return true;
}

// --- reading batches ---

BatchReader::BatchReader(const StoreFiles::Fork& fork) : fork_(fork), due_{fork.point.value + 1} {}

BatchReader::Step BatchReader::lose(Position last, const std::string& what) {
  Step step;
  step.lost = LostEvents{fork_.name, due_, last, what};
  due_ = Position{last.value + 1};
  return step;
}

std::optional<BatchReader::Step> BatchReader::next() {
  for (; piece_ < fork_.pieces.size(); piece_++) {
    const StoreFiles::Piece& piece = fork_.pieces[piece_];
    if (piece.last < due_) {
      if (piece.segment != nullptr) piece.segment->file().forget();
      continue;
    }
    if (!piece.damage.empty()) {
      // Another piece may have a part of it: the log, when a manifest was lost.
      Position last = piece.last;
      for (const StoreFiles::Piece& other : fork_.pieces) {
        if (!other.damage.empty() || other.last < due_ || other.first > last) continue;
        last = other.first <= due_ ? Position{due_.value - 1} : Position{other.first.value - 1};
        break;
      }
      if (last >= due_) return lose(last, piece.damage);
      continue;
    }
    if (piece.first > due_) return lose(Position{piece.first.value - 1}, "no file has them any more");
    if (piece.segment != nullptr) return next_of(*piece.segment);
    if (piece.first < due_) continue;
    Step step;
    step.batch = {piece.record, nullptr};
    due_ = Position{piece.last.value + 1};
    return step;
  }
  return std::nullopt;
}

BatchReader::Step BatchReader::next_of(const SealedSegment& segment) {
  constexpr uint64_t kBatches = 4096;  // read before the memory of their pages is given back
  if (++batches_read_ % kBatches == 0) segment.file().forget();
  const auto local = static_cast<uint32_t>(due_.value - segment.base().value - 1);
  try {
    const Event first = segment.event(local);
    const Commit commit = first.commit();
    const Position last{commit.first_position().value + commit.event_count() - 1};
    if (first.head().ordinal != 0) return lose(last, "the batch that they are of begins in what is lost");
    if (last.value > segment.base().value + segment.published_events()) {
      return lose(Position{segment.base().value + segment.published_events()}, "their batch does not end in its file");
    }
    try {
      Step step;
      step.batch = segment.commit_record(local);
      due_ = Position{last.value + 1};
      return step;
    } catch (const Damage& damage) {
      return lose(last, damage.error().message);
    }
  } catch (const Damage& damage) {
    return lose(Position{next_readable(segment, due_).value - 1}, damage.error().message);
  }
}

// The first event behind `after` that can be read, or the place behind the segment's last one.
Position BatchReader::next_readable(const SealedSegment& segment, Position after) const {
  const uint64_t end = segment.base().value + segment.published_events() + 1;
  for (uint64_t p = after.value + 1; p < end; p++) {
    try {
      static_cast<void>(segment.event(static_cast<uint32_t>(p - segment.base().value - 1)));
      return Position{p};
    } catch (const Damage&) {
      continue;
    }
  }
  return Position{end};
}

}  // namespace chronos
