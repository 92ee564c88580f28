#include "core/backup.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "core/log_file.h"

namespace chronos {
namespace {

constexpr size_t kCopiedAtOnce = size_t{1} << 20;

Result<void> begin_log(Disk& disk, const std::string& directory, Lsn first) {
  if (auto made = disk.create_directories(directory); !made) return made;
  auto file = disk.open(directory + "/" + log_file_name(first), OpenMode::kCreate);
  if (!file) return file.error();
  const LogFileHeader header = make_file_header(first);
  const std::string_view bytes(reinterpret_cast<const char*>(&header), sizeof header);
  if (auto written = (*file)->write(0, {&bytes, 1}); !written) return written;
  if (auto synced = (*file)->sync(); !synced) return synced;
  return disk.sync_directory(directory);
}

Result<uint64_t> size_of(Disk& disk, const std::string& path) {
  auto file = disk.open(path, OpenMode::kRead);
  if (!file) return file.error();
  return (*file)->size();
}

}  // namespace

Result<void> require_empty(Disk& disk, const std::string& directory) {
  const Error error{
      Code::kInvalidArgument,
      "the directory '" + directory + "' is not empty; name one that is not there yet, so that nothing is overwritten",
      {}};
  auto there = disk.exists(directory);
  if (!there) return there.error();
  if (!*there) return {};
  const auto names = disk.list(directory);
  if (!names) return names.error();
  if (!names->empty()) return error;
  for (const char* const part : {"/log", "/segments"}) {
    there = disk.exists(directory + part);
    if (!there) return there.error();
    if (*there) return error;
  }
  return {};
}

Result<void> copy_file(Disk& disk, const std::string& from, const std::string& to, uint64_t size) {
  const auto mapped = disk.map(from);
  if (!mapped) return mapped.error();
  if ((*mapped)->bytes().size() < size) {
    return Error{Code::kCorrupt,
                 "'" + from + "' has " + std::to_string((*mapped)->bytes().size()) + " bytes where " +
                     std::to_string(size) + " were written: it was cut short; save what is intact with chronos salvage",
                 {}};
  }
  auto file = disk.open(to, OpenMode::kCreate);
  if (!file) return file.error();
  std::string buffer;
  for (uint64_t at = 0; at < size; at += kCopiedAtOnce) {
    buffer.resize(std::min<uint64_t>(kCopiedAtOnce, size - at));
    const auto got = (*mapped)->read(at, buffer.data(), buffer.size());
    if (!got) return got.error();
    const std::string_view part(buffer.data(), *got);
    if (auto written = (*file)->write(at, {&part, 1}); !written) return written;
  }
  return (*file)->sync();
}

namespace {

Result<void> copy_directory(Disk& disk, const std::string& from, const std::string& to) {
  if (auto made = disk.create_directories(to); !made) return made;
  const auto names = disk.list(from);
  if (!names) return names.error();
  for (const std::string& name : *names) {
    const auto size = size_of(disk, from + "/" + name);
    if (!size) return size.error();
    if (auto copied = copy_file(disk, from + "/" + name, to + "/" + name, *size); !copied) return copied;
  }
  return disk.sync_directory(to);
}

}  // namespace

Result<BackupReport> copy_sealed(Disk& disk, const std::string& from, const Manifest& manifest, const std::string& to,
                                 BackupLog log) {
  if (auto empty = require_empty(disk, to); !empty) return empty.error();
  const auto begun = log == BackupLog::kWhole ? copy_directory(disk, from + "/log", to + "/log")
                                              : begin_log(disk, to + "/log", Lsn{manifest.sealed.value + 1});
  if (!begun) return begun.error();
  const std::string segments = from + "/segments";
  const std::string copies = to + "/segments";
  if (auto made = disk.create_directories(copies); !made) return made.error();
  BackupReport report;
  for (const SealedRef& ref : manifest.segments) {
    const std::string name = segment_file_name(ref);
    const auto size = size_of(disk, segments + "/" + name);
    if (!size) return size.error();
    const auto linked = disk.link(segments + "/" + name, copies + "/" + name);
    if (!linked) return linked.error();
    if (!*linked) {
      auto copied = copy_file(disk, segments + "/" + name, copies + "/" + name, *size);
      if (!copied) return copied.error();
    }
    if (ref.fork == kMainFork) report.position = Position{ref.base.value + ref.events};
    report.events += ref.events;
    report.segments++;
    report.bytes += *size;
  }
  if (manifest.changes_bytes > 0) {
    auto copied = copy_file(disk, segments + "/changes", copies + "/changes", manifest.changes_bytes);
    if (!copied) return copied.error();
    report.bytes += manifest.changes_bytes;
  }
  if (auto synced = disk.sync_directory(copies); !synced) return synced.error();
  if (auto written = write_manifest(disk, copies, manifest); !written) return written.error();
  if (auto published = publish_manifest(disk, copies); !published) return published.error();
  return report;
}

}  // namespace chronos
