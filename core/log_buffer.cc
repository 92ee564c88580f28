#include "core/log_buffer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/check.h"
#include "core/log.h"

namespace chronos {
namespace {

std::string path_in(const std::string& directory) { return directory + "/" + std::string(kLogBufferName); }

Result<void> write_zeros(File& file, size_t size) {
  const std::string zeros(size, '\0');
  const std::string_view bytes = zeros;
  if (auto written = file.write(0, {&bytes, 1}); !written) return written;
  return file.sync();
}

}  // namespace

Result<BufferedRecords> read_log_buffer(Disk& disk, const std::string& directory) {
  BufferedRecords found;
  auto file = disk.open(path_in(directory), OpenMode::kRead);
  if (!file) {
    if (file.error().code == Code::kNotFound) return found;
    return file.error();
  }
  const auto file_size = (*file)->size();
  if (!file_size) return file_size.error();
  auto memory = std::make_unique<char[]>(*file_size + kSimdPadding);
  const auto size = (*file)->read(0, memory.get(), *file_size);
  if (!size) return size.error();
  for (size_t at = 0; at < *size;) {
    const size_t length = check_record(memory.get() + at, *size - at);
    if (length == 0) break;
    const LogRecord record = record_at(memory.get() + at);
    const bool follows = found.records.empty() || record.lsn.value == found.records.back().lsn.value + 1;
    if (record.kind == RecordKind::kMark || !follows) break;
    RecordHeader header;
    std::memcpy(&header, memory.get() + at, sizeof header);
    found.claimed = std::max(found.claimed, Lsn{header.durable});
    found.records.push_back(record);
    at += length;
  }
  // The bytes behind the last record are the padding of the next reader: nothing of theirs is needed.
  if (!found.records.empty()) found.memory = std::move(memory);
  return found;
}

Result<void> save_log_buffer(Disk& disk, const std::string& directory, const BufferedRecords& found) {
  auto file = disk.open(path_in(directory), OpenMode::kReadWrite);
  if (!file) return file.error();
  const std::string_view last = found.records.back().bytes;
  const std::string_view bytes(found.memory.get(), static_cast<size_t>(last.data() + last.size() - found.memory.get()));
  if (auto written = (*file)->write(0, {&bytes, 1}); !written) return written;
  if (auto synced = (*file)->sync(); !synced) return synced;
  return disk.sync_directory(directory);  // the file's name was of no importance before
}

Result<void> clear_log_buffer(Disk& disk, const std::string& directory) {
  auto file = disk.open(path_in(directory), OpenMode::kReadWrite);
  if (!file) return file.error().code == Code::kNotFound ? Result<void>() : file.error();
  const auto size = (*file)->size();
  return size ? write_zeros(**file, *size) : size.error();
}

Result<std::unique_ptr<LogBuffer>> LogBuffer::create(Disk& disk, const std::string& directory, size_t size_bytes) {
  const std::string path = path_in(directory);
  auto file = disk.open(path, OpenMode::kReadWrite);
  const bool is_new = !file && file.error().code == Code::kNotFound;
  if (is_new) file = disk.open(path, OpenMode::kCreate);
  if (!file) return file.error();
  if (auto resized = (*file)->truncate(size_bytes); !resized) return resized.error();
  if (auto zeroed = write_zeros(**file, size_bytes); !zeroed) return zeroed.error();
  auto memory = disk.share(path);
  if (!memory) return memory.error();
  return std::unique_ptr<LogBuffer>(new LogBuffer(*std::move(memory)));
}

void LogBuffer::put(std::span<const std::string_view> records) {
  for (const std::string_view record : records) {
    CHECK(fits(record.size()));
    std::memcpy(memory_->bytes().data() + used_, record.data(), record.size());
    used_ += record.size();
    record_count_++;
  }
}

}  // namespace chronos
