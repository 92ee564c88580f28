#include "tests/support/log_records.h"

#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/check.h"

namespace chronos::test {

std::string make_record(const RecordText& text) {
  RecordHeader header{};
  header.size = static_cast<uint32_t>(text.head.size() + text.body.size());
  header.head_size = static_cast<uint32_t>(text.head.size());
  header.kind = static_cast<uint8_t>(text.kind);
  std::string record(record_length(header), '\0');
  std::memcpy(record.data(), &header, sizeof(header));
  record.replace(sizeof(header), text.head.size(), text.head);
  record.replace(sizeof(header) + text.head.size(), text.body.size(), text.body);
  seal_record(record.data(), {.lsn = Lsn{text.lsn}, .durable = Lsn{text.durable}}, hash_bytes(text.body));
  return record;
}

Result<OpenedLog> open_and_replay(Disk& disk, const LocalLogOptions& options) {
  auto log = open_local_log(disk, options);
  if (!log) return log.error();
  OpenedLog opened{.log = *std::move(log), .found = {}};
  const auto visit = [&](const LogRecord& record, const std::shared_ptr<const char[]>& memory) -> Result<void> {
    opened.found.bodies.emplace_back(record.body);
    CHECK(record.lsn.value == opened.found.bodies.size());
    CHECK(record.kind != RecordKind::kMark);
    CHECK(record.bytes.data() >= memory.get());
    CHECK(reinterpret_cast<uintptr_t>(record.bytes.data()) % kRecordAlignment == 0);
    // Readable: a sanitizer would say otherwise.
    std::string padding(record.bytes.data() + record.bytes.size(), kSimdPadding);
    return {};
  };
  auto end = opened.log->replay(visit, Lsn{0});
  if (!end) return end.error();
  opened.found.end = *std::move(end);
  CHECK(opened.found.end.last.value == opened.found.bodies.size());
  return opened;
}

Result<void> append_bodies(Log& log, std::span<const std::string> bodies, RecordNumbers before, Durability durability) {
  std::vector<std::string> records;
  uint64_t lsn = before.lsn.value;
  for (const std::string& body : bodies) {
    records.push_back(make_record({.lsn = ++lsn, .durable = before.durable.value, .body = body}));
  }
  const std::vector<std::string_view> views(records.begin(), records.end());
  return log.append(views, before.lsn, durability);
}

uint64_t seed_from_environment(uint64_t usual) {
  const char* text = std::getenv("CHRONOS_SEED");
  return text == nullptr ? usual : std::strtoull(text, nullptr, 10);
}

}  // namespace chronos::test
