// Whole stores on a disk that loses power, tears writes, fails and fills up (tests/support/crash_run.h), and the
// proof that the harness would notice: stores with planted bugs, each of which it must find.
#include <string>

#include "tests/support/catch.h"
#include "tests/support/chance.h"
#include "tests/support/crash_run.h"
#include "tests/support/deaf_disk.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {
namespace {

using Failing = SimulatedDisk::Failing;

// Lives, dies and is reopened `deaths` times; some of the deaths come in the middle of a disk operation, some during
// the reopening itself.
std::string many_deaths(SimulatedDisk& disk, CrashRun& run, uint64_t seed, int deaths) {
  Chance chance(seed + 2);
  for (int i = 0; i < deaths; i++) {
    if (chance.percent(50)) disk.fail_after(chance.between(1, 40), Failing::kFromThenOn);
    std::string problem = run.open();
    if (problem.empty() && run.is_open() && i > 0) problem = run.send_again();
    if (problem.empty() && run.is_open()) problem = run.live(chance.between(0, 25));
    if (!problem.empty()) return "life " + std::to_string(i) + ": " + problem;
    if (chance.percent(70)) {
      run.lose_power();
    } else {
      run.kill();
    }
  }
  disk.stop_failing();
  const std::string problem = run.open();
  return problem.empty() && !run.is_open() ? "the last opening failed" : problem;
}

std::string crash_story(uint64_t seed, bool os_durability) {
  SimulatedDisk disk(seed);
  CrashRun run(disk, {.seed = seed, .os_durability = os_durability});
  return many_deaths(disk, run, seed, 8);
}

// Opens, appends, forks, closes, reopens, appends, with the n-th disk operation failing.
std::string story_with_fault(SimulatedDisk& disk, CrashRun& run, uint64_t n, Failing failing) {
  disk.fail_after(n, failing);
  for (int life = 0; life < 2; life++) {
    std::string problem = run.open();
    if (problem.empty() && run.is_open()) problem = run.live(15);
    if (!problem.empty()) return problem;
    run.close();
  }
  return "";
}

std::string nth_failure(uint64_t n, Failing failing, bool power_cut, bool& struck) {
  SimulatedDisk disk(n);
  CrashRun run(disk, {.seed = 7});
  std::string problem = story_with_fault(disk, run, n, failing);
  struck = disk.has_failed();
  if (!problem.empty()) return problem;
  if (power_cut) {
    run.lose_power();
  } else {
    run.kill();
  }
  problem = run.open();
  if (problem.empty() && !run.is_open()) return "the store does not open although the disk is well again";
  if (problem.empty()) problem = run.send_again();
  return problem.empty() ? run.live(10) : problem;
}

}  // namespace

TEST_CASE("after power cuts and kills everything acknowledged is there, and nothing but a prefix of the rest",
          "[store][crash]") {
  for (const uint64_t seed : test_seeds(1, 60)) {
    INFO("CHRONOS_SEED=" << seed);
    REQUIRE(crash_story(seed, false) == "");
  }
}

TEST_CASE("appends that ask for the page cache only may be lost to a power cut, but only from the end",
          "[store][crash]") {
  for (const uint64_t seed : test_seeds(1, 60)) {
    INFO("CHRONOS_SEED=" << seed);
    REQUIRE(crash_story(seed, true) == "");
  }
}

TEST_CASE("whichever disk operation fails, the store says so, turns read-only and loses nothing acknowledged",
          "[store][crash]") {
  for (const Failing failing : {Failing::kOnce, Failing::kFromThenOn}) {
    for (const bool power_cut : {true, false}) {
      bool struck = true;
      uint64_t n = 1;
      for (; struck; n++) {
        INFO("operation " << n << (failing == Failing::kOnce ? " fails" : " and all after it fail")
                          << (power_cut ? ", then the power is cut" : ", then the process dies"));
        REQUIRE(nth_failure(n, failing, power_cut, struck) == "");
      }
      CHECK(n > 30);  // the story is long enough to mean something
    }
  }
}

TEST_CASE("a full disk makes the store read-only; with room again it goes on where it was", "[store][crash]") {
  for (uint64_t free = 0; free < 20'000; free += 487) {
    INFO("free bytes: " << free);
    SimulatedDisk disk(free);
    CrashRun run(disk, {.seed = free, .disk_may_fill = true});
    disk.set_free_bytes(free);
    REQUIRE(run.open() == "");
    if (run.is_open()) REQUIRE(run.live(60) == "");
    run.close();
    disk.set_free_bytes(std::nullopt);
    REQUIRE(run.open() == "");
    REQUIRE(run.is_open());
    REQUIRE(run.send_again() == "");
    REQUIRE(run.live(10) == "");
  }
}

// --- the harness proves itself ---

namespace {

// How many of the first seeds it takes until the harness sees a broken rule; 0 when it sees none.
template <typename Story>
uint64_t seeds_until_found(Story story, uint64_t most) {
  for (uint64_t seed = 1; seed <= most; seed++) {
    if (!story(seed).empty()) return seed;
  }
  return 0;
}

}  // namespace

TEST_CASE("planted bug: a store that does not sync its files is found", "[store][crash]") {
  const uint64_t found_at = seeds_until_found(
      [](uint64_t seed) {
        SimulatedDisk disk(seed);
        disk.ignore_sync(true);
        CrashRun run(disk, {.seed = seed});
        return many_deaths(disk, run, seed, 8);
      },
      50);
  CHECK(found_at != 0);
}

TEST_CASE("planted bug: a store that does not sync its directories is found", "[store][crash]") {
  const uint64_t found_at = seeds_until_found(
      [](uint64_t seed) {
        SimulatedDisk disk(seed);
        disk.ignore_directory_sync(true);
        CrashRun run(disk, {.seed = seed});
        return many_deaths(disk, run, seed, 8);
      },
      50);
  CHECK(found_at != 0);
}

namespace {

// Does not wait until sealed files, or the names of them, are on the disk: then the log is dropped before the manifest
// that stands for it is there to stay.
class HastyDisk : public DeafDisk {
 public:
  HastyDisk(Disk& disk, std::string part) : DeafDisk(disk), part_(std::move(part)) {}

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    auto opened = disk().open(path, mode);
    if (!opened || path.find(part_) == std::string::npos) return opened;
    return std::unique_ptr<File>(std::make_unique<HastyFile>(*std::move(opened)));
  }
  Result<void> sync_directory(const std::string& directory) override {
    return directory.find("/segments") != std::string::npos && part_ == "/segments"
               ? Result<void>()
               : disk().sync_directory(directory);
  }

 private:
  class HastyFile : public File {
   public:
    explicit HastyFile(std::unique_ptr<File> file) : file_(std::move(file)) {}
    Result<void> write(uint64_t offset, std::span<const std::string_view> parts) override {
      return file_->write(offset, parts);
    }
    Result<size_t> read(uint64_t offset, char* to, size_t size) override { return file_->read(offset, to, size); }
    Result<void> sync() override { return {}; }
    Result<void> truncate(uint64_t size) override { return file_->truncate(size); }
    Result<uint64_t> size() override { return file_->size(); }

   private:
    std::unique_ptr<File> file_;
  };
  const std::string part_;
};

uint64_t seeds_until_haste_is_found(const std::string& part) {
  return seeds_until_found(
      [&](uint64_t seed) {
        SimulatedDisk disk(seed);
        HastyDisk hasty(disk, part);
        CrashRun run(disk, {.seed = seed, .disk = &hasty});
        return many_deaths(disk, run, seed, 8);
      },
      100);
}

}  // namespace

TEST_CASE("planted bug: log files removed before the manifest is on the disk are found", "[store][crash]") {
  CHECK(seeds_until_haste_is_found("/segments/manifest") != 0);
  CHECK(seeds_until_haste_is_found("/segments") != 0);
}

TEST_CASE("planted bug: segments and changes that are not synced before the manifest are found", "[store][crash]") {
  CHECK(seeds_until_haste_is_found(".seg") != 0);
  CHECK(seeds_until_haste_is_found("/segments/changes") != 0);
}

TEST_CASE("planted bug: a store that goes on after a failed write is found", "[store][crash]") {
  const uint64_t found_at = seeds_until_found(
      [](uint64_t seed) {
        SimulatedDisk disk(seed);
        DeafDisk deaf(disk);
        CrashRun run(disk, {.seed = seed, .disk = &deaf});
        std::string problem = run.open();
        disk.fail_after(seed, Failing::kOnce);
        if (problem.empty()) problem = run.live(20);
        run.lose_power();
        return problem.empty() ? run.open() : problem;
      },
      50);
  CHECK(found_at != 0);
}

}  // namespace chronos::test
