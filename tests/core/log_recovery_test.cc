#include "core/log_recovery.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "core/log_file.h"
#include "tests/support/catch.h"
#include "tests/support/log_records.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {
namespace {

using Bodies = std::vector<std::string>;
using Files = std::map<std::string, std::string>;

const std::string kFirst = "log/00000000000000000001.log";
const LocalLogOptions kOptions{.directory = "log", .file_size_bytes = 200};

std::string file_of(Lsn first, const std::vector<std::string>& records) {
  const LogFileHeader header = make_file_header(first);
  std::string file(reinterpret_cast<const char*>(&header), sizeof(header));
  for (const std::string& record : records) file += record;
  return file;
}

// Replays a log of these files; the disk is left as recovery left it.
Result<OpenedLog> open_files(SimulatedDisk& disk, const Files& files, const LocalLogOptions& options = kOptions) {
  for (const auto& [path, bytes] : files) disk.put(path, bytes);
  return open_and_replay(disk, options);
}

Result<OpenedLog> open_file(SimulatedDisk& disk, const std::string& bytes) {
  return open_files(disk, {{kFirst, bytes}});
}

std::string record(uint64_t lsn, uint64_t durable) {
  return make_record({.lsn = lsn, .durable = durable, .body = "body " + std::to_string(lsn)});
}

std::string mark(uint64_t lsn, uint64_t durable) {
  return make_record({.lsn = lsn, .durable = durable, .head = "", .kind = RecordKind::kMark});
}

void require_corrupt(const Result<OpenedLog>& opened, const std::string& what) {
  REQUIRE(!opened);
  INFO(opened.error().message);
  CHECK(opened.error().code == Code::kCorrupt);
  CHECK(opened.error().message.find(what) != std::string::npos);
}

std::string zeroed(std::string bytes) { return std::string(bytes.size(), '\0'); }

}  // namespace

TEST_CASE("a bad record that nobody called durable is a torn tail: cut, reported, gone") {
  SimulatedDisk disk;
  const std::string good = file_of(Lsn{1}, {record(1, 0), record(2, 0)});
  const std::string tail = zeroed(record(3, 2)) + record(4, 2);
  const auto opened = open_file(disk, good + tail);
  REQUIRE(opened);
  CHECK(opened->found.end.last == Lsn{2});
  CHECK(opened->found.end.cut_bytes == tail.size());
  CHECK(opened->found.end.cut_report.find(kFirst) != std::string::npos);
  CHECK(opened->found.end.cut_report.find("at byte " + std::to_string(good.size())) != std::string::npos);
  disk.power_cut(1);
  CHECK(disk.contents(kFirst) == good);
  CHECK(open_and_replay(disk, kOptions)->found.end.cut_report.empty());
}

TEST_CASE("a bad record that a later one calls durable is damage, named by file and byte") {
  SimulatedDisk disk;
  const std::string good = file_of(Lsn{1}, {record(1, 0), record(2, 0)});
  const std::string bytes = good + zeroed(record(3, 2)) + record(4, 3);
  const auto opened = open_file(disk, bytes);
  require_corrupt(opened, "record 3 at byte " + std::to_string(good.size()) + " is damaged though it was durable");
  CHECK(opened.error().message.find(kFirst) != std::string::npos);
  CHECK(disk.contents(kFirst) == bytes);
}

TEST_CASE("a mark makes damage to the last record known") {
  SimulatedDisk disk;
  const std::string good = file_of(Lsn{1}, {record(1, 0)});
  require_corrupt(open_file(disk, good + zeroed(record(2, 1)) + mark(2, 2)), "record 2 at byte");
  const auto torn = open_file(disk, good + zeroed(record(2, 1)) + mark(2, 1));
  REQUIRE(torn);
  CHECK(torn->found.end.last == Lsn{1});
}

TEST_CASE("tails of zeros, of garbage and of less than a header are cut") {
  const std::string good = file_of(Lsn{1}, {record(1, 0)});
  for (const std::string& tail : {std::string(1, 'x'), std::string(39, '\xff'), std::string(4096, '\0'),
                                  std::string(5001, 'g'), record(2, 1).substr(0, 41)}) {
    SimulatedDisk disk;
    const auto opened = open_file(disk, good + tail);
    REQUIRE(opened);
    CHECK(opened->found.end.cut_bytes == tail.size());
    CHECK(disk.contents(kFirst) == good);
  }
}

TEST_CASE("an intact record with another number than is due is refused") {
  SimulatedDisk disk;
  const std::string good = file_of(Lsn{1}, {record(1, 0), record(2, 0)});
  require_corrupt(open_file(disk, good + record(2, 0)), "record 2 lies at byte");
  require_corrupt(open_file(disk, good + record(4, 0)), "where record 3 is due");
  require_corrupt(open_file(disk, good + mark(1, 1)), "a mark of record 1");
  require_corrupt(open_file(disk, good + mark(3, 1)), "a mark of record 3");
}

TEST_CASE("only the last file may have a torn tail") {
  SimulatedDisk disk;
  const std::string second = "log/00000000000000000002.log";
  require_corrupt(
      open_files(disk, {{kFirst, file_of(Lsn{1}, {record(1, 0), "torn"})}, {second, file_of(Lsn{2}, {record(2, 1)})}}),
      "though a newer file follows");
  require_corrupt(open_files(disk, {{kFirst, file_of(Lsn{1}, {record(1, 0)}).replace(3, 1, "x")}}),
                  "its header, at byte 0, is damaged");
}

TEST_CASE("a last file whose creation did not finish is removed") {
  const std::string first = file_of(Lsn{1}, {record(1, 0)});
  const std::string second = "log/00000000000000000002.log";
  const std::string header = file_of(Lsn{2}, {});
  for (const std::string& bytes : {std::string(), header.substr(0, 31), zeroed(header), std::string(700, 'g')}) {
    SimulatedDisk disk;
    const auto opened = open_files(disk, {{kFirst, first}, {second, bytes}});
    REQUIRE(opened);
    CHECK(opened->found.end.last == Lsn{1});
    CHECK(opened->found.end.cut_bytes == bytes.size());
    CHECK(opened->found.end.cut_report.find(second) != std::string::npos);
    disk.power_cut(1);
    CHECK(disk.files() == Files{{kFirst, first}});
  }
}

TEST_CASE("a last file with a damaged header and a record is refused") {
  SimulatedDisk disk;
  const std::string second = "log/00000000000000000002.log";
  const std::string bytes = zeroed(file_of(Lsn{2}, {})) + record(2, 1);
  require_corrupt(open_files(disk, {{kFirst, file_of(Lsn{1}, {record(1, 0)})}, {second, bytes}}),
                  "though records follow it");
  CHECK(disk.contents(second) == bytes);
}

TEST_CASE("missing and misplaced files are refused") {
  SimulatedDisk no_first;
  require_corrupt(open_files(no_first, {{"log/00000000000000000002.log", file_of(Lsn{2}, {record(2, 1)})}}),
                  "where record 1 is due");
  SimulatedDisk gap;
  require_corrupt(open_files(gap, {{kFirst, file_of(Lsn{1}, {record(1, 0)})},
                                   {"log/00000000000000000003.log", file_of(Lsn{3}, {record(3, 1)})}}),
                  "where record 2 is due");
  SimulatedDisk renamed;
  require_corrupt(open_files(renamed, {{kFirst, file_of(Lsn{5}, {})}}), "begins with record 5");
}

TEST_CASE("a file of a newer format version is left to the version that wrote it") {
  SimulatedDisk disk;
  LogFileHeader header = make_file_header(Lsn{1});
  header.version = kLogVersion + 1;
  header.checksum = hash_bytes({reinterpret_cast<const char*>(&header), 24});
  const std::string bytes(reinterpret_cast<const char*>(&header), sizeof(header));
  const auto opened = open_file(disk, bytes + "whatever");
  REQUIRE(!opened);
  CHECK(opened.error().code == Code::kInvalidArgument);
  CHECK(opened.error().message.find("newer version") != std::string::npos);
  CHECK(disk.contents(kFirst) == bytes + "whatever");
}

TEST_CASE("records that only the page cache has are durable after replay, even when a sync had failed") {
  const bool sync_fails = GENERATE(false, true);
  const Bodies bodies = {"a", "b", "c"};
  for (uint64_t seed = 0; seed < 20; seed++) {
    SimulatedDisk disk;
    {
      const auto opened = open_and_replay(disk, kOptions);
      REQUIRE(append_bodies(*opened->log, std::span(bodies).first(1), {.lsn = Lsn{0}, .durable = Lsn{0}}));
      const auto rest = std::span(bodies).subspan(1);
      REQUIRE(append_bodies(*opened->log, rest, {.lsn = Lsn{1}, .durable = Lsn{1}}, Durability::kOs));
      if (sync_fails) disk.fail_after(1);
      if (sync_fails) REQUIRE(!opened->log->sync());
    }
    disk.kill();
    REQUIRE(open_and_replay(disk, kOptions)->found.bodies == bodies);
    disk.power_cut(seed);
    REQUIRE(open_and_replay(disk, kOptions)->found.bodies == bodies);
  }
}

// --- the corruption sweep: a small log of several files, damaged everywhere ---

namespace {

// The files of an intact log and what is in them.
struct Sample {
  Files files;
  Bodies bodies;
  uint64_t first_of_last = 0;  // lsn of the last file's first record
  std::string last;            // its path
};

Sample make_sample() {
  SimulatedDisk disk;
  Sample sample;
  auto opened = open_and_replay(disk, kOptions);
  REQUIRE(opened);
  uint64_t last = 0;
  for (const size_t group : {2, 2, 3, 2, 1, 1}) {
    Bodies bodies;
    for (size_t i = 0; i < group; i++) bodies.push_back("body " + std::to_string(last + i + 1));
    REQUIRE(append_bodies(*opened->log, bodies, {.lsn = Lsn{last}, .durable = Lsn{last}}));
    last += group;
    sample.bodies.insert(sample.bodies.end(), bodies.begin(), bodies.end());
    if (last == 7) REQUIRE(opened->log->mark());
  }
  REQUIRE(opened->log->mark());
  sample.files = disk.files();
  REQUIRE(sample.files.erase("log/durable") == 1);  // what the log files alone can tell; durable_note_test has the rest
  sample.last = sample.files.rbegin()->first;
  sample.first_of_last = parse_log_file_name(sample.last.substr(sample.last.find('/') + 1))->value;
  return sample;
}

// The lsns up to which the file's records from `from` on say that all was durable.
uint64_t claimed_after(const std::string& file, size_t from) {
  uint64_t claimed = 0;
  for (size_t at = 0; at + sizeof(RecordHeader) <= file.size(); at += kRecordAlignment) {
    if (at < from || check_record(file.data() + at, file.size() - at) == 0) continue;
    RecordHeader header;
    std::memcpy(&header, file.data() + at, sizeof(header));
    claimed = std::max(claimed, header.durable);
  }
  return claimed;
}

// Empty when opening the damaged log is right: refused, or a prefix of what was written that ends where nothing
// that is still there says that more was durable.  Counts in `refused` when it was refused.
std::string judge(const Sample& sample, const Files& damaged, size_t* refused = nullptr) {
  SimulatedDisk disk;
  const auto opened = open_files(disk, damaged);
  if (!opened && refused != nullptr) ++*refused;
  if (!opened) return opened.error().code == Code::kCorrupt ? "" : "wrong code: " + opened.error().message;
  const Bodies& found = opened->found.bodies;
  if (found.size() > sample.bodies.size() || !std::equal(found.begin(), found.end(), sample.bodies.begin())) {
    return "a record that nobody wrote";
  }
  if (found.size() + 1 < sample.first_of_last) return "lost a record of a file that was complete";
  if (!damaged.contains(sample.last)) return "";
  if (claimed_after(damaged.at(sample.last), 0) > found.size()) return "lost a record that is known to be durable";
  if (found.size() == sample.bodies.size()) return "";
  const bool is_shorter = damaged.at(sample.last).size() < sample.files.at(sample.last).size();
  if (opened->found.end.cut_report.empty() && !is_shorter) return "lost records in silence";
  return "";
}

}  // namespace

TEST_CASE("every flipped bit of a log is refused or costs a tail that is not known to be durable") {
  const Sample sample = make_sample();
  REQUIRE(sample.files.size() == 3);
  REQUIRE(judge(sample, sample.files).empty());
  size_t refused = 0;
  for (const auto& [path, bytes] : sample.files) {
    for (size_t at = 0; at < bytes.size() * 8; at++) {
      Files damaged = sample.files;
      char& byte = damaged.at(path)[at / 8];
      byte = static_cast<char>(byte ^ (1 << (at % 8)));
      INFO(path << " byte " << at / 8 << " bit " << at % 8);
      REQUIRE(judge(sample, damaged, &refused) == "");
    }
  }
  // Only the final mark can be mistaken for a torn tail: everything before it is called durable by it.
  size_t total = 0;
  for (const auto& [path, bytes] : sample.files) total += bytes.size() * 8;
  CHECK(refused == total - sizeof(RecordHeader) * 8);
}

TEST_CASE("a log cut at any length is refused or ends earlier") {
  const Sample sample = make_sample();
  for (const auto& [path, bytes] : sample.files) {
    for (size_t size = 0; size < bytes.size(); size++) {
      Files damaged = sample.files;
      damaged.at(path).resize(size);
      INFO(path << " cut to " << size);
      REQUIRE(judge(sample, damaged) == "");
    }
  }
}

TEST_CASE("a region of a log that is there twice is refused or cut") {
  const Sample sample = make_sample();
  for (const auto& [path, bytes] : sample.files) {
    for (size_t from = 0; from < bytes.size(); from += 8) {
      for (const size_t size : {1, 40, 56, 112}) {
        if (from + size > bytes.size()) continue;
        for (size_t to = 0; to <= bytes.size(); to += 8) {
          Files damaged = sample.files;
          damaged.at(path).insert(to, bytes, from, size);
          INFO(path << ": " << size << " bytes at " << from << " again at " << to);
          REQUIRE(judge(sample, damaged) == "");
        }
      }
    }
  }
}

TEST_CASE("a missing file is refused, unless it was the last") {
  const Sample sample = make_sample();
  for (const auto& [path, bytes] : sample.files) {
    if (path == sample.last) continue;
    Files damaged = sample.files;
    damaged.erase(path);
    SimulatedDisk disk;
    require_corrupt(open_files(disk, damaged), "is due");
  }
}

TEST_CASE("planted bug: a log that took records without checking them would be found by the sweep") {
  const Sample sample = make_sample();
  Files damaged = sample.files;
  std::string& file = damaged.at(kFirst);
  const size_t at = sizeof(LogFileHeader);
  const std::string body(record_at(file.data() + at).body);
  file[file.find(body)] ^= 1;
  SimulatedDisk disk;
  require_corrupt(open_files(disk, damaged), "record 1 at byte 32");
  // With the checksum made to fit, as if it were not looked at:
  const LogRecord changed = record_at(file.data() + at);
  seal_record(file.data() + at, {.lsn = Lsn{1}, .durable = Lsn{0}}, hash_bytes(changed.body));
  CHECK(judge(sample, damaged) == "a record that nobody wrote");
}

}  // namespace chronos::test
