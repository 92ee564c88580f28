#include "core/log.h"

#include <string>
#include <vector>

#include "core/log_file.h"
#include "tests/support/catch.h"
#include "tests/support/log_records.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {
namespace {

using Bodies = std::vector<std::string>;

constexpr uint64_t kSmallFile = 256;

LocalLogOptions small_files() { return {.directory = "d/log", .file_size_bytes = kSmallFile}; }

OpenedLog open_intact(Disk& disk, const LocalLogOptions& options = small_files()) {
  auto opened = open_and_replay(disk, options);
  if (!opened) FAIL(opened.error().message);
  CHECK(opened->found.end.cut_report.empty());
  return *std::move(opened);
}

RecordNumbers all_durable(uint64_t lsn) { return {.lsn = Lsn{lsn}, .durable = Lsn{lsn}}; }

// Appends the bodies one group each, all durable.
void append_each(Log& log, const Bodies& bodies, uint64_t last = 0) {
  for (const std::string& body : bodies) REQUIRE(append_bodies(log, {&body, 1}, all_durable(last++)));
}

size_t count_marks(const std::string& file) {
  size_t marks = 0;
  for (size_t at = sizeof(LogFileHeader); at < file.size();) {
    const size_t length = check_record(file.data() + at, file.size() - at);
    REQUIRE(length > 0);
    if (record_at(file.data() + at).kind == RecordKind::kMark) marks++;
    at += length;
  }
  return marks;
}

}  // namespace

TEST_CASE("a new log is empty and leaves no file before the first append") {
  SimulatedDisk disk;
  const OpenedLog opened = open_intact(disk);
  CHECK(opened.found.bodies.empty());
  REQUIRE(opened.log->mark());
  REQUIRE(opened.log->sync());
  REQUIRE(append_bodies(*opened.log, {}, all_durable(0)));
  CHECK(disk.files().empty());
}

TEST_CASE("records come back as they went in, in groups and alone, empty and large") {
  SimulatedDisk disk;
  const Bodies bodies = {"", "a", "1234567", "12345678", std::string(100'000, 'x'), "the end"};
  {
    const OpenedLog opened = open_intact(disk);
    REQUIRE(append_bodies(*opened.log, std::span(bodies).first(4), all_durable(0)));
    REQUIRE(append_bodies(*opened.log, std::span(bodies).subspan(4), all_durable(4), Durability::kOs));
  }
  disk.kill();
  CHECK(open_intact(disk).found.bodies == bodies);
}

TEST_CASE("a log goes on where it ended, over several openings and files") {
  SimulatedDisk disk;
  Bodies all;
  for (int round = 0; round < 5; round++) {
    const OpenedLog opened = open_intact(disk);
    REQUIRE(opened.found.bodies == all);
    const Bodies more = {"round " + std::to_string(round), std::string(150, 'y'), "z"};
    append_each(*opened.log, more, all.size());
    all.insert(all.end(), more.begin(), more.end());
  }
  CHECK(open_intact(disk).found.bodies == all);
  CHECK(disk.files().size() > 2);
}

TEST_CASE("files are named by their first record and begun between groups only") {
  SimulatedDisk disk;
  const OpenedLog opened = open_intact(disk);
  const Bodies large = {std::string(200, 'a'), std::string(200, 'b'), std::string(200, 'c')};
  REQUIRE(append_bodies(*opened.log, large, all_durable(0)));
  append_each(*opened.log, {"d"}, 3);
  const auto files = disk.files();
  REQUIRE(files.size() == 2);
  CHECK(files.contains("d/log/00000000000000000001.log"));
  CHECK(files.contains("d/log/00000000000000000004.log"));
}

TEST_CASE("names that are no log file's are left alone") {
  SimulatedDisk disk;
  append_each(*open_intact(disk).log, {"a"});
  disk.put("d/log/00000000000000000002.log.old", "x");
  disk.put("d/log/2.log", "x");
  disk.put("d/log/0000000000000000000x.log", "x");
  CHECK(open_intact(disk).found.bodies == Bodies{"a"});
}

TEST_CASE("an append that expects another last record is a conflict and writes nothing") {
  SimulatedDisk disk;
  const OpenedLog opened = open_intact(disk);
  append_each(*opened.log, {"a", "b"});
  const auto before = disk.files();
  const Bodies body = {"c"};
  for (const uint64_t expected : {0, 1, 3}) {
    const auto refused = append_bodies(*opened.log, body, {.lsn = Lsn{expected}, .durable = Lsn{0}});
    REQUIRE(!refused);
    CHECK(refused.error().code == Code::kConflict);
  }
  CHECK(disk.files() == before);
  append_each(*opened.log, {"c"}, 2);
  CHECK(open_intact(disk).found.bodies == Bodies{"a", "b", "c"});
}

TEST_CASE("a mark is written once for what it has to say") {
  SimulatedDisk disk;
  const std::string path = "d/log/00000000000000000001.log";
  const OpenedLog opened = open_intact(disk, {.directory = "d/log"});
  append_each(*opened.log, {"a", "b"});
  CHECK(count_marks(disk.contents(path)) == 0);
  REQUIRE(opened.log->mark());
  REQUIRE(opened.log->mark());
  CHECK(count_marks(disk.contents(path)) == 1);

  const Bodies body = {"c"};
  REQUIRE(append_bodies(*opened.log, body, all_durable(2), Durability::kOs));
  REQUIRE(opened.log->mark());
  CHECK(count_marks(disk.contents(path)) == 1);
  REQUIRE(opened.log->sync());
  REQUIRE(opened.log->mark());
  CHECK(count_marks(disk.contents(path)) == 2);

  const OpenedLog again = open_intact(disk, {.directory = "d/log"});
  CHECK(again.found.bodies == Bodies{"a", "b", "c"});
  REQUIRE(again.log->mark());
  CHECK(count_marks(disk.contents(path)) == 2);
}

TEST_CASE("records of either durability are synced before the next file begins") {
  SimulatedDisk disk;
  const Bodies bodies = {std::string(300, 'a'), "b"};
  {
    const OpenedLog opened = open_intact(disk);
    REQUIRE(append_bodies(*opened.log, std::span(bodies).first(1), all_durable(0), Durability::kOs));
    REQUIRE(append_bodies(*opened.log, std::span(bodies).last(1), {.lsn = Lsn{1}, .durable = Lsn{0}}));
  }
  REQUIRE(disk.files().size() == 2);
  for (uint64_t seed = 0; seed < 5; seed++) disk.power_cut(seed);
  CHECK(open_intact(disk).found.bodies == bodies);
}

TEST_CASE("the first failure closes the log and stays its reason") {
  SimulatedDisk disk;
  const OpenedLog opened = open_intact(disk);
  append_each(*opened.log, {"a"});
  disk.set_free_bytes(20);
  const Bodies body = {"b"};
  const auto failed = append_bodies(*opened.log, body, all_durable(1));
  REQUIRE(!failed);
  CHECK(failed.error().code == Code::kUnavailable);
  CHECK(failed.error().message.find("No space left on device") != std::string::npos);

  disk.set_free_bytes({});
  const uint64_t operations = disk.operation_count();
  for (const auto& later : {append_bodies(*opened.log, body, all_durable(1)), opened.log->sync(), opened.log->mark()}) {
    REQUIRE(!later);
    CHECK(later.error().code == Code::kUnavailable);
    CHECK(later.error().message.find("No space left on device") != std::string::npos);
  }
  CHECK(disk.operation_count() == operations);

  const auto again = open_and_replay(disk, small_files());
  REQUIRE(again);
  CHECK(again->found.bodies == Bodies{"a"});
  CHECK(again->found.end.cut_bytes == 20);
}

TEST_CASE("replay stops at the visitor's error") {
  SimulatedDisk disk;
  append_each(*open_intact(disk).log, {std::string(300, 'a'), std::string(300, 'b'), "c"});
  auto log = open_local_log(disk, small_files());
  REQUIRE(log);
  int visited = 0;
  const auto end = (*log)->replay(
      [&](const LogRecord&, const std::shared_ptr<const char[]>&) -> Result<void> {
        if (++visited == 2) return Error{.code = Code::kTooLarge, .message = "enough", .details = {}};
        return {};
      },
      Lsn{0});
  REQUIRE(!end);
  CHECK(end.error().code == Code::kTooLarge);
  CHECK(visited == 2);
}

TEST_CASE("records outlive the log as long as their memory is kept") {
  SimulatedDisk disk;
  append_each(*open_intact(disk).log, {"kept"});
  std::shared_ptr<const char[]> kept;
  std::string_view body;
  {
    auto log = open_local_log(disk, small_files());
    REQUIRE(log);
    REQUIRE((*log)->replay(
        [&](const LogRecord& record, const std::shared_ptr<const char[]>& memory) -> Result<void> {
          kept = memory;
          body = record.body;
          return {};
        },
        Lsn{0}));
  }
  CHECK(body == "kept");
}

}  // namespace chronos::test
