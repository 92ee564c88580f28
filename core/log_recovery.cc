// Torn tail or damage?
//
// After a power cut the last file may end in anything: sectors of one write reach the disk in any order or not at
// all, and a file may have grown without its bytes.  None of that was acknowledged, so it must be cut off for the
// store to open.  But a bit that rots, or a sector that is overwritten, years after it was synced looks the same
// from where the reader stands: bytes that are no record.  Cutting there would silently throw away everything
// that follows, so it must be refused.  A checksum cannot tell the two apart; a promise can.
//
// Every record carries `durable`: the last lsn that was known to be on the disk when the record was written.
//
//      ... | 16 | 17 XX | 18, durable 15 | 19, durable 15 |             17 was in flight: torn, cut here
//      ... | 16 | 17 XX | 18, durable 15 | 19, durable 17 |             17 had been synced: damage, refuse
//
// So at the first bad record, where lsn L was due, the rest of the file is searched (records begin at multiples of
// 8) for an intact record that says durable >= L.  If there is one, the bad record had been synced.  If there is
// none, nobody ever said so in writing: it is a torn tail, cut, synced, reported.  Damage to the very last records
// of a log can therefore pass for a torn tail until something is written after them; Log::mark() closes that gap
// for a quiet store, since a mark carries no events and says that all before it is durable.  A file cut short would
// lose the mark with the records: so mark() says the same in a note beside the files (core/durable_note.h).
//
// This holds because of what the writer does: it syncs a file, marks included, before the next file's name exists,
// and syncs a new file's header and name before a record goes in.  Hence
//   * only the last file can be torn; in every other one each byte must be in its place;
//   * a last file without an intact header holds no record, and is removed; if one is found in it after all, the
//     header was damaged;
//   * an intact record with another lsn than is due is never the work of a power cut: refuse;
//   * so is a file missing between two others.
// What is read may lie only in the page cache: the process was killed, the machine was not.  It may even lie there as
// clean pages that will never be written, when a sync failed and killed the store.  And what is read here will be
// called durable by the next record.  So the end of the last file is cut, or cut once more, the bytes that no record
// claims to be durable, few as a rule, are written once more, the same, and the tail and the directory are synced
// before returning.
//
// Behind the files comes the buffer of the process that wrote them (core/log_buffer.h), with records that were not
// synced.  Those that the files have are passed over; those that follow are part of the log.  When the first of them
// does not follow, a power cut took what was between: they are of no use, unless one says that what is missing was
// durable, which makes the buffer one more witness beside the note.
//
// Cost: each byte is read once and hashed once.  Files are read whole, each into memory of its own that views pin;
// the next one is read in a second thread while the records of this one are checked and visited.  The search
// behind a bad record checks a checksum only where the header could be that of a record still to come.
#include "core/log_recovery.h"

#include <cstring>
#include <future>
#include <new>
#include <utility>
#include <vector>

#include "core/durable_note.h"
#include "core/log_file.h"

namespace chronos {
namespace {

Error corrupt(const std::string& path, const std::string& what) {
  return {.code = Code::kCorrupt,
          .message = "log file '" + path + "': " + what + "; the log is refused; restore it from a backup",
          .details = {}};
}

struct LoadedFile {
  std::string path;
  std::shared_ptr<const char[]> memory;  // owned by the visitor too, as long as a record is needed
  size_t size = 0;
  bool has_header = false;
  size_t intact_end = 0;  // of the header and the whole groups of records that follow it one after the other
};

// The whole file and kSimdPadding zeros, in memory that is not cleared first.
Result<LoadedFile> read_whole(Disk& disk, const std::string& path) {
  auto file = disk.open(path, OpenMode::kRead);
  if (!file) return file.error();
  const auto size = (*file)->size();
  if (!size) return size.error();
  char* memory = new (std::nothrow) char[*size + kSimdPadding];
  if (memory == nullptr) {
    return Error{.code = Code::kUnavailable,
                 .message = "no memory for the " + std::to_string(*size) + " bytes of log file '" + path +
                            "'; give the process more, or split the store",
                 .details = {}};
  }
  LoadedFile loaded;
  loaded.path = path;
  loaded.memory.reset(memory);
  const auto got = (*file)->read(0, memory, *size);
  if (!got) return got.error();
  loaded.size = *got;
  std::memset(memory + loaded.size, 0, kSimdPadding);
  return loaded;
}

Result<void> check_header(LoadedFile& file, Lsn named) {
  const auto header = parse_file_header({file.memory.get(), file.size});
  if (!header) return {};
  if (header->version > kLogVersion) {
    return Error{.code = Code::kInvalidArgument,
                 .message = "log file '" + file.path + "' has format version " + std::to_string(header->version) +
                            ", written by a newer version of Chronos than this one, which reads up to " +
                            std::to_string(kLogVersion) + "; use the newer version",
                 .details = {}};
  }
  if (header->version == 0 || header->zero32 != 0) return corrupt(file.path, "its header has values nobody writes");
  if (header->first_lsn != named.value) {
    return corrupt(file.path, "its header says that it begins with record " + std::to_string(header->first_lsn));
  }
  file.has_header = true;
  file.intact_end = sizeof(LogFileHeader);
  return {};
}

RecordHeader header_at(const LoadedFile& file, size_t offset) {
  RecordHeader header;
  std::memcpy(&header, file.memory.get() + offset, sizeof(header));
  return header;
}

// Whether there is an intact record in [from, end of file) that could follow record `due` - 1 and says that
// everything up to `durable` is durable.
bool has_record(const LoadedFile& file, size_t from, Lsn due, Lsn durable) {
  for (size_t at = from; at + sizeof(RecordHeader) <= file.size; at += kRecordAlignment) {
    const RecordHeader header = header_at(file, at);
    if (header.durable < durable.value || header.lsn < due.value || header.lsn - due.value > file.size) continue;
    if (check_record(file.memory.get() + at, file.size - at) != 0) return true;
  }
  return false;
}

class Recovery {
 public:
  Recovery(Disk& disk, const std::string& directory, const Log::Visitor& visit, Lsn sealed)
      : disk_(disk), directory_(directory), visit_(visit), sealed_(sealed) {}

  Result<RecoveredLog> run() {
    if (auto listed = list_files(); !listed) return listed.error();
    const auto noted = read_durable_note(disk_, directory_);
    if (!noted) return noted.error();
    auto buffered = read_log_buffer(disk_, directory_);
    if (!buffered) return buffered.error();
    noted_ = std::max({*noted, buffered->claimed, sealed_});
    std::future<Result<LoadedFile>> next = start_reading(0);
    for (size_t i = 0; i < files_.size(); i++) {
      if (auto in_place = check_in_place(files_[i]); !in_place) return in_place.error();
      auto file = next.get();
      if (!file) return std::move(file).error();
      next = start_reading(i + 1);
      if (auto checked = check_header(*file, files_[i]); !checked) return checked.error();
      if (auto taken = take(*file, i + 1 == files_.size()); !taken) return taken.error();
    }
    if (auto finished = finish(); !finished) return finished.error();
    if (auto taken = take_buffered(*buffered); !taken) return taken.error();
    if (tail_.has_header) log_.files = files_;
    return std::move(log_);
  }

 private:
  Result<void> list_files() {
    auto names = disk_.list(directory_);
    if (!names) return names.error();
    for (const std::string& name : *names) {
      if (const auto first = parse_log_file_name(name)) files_.push_back(*first);
    }
    if (sealed_.value == 0) return {};
    // Of files that hold nothing but sealed records any may be left: they go.
    while (files_.size() > 1 && files_[1].value <= sealed_.value + 1) {
      if (auto removed = disk_.remove(path_of(files_.front())); !removed) return removed;
      files_.erase(files_.begin());
    }
    if (files_.empty() || files_.front().value > sealed_.value + 1) {
      return corrupt(path_of(Lsn{sealed_.value + 1}),
                     "record " + std::to_string(sealed_.value + 1) + " is due, the first that is not sealed, but " +
                         (files_.empty() ? "there is no log" : "the log begins after it"));
    }
    log_.end.last = Lsn{files_.front().value - 1};
    return {};
  }

  std::string path_of(Lsn first) const { return directory_ + "/" + log_file_name(first); }
  Lsn due() const { return Lsn{log_.end.last.value + 1}; }

  std::future<Result<LoadedFile>> start_reading(size_t index) {
    if (index >= files_.size()) return {};
    const Lsn first = files_[index];
    // Nothing goes on beside the first one: it is read when asked for.
    const auto when = index == 0 ? std::launch::deferred : std::launch::async | std::launch::deferred;
    return std::async(when, [this, first] { return read_whole(disk_, path_of(first)); });
  }

  Result<void> check_in_place(Lsn first) const {
    if (first == due()) return {};
    return corrupt(path_of(first), "it comes where record " + std::to_string(due().value) + " is due, which is in no " +
                                       "file, so that a file is missing or was put here");
  }

  Result<void> take(LoadedFile& file, bool is_last) {
    if (file.has_header) {
      if (auto visited = visit_records(file); !visited) return visited;
      if (file.intact_end == file.size) return keep(file);
    }
    if (!is_last) return damaged(file, "though a newer file follows");
    return file.has_header ? cut(file) : remove(file);
  }

  // Each record is checked just before it is visited, so that the visitor finds it in the cache; those of a group wait
  // until all of it is there.
  Result<void> visit_records(LoadedFile& file) {
    std::vector<LogRecord> group;
    for (size_t at = file.intact_end; at < file.size;) {
      const char* bytes = file.memory.get() + at;
      const size_t length = check_record(bytes, file.size - at);
      if (length == 0) break;
      const LogRecord record = record_at(bytes);
      if (auto in_order = check_order(record, file, at, group.size()); !in_order) return in_order;
      log_.claimed = std::max(log_.claimed, Lsn{header_at(file, at).durable});
      at += length;
      if (record.kind != RecordKind::kMark) group.push_back(record);
      if (record.goes_on) continue;
      for (const LogRecord& each : group) {
        log_.end.last = each.lsn;
        if (each.lsn <= sealed_) continue;
        if (auto visited = visit_(each, file.memory); !visited) return visited;
      }
      group.clear();
      file.intact_end = at;
    }
    return {};
  }

  // `waiting` records of its group come before it.
  Result<void> check_order(const LogRecord& record, const LoadedFile& file, size_t at, size_t waiting) const {
    const bool is_mark = record.kind == RecordKind::kMark;
    const Lsn next{due().value + waiting};
    if (record.lsn.value + (is_mark ? 1 : 0) == next.value && !(is_mark && waiting > 0)) return {};
    return corrupt(file.path, std::string(is_mark ? "a mark of record " : "record ") +
                                  std::to_string(record.lsn.value) + " lies at byte " + std::to_string(at) +
                                  ", where record " + std::to_string(next.value) + " is due");
  }

  Error damaged(const LoadedFile& file, const std::string& why) const {
    if (!file.has_header) return corrupt(file.path, "its header, at byte 0, is damaged " + why);
    return corrupt(file.path, "record " + std::to_string(due().value) + " at byte " + std::to_string(file.intact_end) +
                                  " is damaged " + why);
  }

  // The last file with a readable header (so far): new records go behind its last one.
  Result<void> keep(const LoadedFile& file) {
    tail_ = file;
    return {};
  }

  Result<void> cut(const LoadedFile& file) {
    if (due() <= noted_ || has_record(file, file.intact_end + kRecordAlignment, due(), due())) {
      return damaged(file, "though it was durable");
    }
    report(file, file.size - file.intact_end, "the torn tail of an unfinished write was cut");
    return keep(file);
  }

  Result<void> remove(const LoadedFile& file) {
    if (due() <= noted_) return damaged(file, "though record " + std::to_string(due().value) + " was durable");
    if (has_record(file, 0, due(), Lsn{0})) return damaged(file, "though records follow it");
    if (auto removed = disk_.remove(file.path); !removed) return removed;
    files_.pop_back();
    report(file, file.size, "the file, whose creation had not finished, was removed");
    return {};
  }

  void report(const LoadedFile& file, size_t bytes, const std::string& what) {
    log_.end.cut_bytes = bytes;
    log_.end.cut_report = "log file '" + file.path + "': " + what + ": " + std::to_string(bytes) + " bytes at byte " +
                          std::to_string(file.size - bytes) + ", after record " + std::to_string(log_.end.last.value);
  }

  Result<void> finish() {
    if (log_.end.last < noted_) return cut_short();
    if (tail_.has_header) {
      if (auto saved = save_tail(); !saved) return saved;
    }
    if (!files_.empty()) {
      if (auto synced = disk_.sync_directory(directory_); !synced) return synced;
    }
    log_.in_files = log_.end.last;
    return {};
  }

  Result<void> take_buffered(BufferedRecords& buffered) {
    if (buffered.records.empty() || buffered.records.back().lsn < due()) return {};
    std::erase_if(buffered.records, [this](const LogRecord& record) { return record.lsn < due(); });
    if (buffered.records.front().lsn != due()) buffered.records.clear();
    if (!buffered.records.empty()) {
      if (auto saved = save_log_buffer(disk_, directory_, buffered); !saved) return saved;
    }
    for (const LogRecord& record : buffered.records) {
      if (auto visited = visit_(record, buffered.memory); !visited) return visited;
      log_.end.last = record.lsn;
    }
    log_.left = std::move(buffered);
    return {};
  }

  Error cut_short() const {
    const std::string note = directory_ + "/" + std::string(kDurableNoteName);
    return {
        .code = Code::kCorrupt,
        .message = "the log in '" + directory_ + "' ends after record " + std::to_string(log_.end.last.value) +
                   ", but record " + std::to_string(noted_.value) +
                   " was durable: it was cut short; restore it from a backup, or, if it is an older copy put back on "
                   "purpose, remove '" +
                   note + "' and '" + directory_ + "/" + std::string(kLogBufferName) + "'",
        .details = {}};
  }

  Result<void> save_tail() {
    auto tail = disk_.open(tail_.path, OpenMode::kReadWrite);
    if (!tail) return tail.error();
    const size_t proven = proven_end(tail_);
    const std::string_view unproven(tail_.memory.get() + proven, tail_.intact_end - proven);
    if (auto truncated = (*tail)->truncate(tail_.intact_end); !truncated) return truncated;
    if (auto written = (*tail)->write(proven, {&unproven, 1}); !written) return written;
    if (auto synced = (*tail)->sync(); !synced) return synced;
    log_.tail = *std::move(tail);
    log_.tail_size = tail_.intact_end;
    return {};
  }

  // The end of the records that are claimed to be durable; 0 when none in the file is.
  size_t proven_end(const LoadedFile& file) const {
    size_t proven = 0;
    for (size_t at = sizeof(LogFileHeader); at < file.intact_end;) {
      const RecordHeader header = header_at(file, at);
      if (header.lsn > log_.claimed.value) break;
      at += record_length(header);
      if (header.kind != static_cast<uint8_t>(RecordKind::kMark)) proven = at;
    }
    return proven;
  }

  Disk& disk_;
  const std::string& directory_;
  const Log::Visitor& visit_;
  const Lsn sealed_;
  Lsn noted_;               // durable by the note beside the files
  std::vector<Lsn> files_;  // by their first lsn, ascending
  LoadedFile tail_;
  RecoveredLog log_;
};

}  // namespace

Result<RecoveredLog> recover_log(Disk& disk, const std::string& directory, const Log::Visitor& visit, Lsn sealed) {
  return Recovery(disk, directory, visit, sealed).run();
}

}  // namespace chronos
