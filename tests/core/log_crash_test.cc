// The log under power cuts, failing operations and planted bugs.
//
// A writer appends groups while the disk is told to die at some operation; then the log is opened again and held
// against what the writer knows: everything acknowledged as durable must be there, in order, and nothing may follow
// but a prefix of what was in flight.  The same judge must find every bug that is planted.
#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "core/log.h"
#include "tests/support/catch.h"
#include "tests/support/deaf_disk.h"
#include "tests/support/log_records.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {
namespace {

using Bodies = std::vector<std::string>;
using Generator = std::mt19937_64;

const LocalLogOptions kOptions{.directory = "data/log", .file_size_bytes = 3000, .buffer_size_bytes = 8192};

// Appends groups until one fails, and keeps the account.
class Writer {
 public:
  explicit Writer(uint64_t seed) : random_(seed) {}

  // Everything ever given to the log, and how much of it was acknowledged at all and as durable.
  const Bodies& sent() const { return sent_; }
  size_t acknowledged() const { return acknowledged_; }
  size_t durable() const { return durable_; }

  // What a log that was opened again holds is the history from now on.
  void accept(const Bodies& found) {
    sent_ = found;
    acknowledged_ = durable_ = found.size();
  }

  // False when the log failed.
  bool step(Log& log) {
    switch (random_() % 8) {
      case 0: return log.mark().has_value();
      case 1: return sync(log);
      case 2:
      case 3: return append(log, Durability::kOs);
      default: return append(log, Durability::kFsync);
    }
  }

  bool append(Log& log, Durability durability) {
    Bodies group;
    for (size_t left = 1 + random_() % 4; left > 0; left--) {
      const std::string name = "record " + std::to_string(sent_.size() + group.size() + 1) + " ";
      group.push_back(name + std::string(random_() % 1500, static_cast<char>('a' + random_() % 26)));
    }
    sent_.insert(sent_.end(), group.begin(), group.end());
    const RecordNumbers before{.lsn = Lsn{acknowledged_}, .durable = Lsn{durable_}};
    if (!append_bodies(log, group, before, durability)) return false;
    acknowledged_ = sent_.size();
    if (durability == Durability::kFsync) durable_ = acknowledged_;
    return true;
  }

 private:
  bool sync(Log& log) {
    if (!log.sync()) return false;
    durable_ = acknowledged_;
    return true;
  }

  Generator random_;
  Bodies sent_;
  size_t acknowledged_ = 0;
  size_t durable_ = 0;
};

// Empty, or what is wrong with what was found after a crash.
std::string judge(const Writer& writer, size_t promised, const Bodies& found) {
  if (found.size() < promised) {
    return "lost record " + std::to_string(found.size() + 1) + " of " + std::to_string(promised) + " acknowledged";
  }
  const Bodies& sent = writer.sent();
  if (found.size() > sent.size() || !std::equal(found.begin(), found.end(), sent.begin())) {
    return "a record that nobody wrote";
  }
  return "";
}

// Several lives of one log, each ended by a kill or a power cut at a random operation, in recovery too.
// The log sees `log_disk`, which is `disk` or a wrapper of it.
std::string live_and_die(SimulatedDisk& disk, Disk& log_disk, uint64_t seed) {
  Generator random(seed);
  Writer writer(seed);
  size_t promised = 0;
  for (int life = 0; life < 6; life++) {
    disk.fail_after(1 + random() % 60, SimulatedDisk::Failing::kFromThenOn);
    if (auto opened = open_and_replay(log_disk, kOptions)) {
      if (auto wrong = judge(writer, promised, opened->found.bodies); !wrong.empty()) return wrong;
      writer.accept(opened->found.bodies);
      while (writer.step(*opened->log)) continue;
      promised = writer.acknowledged();
    } else if (!disk.has_failed()) {
      return opened.error().message;
    }
    if (random() % 3 == 0) {
      disk.kill();
    } else {
      disk.power_cut(random());
      promised = std::min(promised, writer.durable());
    }
  }
  const auto opened = open_and_replay(log_disk, kOptions);
  return opened ? judge(writer, promised, opened->found.bodies) : opened.error().message;
}

// The first violation in many seeds.
std::string search(const std::function<std::string(uint64_t seed)>& run, uint64_t first_seed, uint64_t seeds) {
  for (uint64_t seed = first_seed; seed < first_seed + seeds; seed++) {
    if (auto wrong = run(seed); !wrong.empty()) return "CHRONOS_SEED=" + std::to_string(seed) + ": " + wrong;
  }
  return "";
}

enum class Crash { kKill, kPowerCut };

struct Fault {
  uint64_t operation;
  SimulatedDisk::Failing failing;
  Crash crash;
};

// Fails one operation of a run that ends at the first failure, or after 30 steps; then the crash, and two more
// lives, each ended by a power cut.  The log sees `log_disk`, which is `disk` or a wrapper of it.
std::string fail_operation(SimulatedDisk& disk, Disk& log_disk, const Fault& fault) {
  Writer writer(7);
  disk.fail_after(fault.operation, fault.failing);
  if (auto opened = open_and_replay(log_disk, kOptions)) {
    for (int i = 0; i < 30; i++) {
      if (!writer.step(*opened->log)) break;
    }
  }
  if (fault.crash == Crash::kKill) {
    disk.kill();
  } else {
    disk.power_cut(fault.operation);
  }
  for (int life = 0; life < 2; life++) {
    const size_t promised = fault.crash == Crash::kKill || life > 0 ? writer.acknowledged() : writer.durable();
    auto opened = open_and_replay(log_disk, kOptions);
    if (!opened) return opened.error().message;
    if (auto wrong = judge(writer, promised, opened->found.bodies); !wrong.empty()) return wrong;
    writer.accept(opened->found.bodies);
    if (!writer.append(*opened->log, Durability::kFsync)) return "takes nothing after it was opened again";
    disk.power_cut(fault.operation + 1);
  }
  return "";
}

}  // namespace

TEST_CASE("power cuts lose nothing that was acknowledged and leave nothing that was not written") {
  const uint64_t seed = seed_from_environment(1);
  CHECK(search(
            [](uint64_t s) {
              SimulatedDisk disk(s);
              return live_and_die(disk, disk, s);
            },
            seed, 1500) == "");
}

TEST_CASE("whichever operation fails, the log opens again with what was acknowledged") {
  const auto failing = GENERATE(SimulatedDisk::Failing::kOnce, SimulatedDisk::Failing::kFromThenOn);
  const auto crash = GENERATE(Crash::kKill, Crash::kPowerCut);
  uint64_t n = 0;
  for (bool has_struck = true; has_struck;) {
    SimulatedDisk disk(++n);
    INFO("operation " << n);
    REQUIRE(fail_operation(disk, disk, {.operation = n, .failing = failing, .crash = crash}) == "");
    has_struck = disk.has_failed();
  }
  CHECK(n > 50);
}

TEST_CASE("a full disk closes the log; with space again it opens with what was acknowledged") {
  for (uint64_t space = 0; space < 6000; space += 37) {
    SimulatedDisk disk(space);
    Writer writer(space);
    disk.set_free_bytes(space);
    {
      auto opened = open_and_replay(disk, kOptions);
      REQUIRE(opened);
      while (writer.step(*opened->log)) continue;
    }
    disk.set_free_bytes({});
    auto again = open_and_replay(disk, kOptions);
    REQUIRE(again);
    INFO("space for " << space << " bytes");
    REQUIRE(judge(writer, writer.acknowledged(), again->found.bodies) == "");
  }
}

TEST_CASE("planted bug: a sync that does nothing is found") {
  CHECK(search(
            [](uint64_t seed) {
              SimulatedDisk disk(seed);
              disk.ignore_sync(true);
              return live_and_die(disk, disk, seed);
            },
            1, 50) != "");
}

TEST_CASE("planted bug: a directory sync that does nothing is found") {
  CHECK(search(
            [](uint64_t seed) {
              SimulatedDisk disk(seed);
              disk.ignore_directory_sync(true);
              return live_and_die(disk, disk, seed);
            },
            1, 50) != "");
}

namespace {

// A disk that syncs everything but the log's buffer.
class ForgetfulDisk final : public DeafDisk {
 public:
  using DeafDisk::DeafDisk;
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    auto opened = disk().open(path, mode);
    if (!opened || !path.ends_with("/buffer")) return opened;
    return std::unique_ptr<File>(std::make_unique<UnsyncedFile>(*std::move(opened)));
  }

 private:
  class UnsyncedFile final : public DeafFile {
   public:
    using DeafFile::DeafFile;
    Result<void> sync() override { return {}; }
  };
};

}  // namespace

TEST_CASE("planted bug: a buffer that is not synced before and after its use is found") {
  CHECK(search(
            [](uint64_t seed) {
              SimulatedDisk disk(seed);
              ForgetfulDisk forgetful(disk);
              return live_and_die(disk, forgetful, seed);
            },
            1, 1500) != "");
}

TEST_CASE("planted bug: going on after a failed write or sync is found") {
  for (const Crash crash : {Crash::kKill, Crash::kPowerCut}) {
    size_t found = 0;
    bool has_struck = true;
    for (uint64_t n = 1; has_struck; n++) {
      SimulatedDisk disk(n);
      DeafDisk deaf(disk);
      if (fail_operation(disk, deaf, {n, SimulatedDisk::Failing::kOnce, crash}) != "") found++;
      has_struck = disk.has_failed();
    }
    CHECK(found > 0);
  }
}

}  // namespace chronos::test
