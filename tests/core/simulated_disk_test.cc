#include "tests/support/simulated_disk.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace chronos::test {
namespace {

Result<void> write_at(File& file, uint64_t offset, std::string_view bytes) { return file.write(offset, {&bytes, 1}); }

// A disk with an open, durable and empty file "d/f".
struct Prepared {
  SimulatedDisk disk;
  std::unique_ptr<File> file;

  explicit Prepared(uint64_t seed = 1) : disk(seed) {
    REQUIRE(disk.create_directories("d"));
    file = *disk.open("d/f", OpenMode::kCreate);
    REQUIRE(disk.sync_directory("d"));
  }
};

// What is left of d/f after cuts with many seeds.
template <typename Use>
std::set<std::string> survivors(Use use) {
  std::set<std::string> left;
  for (uint64_t seed = 0; seed < 300; seed++) {
    Prepared prepared;
    use(prepared);
    prepared.disk.power_cut(seed);
    left.insert(prepared.disk.contents("d/f"));
  }
  return left;
}

std::set<std::set<std::string>> surviving_names(void (*use)(SimulatedDisk& disk)) {
  std::set<std::set<std::string>> left;
  for (uint64_t seed = 0; seed < 300; seed++) {
    SimulatedDisk disk;
    REQUIRE(disk.create_directories("d"));
    use(disk);
    disk.power_cut(seed);
    std::set<std::string> names;
    for (const auto& [path, bytes] : disk.files()) names.insert(path);
    left.insert(names);
  }
  return left;
}

}  // namespace

TEST_CASE("a synced write survives every power cut, an unsynced one some") {
  CHECK(survivors([](Prepared& p) {
          REQUIRE(write_at(*p.file, 0, "abc"));
          REQUIRE(p.file->sync());
        }) == std::set<std::string>{"abc"});
  const std::string zeros(3, '\0');
  const auto left = survivors([](Prepared& p) { REQUIRE(write_at(*p.file, 0, "abc")); });
  CHECK(left == std::set<std::string>{"", zeros.substr(0, 1), zeros.substr(0, 2), zeros, "abc"});
}

TEST_CASE("an unsynced write is torn between sectors, never inside one") {
  const std::string bytes = std::string(512, 'a') + std::string(512, 'b');
  bool has_torn = false;
  for (const std::string& left : survivors([&](Prepared& p) { REQUIRE(write_at(*p.file, 0, bytes)); })) {
    for (size_t at = 0; at + 512 <= left.size(); at += 512) {
      const std::string sector = left.substr(at, 512);
      CHECK((sector == bytes.substr(at, 512) || sector == std::string(512, '\0')));
    }
    if (left.size() == 1024 && left[0] == '\0' && left[512] == 'b') has_torn = true;
  }
  CHECK(has_torn);
}

TEST_CASE("an unsynced truncation happens or does not") {
  const auto left = survivors([](Prepared& p) {
    REQUIRE(write_at(*p.file, 0, "abc"));
    REQUIRE(p.file->sync());
    REQUIRE(p.file->truncate(1));
  });
  CHECK(left == std::set<std::string>{"a", "abc"});
}

TEST_CASE("unsynced names are kept or lost, synced ones kept") {
  using Names = std::set<std::set<std::string>>;
  CHECK(surviving_names([](SimulatedDisk& disk) { REQUIRE(disk.open("d/a", OpenMode::kCreate)); }) ==
        Names{{}, {"d/a"}});
  CHECK(surviving_names([](SimulatedDisk& disk) {
          REQUIRE(disk.open("d/a", OpenMode::kCreate));
          REQUIRE(disk.sync_directory("d"));
        }) == Names{{"d/a"}});
  CHECK(surviving_names([](SimulatedDisk& disk) {
          REQUIRE(disk.open("d/a", OpenMode::kCreate));
          REQUIRE(disk.sync_directory("d"));
          REQUIRE(disk.rename("d/a", "d/b"));
        }) == Names{{"d/a"}, {"d/b"}});
  CHECK(surviving_names([](SimulatedDisk& disk) {
          REQUIRE(disk.open("d/a", OpenMode::kCreate));
          REQUIRE(disk.sync_directory("d"));
          REQUIRE(disk.link("d/a", "d/b"));
        }) == Names{{"d/a"}, {"d/a", "d/b"}});
  CHECK(surviving_names([](SimulatedDisk& disk) {
          REQUIRE(disk.open("d/a", OpenMode::kCreate));
          REQUIRE(disk.sync_directory("d"));
          REQUIRE(disk.remove("d/a"));
        }) == Names{{}, {"d/a"}});
}

TEST_CASE("a failed sync has lost what it was to save, whatever a later sync says") {
  std::set<std::string> left;
  for (uint64_t seed = 1; seed <= 30; seed++) {
    Prepared p(seed);
    REQUIRE(write_at(*p.file, 0, "abc"));
    p.disk.fail_after(1);
    REQUIRE(!p.file->sync());
    CHECK(p.disk.contents("d/f") == "abc");  // as the running system sees it
    REQUIRE(p.file->sync());
    p.disk.power_cut(seed);
    left.insert(p.disk.contents("d/f"));
  }
  CHECK(left.contains(""));
  CHECK(left.contains("abc"));
}

TEST_CASE("files and locks are dead after a power cut; the disk is not") {
  Prepared p;
  auto lock = p.disk.lock("d/lock");
  REQUIRE(lock);
  CHECK(!p.disk.lock("d/lock"));
  p.disk.power_cut(1);
  char byte;
  CHECK(!write_at(*p.file, 0, "x"));
  CHECK(!p.file->read(0, &byte, 1));
  CHECK(!p.file->sync());
  CHECK(!p.file->truncate(0));
  CHECK(!p.file->size());
  auto second = p.disk.lock("d/lock");
  REQUIRE(second);
  lock->reset();
  CHECK(!p.disk.lock("d/lock"));
  second->reset();
  CHECK(p.disk.lock("d/lock"));
  CHECK(write_at(**p.disk.open("d/f", OpenMode::kReadWrite), 0, "x"));
}

TEST_CASE("a killed process loses its files and locks, and no bytes") {
  Prepared p;
  REQUIRE(write_at(*p.file, 0, "abc"));
  const auto lock = p.disk.lock("d/lock");
  p.disk.kill();
  CHECK(!p.file->sync());
  CHECK(p.disk.lock("d/lock"));
  CHECK(p.disk.contents("d/f") == "abc");
}

TEST_CASE("the operation that is told to fails, once or from then on") {
  Prepared p;
  const uint64_t before = p.disk.operation_count();
  p.disk.fail_after(2);
  CHECK(p.file->size());
  CHECK(!p.disk.has_failed());
  CHECK(!p.file->size());
  CHECK(p.disk.has_failed());
  CHECK(p.file->size());
  p.disk.fail_after(1, SimulatedDisk::Failing::kFromThenOn);
  CHECK(!p.file->size());
  CHECK(!p.disk.list("d"));
  p.disk.stop_failing();
  CHECK(p.disk.list("d"));
  CHECK(p.disk.operation_count() == before + 6);
}

TEST_CASE("a full disk takes what fits and says what is wrong") {
  Prepared p;
  p.disk.set_free_bytes(5);
  REQUIRE(write_at(*p.file, 0, "abc"));
  REQUIRE(write_at(*p.file, 0, "ABC"));
  const auto full = write_at(*p.file, 3, "defg");
  REQUIRE(!full);
  CHECK(full.error().message == "cannot write to 'd/f': No space left on device");
  CHECK(p.disk.contents("d/f") == "ABCde");
  p.disk.set_free_bytes({});
  CHECK(write_at(*p.file, 3, "defg"));
}

TEST_CASE("shared memory is the file; it survives a kill, and a power cut tears it") {
  const std::string old(2000, 'o');
  const auto shared_after = [&](const auto& end) {
    SimulatedDisk disk;
    disk.put("d/f", old);
    auto shared = disk.share("d/f");
    REQUIRE(shared);
    std::fill((*shared)->bytes().begin(), (*shared)->bytes().end(), 'n');
    CHECK(disk.contents("d/f") == std::string(2000, 'n'));
    end(disk);
    (*shared)->bytes()[0] = 'x';  // of a process that is no more
    return disk.contents("d/f");
  };
  CHECK(shared_after([](SimulatedDisk& disk) { disk.kill(); }) == std::string(2000, 'n'));
  std::set<std::string> left;
  for (uint64_t seed = 0; seed < 60; seed++) {
    left.insert(shared_after([&](SimulatedDisk& disk) { disk.power_cut(seed); }));
    left.insert(shared_after([&](SimulatedDisk& disk) {
      disk.kill();
      disk.power_cut(seed);
    }));
  }
  CHECK(left.contains(old));
  CHECK(left.contains(std::string(2000, 'n')));
  CHECK(left.size() > 5);
  for (const std::string& each : left) CHECK(each.size() == 2000);
}

TEST_CASE("planted bugs of the disk do what they say") {
  const auto left = survivors([](Prepared& p) {
    p.disk.ignore_sync(true);
    REQUIRE(write_at(*p.file, 0, "abc"));
    REQUIRE(p.file->sync());
  });
  CHECK(left.contains(""));
  const auto names = surviving_names([](SimulatedDisk& disk) {
    disk.ignore_directory_sync(true);
    REQUIRE(disk.open("d/a", OpenMode::kCreate));
    REQUIRE(disk.sync_directory("d"));
  });
  CHECK(names.contains({}));
}

TEST_CASE("the same seed gives the same disk") {
  const auto run = [](uint64_t seed) {
    Prepared p(seed);
    const std::string bytes(5000, 'x');
    p.disk.fail_after(1);
    REQUIRE(!write_at(*p.file, 0, bytes));
    REQUIRE(write_at(*p.file, 700, bytes));
    p.disk.power_cut(seed);
    return p.disk.files();
  };
  std::set<std::map<std::string, std::string>> results;
  for (uint64_t seed = 0; seed < 20; seed++) {
    const auto first = run(seed);
    CHECK(first == run(seed));
    results.insert(first);
  }
  CHECK(results.size() > 5);
}

TEST_CASE("bytes can be damaged behind everybody's back") {
  SimulatedDisk disk;
  disk.put("d/f", "abcdef");
  disk.flip_bit("d/f", 1, 0);
  CHECK(disk.contents("d/f") == "accdef");
  disk.duplicate("d/f", {.from = 1, .size = 2, .to = 6});
  CHECK(disk.contents("d/f") == "accdefcc");
  disk.cut("d/f", 2);
  disk.power_cut(3);
  CHECK(disk.contents("d/f") == "ac");
}

}  // namespace chronos::test
