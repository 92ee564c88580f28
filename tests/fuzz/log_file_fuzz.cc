// Any bytes as the last file of a log: replay succeeds, or refuses, and after success a second replay finds the
// same records and nothing to cut.
//
// The first byte of the input says how much is made real, so that the fuzzer gets behind the checksums: the file's
// header, the records, a file before it.
#include <algorithm>
#include <cstring>
#include <string>

#include "core/log_file.h"
#include "core/log_recovery.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/simulated_disk.h"

namespace chronos {
namespace {

constexpr uint8_t kRealHeader = 1;
constexpr uint8_t kRealRecords = 2;
constexpr uint8_t kSecondFile = 4;

void put_header(std::string& file, Lsn first) {
  const LogFileHeader header = make_file_header(first);
  file.insert(0, reinterpret_cast<const char*>(&header), sizeof(header));
}

// Makes records of what lies where records are due, with small numbers so that some follow one another.
void seal_records(std::string& file) {
  for (size_t at = sizeof(LogFileHeader); at + sizeof(RecordHeader) <= file.size();) {
    RecordHeader header;
    std::memcpy(&header, file.data() + at, sizeof(header));
    header.kind = header.kind % 4;
    if (header.kind == 0) return;  // the rest stays as it is
    const bool is_mark = header.kind == static_cast<uint8_t>(RecordKind::kMark);
    header.size = is_mark ? 0 : header.size % 64;
    header.head_size = is_mark ? 0 : std::min(header.head_size, header.size);
    header.lsn = std::max<uint64_t>(header.lsn % 8, 1);
    header.durable %= header.lsn + (is_mark ? 1 : 0);
    if (record_length(header) > file.size() - at) return;
    char* record = file.data() + at;
    std::memcpy(record, &header, sizeof(header));
    const std::string_view body(record + sizeof(header) + header.head_size, header.size - header.head_size);
    seal_record(record, {.lsn = Lsn{header.lsn}, .durable = Lsn{header.durable}}, hash_bytes(body));
    at += record_length(header);
  }
}

Result<LogEnd> replay(test::SimulatedDisk& disk, uint64_t& touched) {
  const auto visit = [&](const LogRecord& record, const std::shared_ptr<const char[]>&) -> Result<void> {
    for (const char byte : record.bytes) touched += static_cast<unsigned char>(byte);
    return {};
  };
  auto recovered = recover_log(disk, "log", visit, Lsn{0});
  if (!recovered) return recovered.error();
  return recovered->end;
}

}  // namespace
}  // namespace chronos

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace chronos;
  if (size == 0) return 0;
  const uint8_t mode = data[0];
  std::string file(reinterpret_cast<const char*>(data) + 1, size - 1);
  test::SimulatedDisk disk;
  Lsn first{1};
  if ((mode & kSecondFile) != 0) {
    // The file before: one record.
    RecordHeader header{};
    header.kind = static_cast<uint8_t>(RecordKind::kControl);
    std::string record(reinterpret_cast<const char*>(&header), sizeof(header));
    seal_record(record.data(), {.lsn = first, .durable = Lsn{0}}, hash_bytes({}));
    put_header(record, first);
    disk.put("log/" + log_file_name(first), record);
    first = Lsn{2};
  }
  if ((mode & kRealHeader) != 0) put_header(file, first);
  if ((mode & kRealRecords) != 0) seal_records(file);
  disk.put("log/" + log_file_name(first), file);

  uint64_t touched = 0;
  const auto end = replay(disk, touched);
  if (!end) {
    CHECK(end.error().code == Code::kCorrupt || end.error().code == Code::kInvalidArgument);
    return 0;
  }
  disk.power_cut(touched);
  uint64_t again = 0;
  const auto second = replay(disk, again);
  CHECK(second.has_value() && second->last == end->last && second->cut_report.empty() && again == touched);
  return 0;
}
