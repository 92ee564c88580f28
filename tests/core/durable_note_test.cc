// A log that was cut short behind everybody's back is refused, and nothing is changed.
#include "core/durable_note.h"

#include <string>
#include <vector>

#include "core/log_file.h"
#include "tests/support/catch.h"
#include "tests/support/log_records.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {
namespace {

const LocalLogOptions kOptions{.directory = "/log"};
const std::string kNote = "/log/durable";

std::string log_path() { return "/log/" + log_file_name(Lsn{1}); }

// Three records, synced and marked.
void fill(SimulatedDisk& disk) {
  auto opened = open_and_replay(disk, kOptions);
  REQUIRE(opened);
  const std::vector<std::string> bodies = {"first", "second", "third"};
  REQUIRE(append_bodies(*opened->log, bodies, {.lsn = Lsn{0}, .durable = Lsn{0}}));
  REQUIRE(opened->log->mark());
}

TEST_CASE("a log cut anywhere is refused when the note knows better, and left as it is") {
  SimulatedDisk whole;
  fill(whole);
  const size_t size = whole.contents(log_path()).size();
  const size_t mark = size - sizeof(RecordHeader);
  for (size_t length = 0; length < mark; length += 8) {
    SimulatedDisk disk;
    fill(disk);
    disk.cut(log_path(), length);
    const std::string before = disk.contents(log_path());
    const auto opened = open_and_replay(disk, kOptions);
    INFO("cut to " << length);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Code::kCorrupt);
    CHECK(disk.contents(log_path()) == before);
  }
  SimulatedDisk disk;
  fill(disk);
  disk.cut(log_path(), mark);  // the mark alone is missed by nobody
  const auto opened = open_and_replay(disk, kOptions);
  REQUIRE(opened);
  CHECK(opened->found.bodies.size() == 3);
}

TEST_CASE("log files that are gone are missed") {
  SimulatedDisk disk;
  fill(disk);
  REQUIRE(disk.remove(log_path()));
  const auto opened = open_and_replay(disk, kOptions);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == Code::kCorrupt);
  CHECK(opened.error().message.find("record 3 was durable") != std::string::npos);
}

TEST_CASE("an older copy of the log opens once the note is removed") {
  SimulatedDisk disk;
  fill(disk);
  disk.cut(log_path(), disk.contents(log_path()).size() - 2 * sizeof(RecordHeader) - 16);
  REQUIRE_FALSE(open_and_replay(disk, kOptions));
  REQUIRE(disk.remove(kNote));
  const auto opened = open_and_replay(disk, kOptions);
  REQUIRE(opened);
  CHECK(opened->found.bodies == std::vector<std::string>{"first", "second"});
}

TEST_CASE("a note that is not whole counts as none") {
  for (size_t byte = 0; byte < 24; byte++) {
    SimulatedDisk disk;
    fill(disk);
    disk.flip_bit(kNote, byte, 3);
    const auto noted = read_durable_note(disk, "/log");
    REQUIRE(noted);
    CHECK(*noted == Lsn{0});
  }
  SimulatedDisk disk;
  fill(disk);
  disk.cut(kNote, 23);
  CHECK(*read_durable_note(disk, "/log") == Lsn{0});
  REQUIRE(open_and_replay(disk, kOptions));
}

TEST_CASE("a note is never ahead of the disk") {
  for (uint64_t seed = 1; seed <= 50; seed++) {
    SimulatedDisk disk(seed);
    {
      auto opened = open_and_replay(disk, kOptions);
      REQUIRE(opened);
      for (uint64_t n = 0; n < 6; n++) {
        const std::vector<std::string> body = {"body"};
        const bool synced = (seed + n) % 3 != 0;
        const uint64_t durable = 0;
        REQUIRE(append_bodies(*opened->log, body, {.lsn = Lsn{n}, .durable = Lsn{durable}},
                              synced ? Durability::kFsync : Durability::kOs));
        REQUIRE(opened->log->mark());
      }
      disk.power_cut(seed);
    }
    INFO("seed " << seed);
    REQUIRE(open_and_replay(disk, kOptions));
  }
}

}  // namespace
}  // namespace chronos::test
