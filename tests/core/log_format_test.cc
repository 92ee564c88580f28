#include "core/log_format.h"

#include <xxhash.h>

#include <cstring>
#include <string>

#include "core/log_file.h"
#include "tests/support/catch.h"
#include "tests/support/log_records.h"

namespace chronos::test {
namespace {

// Lays out a record with any header and a checksum that fits it, as the header's comment defines it: so that only
// the rules can refuse it.
std::string with_checksum(RecordHeader header, std::string_view content) {
  std::string record(sizeof(header) + aligned(content.size()), '\0');
  std::memcpy(record.data(), &header, sizeof(header));
  record.replace(sizeof(header), content.size(), content);
  const std::string_view head = content.substr(0, header.head_size);
  const uint64_t seed = hash_bytes(content.substr(head.size()));
  header.checksum = XXH3_64bits_withSeed(record.data() + 8, sizeof(header) - 8 + head.size(), seed);
  std::memcpy(record.data(), &header, sizeof(header));
  return record;
}

bool is_record(const RecordHeader& header, std::string_view content) {
  const std::string record = with_checksum(header, content);
  return check_record(record.data(), record.size()) != 0;
}

}  // namespace

TEST_CASE("what no writer writes is no record, even with the right checksum") {
  RecordHeader good{};
  good.kind = 1;
  good.size = 12;
  good.head_size = 4;
  good.lsn = 5;
  good.durable = 4;
  const std::string content = "headbodybody";
  REQUIRE(is_record(good, content));
  const auto changed = [&](auto field, auto value) {
    RecordHeader header = good;
    header.*field = value;
    return header;
  };
  CHECK(is_record(changed(&RecordHeader::kind, uint8_t{2}), content));
  CHECK(!is_record(changed(&RecordHeader::kind, uint8_t{0}), content));
  CHECK(!is_record(changed(&RecordHeader::kind, uint8_t{3}), content));  // a mark carries nothing
  CHECK(!is_record(changed(&RecordHeader::kind, uint8_t{4}), content));
  CHECK(is_record(changed(&RecordHeader::flags, uint8_t{kGoesOn}), content));
  CHECK(!is_record(changed(&RecordHeader::flags, uint8_t{2}), content));
  CHECK(!is_record(changed(&RecordHeader::zero16, uint16_t{1}), content));
  CHECK(!is_record(changed(&RecordHeader::zero32, uint32_t{1}), content));
  CHECK(!is_record(changed(&RecordHeader::head_size, uint32_t{13}), content));
  CHECK(!is_record(changed(&RecordHeader::durable, uint64_t{5}), content));
  CHECK(!is_record(changed(&RecordHeader::lsn, uint64_t{0}), content));

  good.size = kMaxRecordSize + 1;
  CHECK(!is_record(good, std::string(good.size, 'x')));
  good.size = kMaxRecordSize;
  CHECK(is_record(good, std::string(good.size, 'x')));

  RecordHeader mark{};
  mark.kind = 3;
  mark.lsn = mark.durable = 5;
  CHECK(is_record(mark, ""));
  mark.flags = kGoesOn;  // a mark is nobody's part
  CHECK(!is_record(mark, ""));
  mark.flags = 0;
  mark.durable = 6;
  CHECK(!is_record(mark, ""));
}

TEST_CASE("a sealed record is read back in its parts") {
  const std::string record = make_record({.lsn = 9, .durable = 4, .head = "the head", .body = "a body of 18 bytes"});
  REQUIRE(record.size() == 40 + 32);
  REQUIRE(check_record(record.data(), record.size()) == record.size());
  const LogRecord parts = record_at(record.data());
  CHECK(parts.kind == RecordKind::kCommit);
  CHECK(parts.lsn == Lsn{9});
  CHECK(parts.head == "the head");
  CHECK(parts.body == "a body of 18 bytes");
  CHECK(parts.bytes == record);
}

TEST_CASE("a record is not one when a byte is missing, and does not care what follows it") {
  const std::string record = make_record({.lsn = 1, .durable = 0, .body = "body"});
  for (size_t size = 0; size < record.size(); size++) REQUIRE(check_record(record.data(), size) == 0);
  const std::string longer = record + "something else";
  CHECK(check_record(longer.data(), longer.size()) == record.size());
}

TEST_CASE("no flipped bit of a record goes unseen, padding included") {
  const std::string record = make_record({.lsn = 1, .durable = 0, .body = "body"});
  REQUIRE(record.size() % kRecordAlignment == 0);
  for (size_t bit = 0; bit < record.size() * 8; bit++) {
    std::string flipped = record;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    INFO("bit " << bit);
    REQUIRE(check_record(flipped.data(), flipped.size()) == 0);
  }
}

TEST_CASE("file names sort as numbers do, and nothing else is one") {
  CHECK(log_file_name(Lsn{1}) == "00000000000000000001.log");
  CHECK(log_file_name(Lsn{18446744073709551615u}) == "18446744073709551615.log");
  CHECK(parse_log_file_name("00000000000000000042.log") == Lsn{42});
  CHECK(parse_log_file_name("18446744073709551615.log") == Lsn{18446744073709551615u});
  for (const char* name :
       {"", "1.log", "00000000000000000000.log", "18446744073709551616.log", "0000000000000000001x.log",
        "+0000000000000000001.log", "00000000000000000001.LOG", "00000000000000000001.log.bak"}) {
    INFO(name);
    CHECK(!parse_log_file_name(name));
  }
}

TEST_CASE("a file header is refused when a bit is wrong") {
  const LogFileHeader header = make_file_header(Lsn{77});
  const std::string bytes(reinterpret_cast<const char*>(&header), sizeof(header));
  REQUIRE(parse_file_header(bytes));
  CHECK(parse_file_header(bytes)->first_lsn == 77);
  CHECK(!parse_file_header(bytes.substr(0, 31)));
  for (size_t bit = 0; bit < bytes.size() * 8; bit++) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    REQUIRE(!parse_file_header(flipped));
  }
}

}  // namespace chronos::test
