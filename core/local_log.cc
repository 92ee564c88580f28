// The writing half of the log as files; core/log_recovery.cc, the reading half, relies on its rules:
//
//   * A group of records is one write.  kFsync syncs before it returns.  kOs does not: a small group goes into the
//     buffer (core/log_buffer.h), a large one into the file, and the next sync of any kind covers both.
//   * The order of the log is the order of its bytes: the buffer goes into the file before anything else does.
//   * `durable` in a record or mark never runs ahead of the disk.  The caller fills it in; it is checked here.
//   * A file is synced, whatever is in it, before the name of the next one exists; the next one's header and name
//     are synced before a record goes in.  So only the last file of a log can be torn.
//   * After a failed write or sync nobody knows what is on the disk: the kernel may have dropped the dirty pages and
//     call the next sync a success.  So the first failure closes the log, and only reading it again opens it.
//   * What the buffer of an earlier process holds is in the files, synced, or lost, and then the buffer is cleared,
//     before the first record of this process has a number.
#include <array>
#include <cstring>
#include <utility>

#include "core/check.h"
#include "core/durable_note.h"
#include "core/log.h"
#include "core/log_buffer.h"
#include "core/log_file.h"
#include "core/log_recovery.h"

namespace chronos {
namespace {

class LocalLog final : public Log {
 public:
  LocalLog(Disk& disk, LocalLogOptions options) : disk_(disk), options_(std::move(options)) {}

  Result<LogEnd> replay(const Visitor& visit, Lsn sealed) override {
    CHECK(!is_open_ && closed_because_.empty());
    auto recovered = recover_log(disk_, options_.directory, visit, sealed);
    if (!recovered) {
      closed_because_ = recovered.error().message;
      return recovered.error();
    }
    files_ = std::move(recovered->files);
    file_ = std::move(recovered->tail);
    file_size_ = recovered->tail_size;
    written_ = recovered->in_files;
    last_ = durable_ = recovered->end.last;
    claimed_ = recovered->claimed;
    left_ = std::move(recovered->left);
    is_open_ = true;
    return std::move(recovered->end);
  }

  Result<void> append(std::span<const std::string_view> records, Lsn expected_last, Durability durability) override {
    if (!closed_because_.empty()) return closed();
    CHECK(is_open_);
    if (expected_last != last_) return second_writer(expected_last);
    check_numbers(records);
    if (left_) {
      if (auto saved = save_left(); !saved) return closed_by(saved.error());
    }
    if (!records.empty()) {
      const auto buffered = durability == Durability::kOs ? put_in_buffer(records) : Result<bool>(false);
      if (!buffered) return closed_by(buffered.error());
      if (!*buffered) {
        if (auto written = write_out(records, durability); !written) return closed_by(written.error());
      }
      last_.value += records.size();
    }
    return durability == Durability::kFsync ? sync() : Result<void>();
  }

  bool takes_at_once(size_t bytes) const override {
    return bytes <= options_.buffer_size_bytes / 4 && buffer_ != nullptr && buffer_->fits(bytes) &&
           closed_because_.empty();
  }

  Result<void> sync() override {
    if (!closed_because_.empty()) return closed();
    if (auto emptied = empty_buffers(); !emptied) return closed_by(emptied.error());
    if (auto synced = sync_file(); !synced) return closed_by(synced.error());
    return {};
  }

  // From the oldest on: what a power cut leaves of them is passed over by replay.
  Result<void> forget(Lsn sealed) override {
    if (auto synced = sync(); !synced) return synced;
    if (file_ != nullptr && files_.back() <= sealed) {
      if (auto begun = begin_file(); !begun) return closed_by(begun.error());
    }
    while (files_.size() > 1 && files_[1].value <= sealed.value + 1) {
      // A file that stays does no harm; the next replay removes it.
      if (!disk_.remove(options_.directory + "/" + log_file_name(files_.front()))) break;
      files_.erase(files_.begin());
    }
    return {};
  }

  Result<void> mark() override {
    if (!closed_because_.empty()) return closed();
    if (durable_ <= claimed_) return {};  // the log says so already
    if (auto emptied = empty_buffers(); !emptied) return closed_by(emptied.error());
    std::array<char, sizeof(RecordHeader)> record{};
    const RecordHeader header{.checksum = 0,
                              .size = 0,
                              .head_size = 0,
                              .kind = static_cast<uint8_t>(RecordKind::kMark),
                              .flags = 0,
                              .zero16 = 0,
                              .zero32 = 0,
                              .lsn = 0,
                              .durable = 0};
    std::memcpy(record.data(), &header, sizeof(header));
    seal_record(record.data(), {.lsn = last_, .durable = durable_}, hash_bytes({}));
    const std::string_view bytes(record.data(), record.size());
    if (auto written = write({&bytes, 1}); !written) return closed_by(written.error());
    claimed_ = durable_;
    // The mark says it too: a note that cannot be written takes nothing away.
    static_cast<void>(write_durable_note(disk_, options_.directory, durable_).has_value());
    return {};
  }

 private:
  void check_numbers(std::span<const std::string_view> records) {
    uint64_t lsn = last_.value;
    for (const std::string_view record : records) {
      RecordHeader header;
      CHECK(record.size() >= sizeof(header));
      std::memcpy(&header, record.data(), sizeof(header));
      CHECK(header.lsn == ++lsn);
      CHECK(header.durable <= durable_.value);
      CHECK(record.size() == record_length(header));
      claimed_ = std::max(claimed_, Lsn{header.durable});
    }
  }

  Result<void> save_left() {
    std::vector<std::string_view> records;
    for (const LogRecord& record : left_->records) records.push_back(record.bytes);
    if (auto written = write_out(records, Durability::kFsync); !written) return written;
    if (auto synced = sync_file(); !synced) return synced;
    if (auto cleared = clear_log_buffer(disk_, options_.directory); !cleared) return cleared;
    left_.reset();
    return {};
  }

  // Everything that waits in memory, an earlier process's first, goes into the file.
  Result<void> empty_buffers() {
    if (left_) {
      if (auto saved = save_left(); !saved) return saved;
    }
    return write_out({});
  }

  // False when the records belong into a file.
  Result<bool> put_in_buffer(std::span<const std::string_view> records) {
    size_t bytes = 0;
    for (const std::string_view record : records) bytes += record.size();
    if (bytes > options_.buffer_size_bytes / 4 || has_no_buffer_) return false;
    if (buffer_ == nullptr) {
      auto buffer = LogBuffer::create(disk_, options_.directory, options_.buffer_size_bytes);
      has_no_buffer_ = !buffer;
      if (!buffer) return false;
      buffer_ = *std::move(buffer);
    }
    if (!buffer_->fits(bytes)) {
      if (auto written = write_out({}); !written) return written.error();
    }
    buffer_->put(records);
    return true;
  }

  // Writes what the buffer holds, and then the records, to the file.
  Result<void> write_out(std::span<const std::string_view> records, Durability durability = Durability::kOs) {
    const uint64_t buffered = buffer_ == nullptr ? 0 : buffer_->record_count();
    if (buffered + records.size() == 0) return {};
    if (file_ == nullptr || file_size_ > options_.file_size_bytes) {
      if (auto begun = begin_file(); !begun) return begun;
    }
    if (buffered == 0) {
      if (auto written = write(records, durability); !written) return written;
    } else {
      parts_.assign(1, buffer_->content());
      parts_.insert(parts_.end(), records.begin(), records.end());
      if (auto written = write(parts_, durability); !written) return written;
      buffer_->forget();
    }
    written_.value += buffered + records.size();
    return {};
  }

  Result<void> begin_file() {
    if (auto synced = sync_file(); !synced) return synced;
    const LogFileHeader header = make_file_header(Lsn{written_.value + 1});
    auto file = disk_.open(options_.directory + "/" + log_file_name(Lsn{header.first_lsn}), OpenMode::kCreate);
    if (!file) return file.error();
    file_ = *std::move(file);
    files_.push_back(Lsn{header.first_lsn});
    file_size_ = 0;
    const std::string_view bytes(reinterpret_cast<const char*>(&header), sizeof(header));
    if (auto written = write({&bytes, 1}); !written) return written;
    if (auto synced = sync_file(); !synced) return synced;
    return disk_.sync_directory(options_.directory);
  }

  Result<void> write(std::span<const std::string_view> parts, Durability durability = Durability::kOs) {
    has_unsynced_ = true;
    const bool is_synced = durability == Durability::kFsync;
    auto written = is_synced ? file_->write_and_sync(file_size_, parts) : file_->write(file_size_, parts);
    if (!written) return written;
    has_unsynced_ = !is_synced;
    for (const std::string_view part : parts) file_size_ += part.size();
    return {};
  }

  Result<void> sync_file() {
    if (has_unsynced_) {
      if (auto synced = file_->sync(); !synced) return synced;
      has_unsynced_ = false;
    }
    durable_ = std::max(durable_, written_);
    return {};
  }

  Error second_writer(Lsn expected_last) const {
    return {.code = Code::kConflict,
            .message = "the log's last record is " + std::to_string(last_.value) + ", not " +
                       std::to_string(expected_last.value) +
                       " as this writer expected; another one wrote to it: " + "open the store again",
            .details = {}};
  }

  Error closed() const {
    return {.code = Code::kUnavailable,
            .message = "the log takes nothing more after a failure (" + closed_because_ + "); open the store again",
            .details = {}};
  }

  Error closed_by(const Error& reason) {
    closed_because_ = reason.message;
    return {.code = Code::kUnavailable, .message = reason.message, .details = {}};
  }

  Disk& disk_;
  const LocalLogOptions options_;
  std::vector<Lsn> files_;      // by their first record, ascending
  std::unique_ptr<File> file_;  // the last file; null as long as the log is empty
  uint64_t file_size_ = 0;
  bool has_unsynced_ = false;
  bool is_open_ = false;
  std::string closed_because_;
  std::optional<BufferedRecords> left_;  // by an earlier process, until it is in the file
  std::unique_ptr<LogBuffer> buffer_;    // null until it is needed
  bool has_no_buffer_ = false;           // it cannot be had
  std::vector<std::string_view> parts_;  // kept for its memory
  Lsn last_;
  Lsn written_;  // the last one that is in a file
  Lsn durable_;
  Lsn claimed_;  // the largest `durable` written so far
};

}  // namespace

Result<std::unique_ptr<Log>> open_local_log(Disk& disk, const LocalLogOptions& options) {
  if (auto created = disk.create_directories(options.directory); !created) return created.error();
  return std::unique_ptr<Log>(std::make_unique<LocalLog>(disk, options));
}

}  // namespace chronos
