// Records that wait for a sync in memory shared with the system.
#include "core/log_buffer.h"

#include <string>
#include <vector>

#include "core/log_file.h"
#include "tests/support/catch.h"
#include "tests/support/deaf_disk.h"
#include "tests/support/log_records.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {
namespace {

const LocalLogOptions kOptions{.directory = "/log", .buffer_size_bytes = 1024};
const std::string kBuffer = "/log/buffer";
const std::string kFile = "/log/" + log_file_name(Lsn{1});

// Appends one record of about `size` bytes without a sync; `durable` is what the log is known to have.
void append(Log& log, uint64_t lsn, size_t size = 120, uint64_t durable = 0) {
  const std::vector<std::string> bodies = {"record " + std::to_string(lsn) + std::string(size - 54, '.')};
  REQUIRE(append_bodies(log, bodies, {.lsn = Lsn{lsn - 1}, .durable = Lsn{durable}}, Durability::kOs));
}

OpenedLog open(Disk& disk) {
  auto opened = open_and_replay(disk, kOptions);
  REQUIRE(opened);
  return *std::move(opened);
}

size_t file_size(const SimulatedDisk& disk) {
  const auto files = disk.files();
  const auto found = files.find(kFile);
  return found == files.end() ? 0 : found->second.size();
}

bool is_zero(const std::string& bytes) { return bytes.find_first_not_of('\0') == std::string::npos; }

}  // namespace

TEST_CASE("small groups wait in the buffer and go into the file when it is full, or synced", "[log_buffer]") {
  SimulatedDisk disk;
  auto opened = open(disk);
  append(*opened.log, 1);
  CHECK(file_size(disk) == 0);
  CHECK(opened.log->takes_at_once(256));
  CHECK_FALSE(opened.log->takes_at_once(257));
  const uint64_t before = disk.operation_count();
  for (uint64_t lsn = 2; lsn <= 8; lsn++) append(*opened.log, lsn);
  CHECK(disk.operation_count() == before);  // memory alone
  CHECK_FALSE(opened.log->takes_at_once(256));
  for (uint64_t lsn = 9; lsn <= 12; lsn++) append(*opened.log, lsn);
  const size_t some = file_size(disk);
  CHECK(some > 0);
  append(*opened.log, 13, 300);  // a large one takes those before it along
  const size_t most = file_size(disk);
  CHECK(most > some + 300);
  append(*opened.log, 14);
  CHECK(file_size(disk) == most);
  REQUIRE(opened.log->sync());
  CHECK(file_size(disk) > most);
  disk.power_cut(1);
  CHECK(open(disk).found.bodies.size() == 14);
}

TEST_CASE("what waits in the buffer survives the process and is saved by the next one", "[log_buffer]") {
  SimulatedDisk disk;
  {
    auto opened = open(disk);
    for (uint64_t lsn = 1; lsn <= 5; lsn++) append(*opened.log, lsn);
    disk.kill();
  }
  CHECK(file_size(disk) == 0);
  {
    const auto opened = open(disk);
    CHECK(opened.found.bodies.size() == 5);
    disk.power_cut(3);  // what was found once stays, whatever happens
  }
  {
    auto opened = open(disk);
    CHECK(opened.found.bodies.size() == 5);
    CHECK(file_size(disk) == 0);
    REQUIRE(append_bodies(*opened.log, std::vector<std::string>{"six"}, {.lsn = Lsn{5}, .durable = Lsn{5}}));
    CHECK(is_zero(disk.contents(kBuffer)));
    disk.power_cut(4);
  }
  CHECK(open(disk).found.bodies.size() == 6);
}

TEST_CASE("what the file has is not taken from the buffer again", "[log_buffer]") {
  SimulatedDisk disk;
  {
    auto opened = open(disk);
    for (uint64_t lsn = 1; lsn <= 5; lsn++) append(*opened.log, lsn);
    REQUIRE(opened.log->sync());
    append(*opened.log, 6, 120, 5);
    disk.kill();
  }
  CHECK_FALSE(is_zero(disk.contents(kBuffer)));
  CHECK(open(disk).found.bodies.size() == 6);
}

TEST_CASE("records that do not follow the file are of no use, and are gone before a new one is written",
          "[log_buffer]") {
  SimulatedDisk disk;
  {
    auto opened = open(disk);
    for (uint64_t lsn = 1; lsn <= 5; lsn++) append(*opened.log, lsn);
    disk.kill();
  }
  const std::string waiting = disk.contents(kBuffer);
  const size_t first = record_length(*reinterpret_cast<const RecordHeader*>(waiting.data()));
  disk.put(kBuffer, waiting.substr(first) + std::string(first, '\0'));  // a power cut took record 1
  {
    auto opened = open(disk);
    CHECK(opened.found.bodies.empty());
    CHECK_FALSE(is_zero(disk.contents(kBuffer)));
    REQUIRE(append_bodies(*opened.log, std::vector<std::string>{"other"}, {.lsn = Lsn{0}, .durable = Lsn{0}}));
    CHECK(is_zero(disk.contents(kBuffer)));
  }
  CHECK(open(disk).found.bodies == std::vector<std::string>{"other"});
}

TEST_CASE("a record in the buffer bears witness to what was durable", "[log_buffer]") {
  SimulatedDisk disk;
  {
    auto opened = open(disk);
    REQUIRE(append_bodies(*opened.log, std::vector<std::string>{"one", "two"}, {.lsn = Lsn{0}, .durable = Lsn{0}}));
    append(*opened.log, 3, 120, 2);
    disk.kill();
  }
  const std::string before = disk.contents(kFile);
  SECTION("cut") { disk.cut(kFile, before.size() - 8); }
  SECTION("damaged") { disk.flip_bit(kFile, before.size() - 12, 3); }
  const auto opened = open_and_replay(disk, kOptions);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == Code::kCorrupt);
}

TEST_CASE("damage in the buffer ends it", "[log_buffer]") {
  SimulatedDisk disk;
  {
    auto opened = open(disk);
    for (uint64_t lsn = 1; lsn <= 5; lsn++) append(*opened.log, lsn);
    disk.kill();
  }
  const std::string whole = disk.contents(kBuffer);
  const size_t length = record_length(*reinterpret_cast<const RecordHeader*>(whole.data()));
  for (size_t byte = 0; byte < 5 * length; byte++) {
    disk.put(kBuffer, whole);
    disk.flip_bit(kBuffer, byte, byte % 8);
    REQUIRE(open(disk).found.bodies.size() == byte / length);
  }
  for (size_t size = 0; size < 5 * length; size += 8) {
    disk.put(kBuffer, whole);
    disk.cut(kBuffer, size);
    REQUIRE(open(disk).found.bodies.size() == size / length);
  }
}

namespace {

class UnsharedDisk final : public DeafDisk {
 public:
  using DeafDisk::DeafDisk;
  Result<std::unique_ptr<SharedMemory>> share(const std::string&) override {
    return Error{Code::kUnavailable, "no such thing here", {}};
  }
};

}  // namespace

TEST_CASE("where memory cannot be shared, records go into the file", "[log_buffer]") {
  SimulatedDisk disk;
  UnsharedDisk unshared(disk);
  {
    auto opened = open(unshared);
    append(*opened.log, 1);
    const size_t one = file_size(disk);
    CHECK(one > 0);
    CHECK_FALSE(opened.log->takes_at_once(1));
    append(*opened.log, 2);
    CHECK(file_size(disk) > one);
    disk.kill();
  }
  CHECK(open(disk).found.bodies.size() == 2);
}

}  // namespace chronos::test
