#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/disk.h"
#include "core/log.h"
#include "tests/support/catch.h"
#include "tests/support/chance.h"
#include "tests/support/log_records.h"
#include "tests/support/scratch_directory.h"

namespace chronos::test {
namespace {

std::string read_all(File& file) {
  std::string bytes(*file.size(), '\0');
  REQUIRE(*file.read(0, bytes.data(), bytes.size()) == bytes.size());
  return bytes;
}

void write_at(File& file, uint64_t offset, std::string_view bytes) { REQUIRE(file.write(offset, {&bytes, 1})); }

void require_not_found(const Error& error, const std::string& path) {
  CHECK(error.code == Code::kNotFound);
  CHECK(error.message.find("'" + path + "': No such file or directory") != std::string::npos);
}

}  // namespace

// Large ones go past the page cache, but for their ends: whatever was written before and after, in either way, is read.
TEST_CASE("the machine's disk writes and syncs at once, small and large, at any place") {
  const uint64_t seed = test_seeds(1, 1).front();
  INFO("CHRONOS_SEED=" << seed);
  Chance random(seed);
  const ScratchDirectory directory;
  auto file = posix_disk().open(directory.path("f"), OpenMode::kCreate);
  REQUIRE(file);
  std::string expected;
  std::string text(3 << 20, 'x');
  for (char& letter : text) letter = static_cast<char>('a' + random.below(26));
  for (int step = 0; step < 40; step++) {
    std::vector<std::string_view> parts;
    const size_t most = random.below(2) == 0 ? 4096 : (size_t{1} << 19);
    for (size_t i = random.below(8); i > 0; i--) {
      const size_t size = random.below(3) == 0 ? 4096 * random.below(most / 4096 + 1) : random.below(most);
      parts.push_back(std::string_view(text).substr(random.below(text.size() - size), size));
    }
    const size_t offset = random.below(4) == 0 ? random.below(expected.size() + 1) : expected.size();
    std::string whole;
    for (const std::string_view part : parts) whole += part;
    expected.resize(std::max(expected.size(), offset + whole.size()));
    expected.replace(offset, whole.size(), whole);
    if (random.below(3) == 0) {
      REQUIRE((*file)->write(offset, parts));
    } else {
      REQUIRE((*file)->write_and_sync(offset, parts));
    }
    if (step % 8 == 7) REQUIRE(read_all(**file) == expected);
  }
  CHECK(read_all(**file) == expected);
}

// What cannot be written past the page cache is tried through it, which says why: here, a limit on the size of files.
TEST_CASE("a large write that fails is told, and what came before is there") {
  constexpr rlim_t kMost = size_t{3} << 19;  // in the middle of the second piece that goes past the page cache
  const ScratchDirectory directory;
  auto file = posix_disk().open(directory.path("f"), OpenMode::kCreate);
  REQUIRE(file);
  const std::string text(size_t{2} << 20, 'x');
  const std::string_view part = text;
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  rlimit limit = before;
  limit.rlim_cur = kMost;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  const auto written = (*file)->write_and_sync(0, {&part, 1});
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, handler);
  REQUIRE_FALSE(written);
  CHECK(written.error().message == "cannot write to '" + directory.path("f") + "': File too large");
  CHECK(read_all(**file) == text.substr(0, kMost));
  REQUIRE((*file)->write_and_sync(0, {&part, 1}));
  CHECK(read_all(**file) == text);
}

TEST_CASE("the machine's disk writes at offsets, reads to the end, truncates") {
  const ScratchDirectory directory;
  auto file = posix_disk().open(directory.path("f"), OpenMode::kCreate);
  REQUIRE(file);
  const std::vector<std::string_view> parts = {"", "one ", "", "two ", "three", ""};
  REQUIRE((*file)->write(0, parts));
  write_at(**file, 4, "2");
  write_at(**file, 15, "end");
  CHECK(read_all(**file) == std::string("one 2wo three\0\0end", 18));
  char buffer[10];
  CHECK(*(*file)->read(16, buffer, sizeof(buffer)) == 2);
  CHECK(*(*file)->read(18, buffer, sizeof(buffer)) == 0);
  CHECK(*(*file)->read(99, buffer, sizeof(buffer)) == 0);
  REQUIRE((*file)->truncate(3));
  REQUIRE((*file)->sync());
  CHECK(read_all(**posix_disk().open(directory.path("f"), OpenMode::kRead)) == "one");
}

TEST_CASE("the machine's disk writes more parts than one system call takes") {
  const ScratchDirectory directory;
  auto file = posix_disk().open(directory.path("f"), OpenMode::kCreate);
  REQUIRE(file);
  std::vector<std::string> texts;
  std::string expected;
  for (int i = 0; i < 3000; i++) expected += texts.emplace_back(std::string(i % 7, static_cast<char>('a' + i % 26)));
  const std::vector<std::string_view> parts(texts.begin(), texts.end());
  REQUIRE((*file)->write(0, parts));
  CHECK(read_all(**file) == expected);
}

TEST_CASE("the machine's disk shares a file's bytes as memory") {
  const ScratchDirectory directory;
  Disk& disk = posix_disk();
  const std::string path = directory.path("f");
  REQUIRE(!disk.share(path));
  auto file = disk.open(path, OpenMode::kCreate);
  REQUIRE(file);
  REQUIRE(!disk.share(path));  // nothing in it
  write_at(**file, 0, "abcdef");
  {
    auto shared = disk.share(path);
    REQUIRE(shared);
    REQUIRE((*shared)->bytes().size() == 6);
    (*shared)->bytes()[1] = 'B';
    CHECK(read_all(**file) == "aBcdef");
    write_at(**file, 2, "C");
    CHECK((*shared)->bytes()[2] == 'C');
    (*shared)->bytes()[5] = 'F';
  }
  CHECK(read_all(**file) == "aBCdeF");
}

TEST_CASE("the machine's disk tells what is missing, what is there and why it failed") {
  const ScratchDirectory directory;
  Disk& disk = posix_disk();
  const std::string path = directory.path("f");
  require_not_found(disk.open(path, OpenMode::kRead).error(), path);
  require_not_found(disk.open(path, OpenMode::kReadWrite).error(), path);
  require_not_found(disk.list(path).error(), path);
  require_not_found(disk.remove(path).error(), path);
  require_not_found(disk.rename(path, directory.path("g")).error(), path);
  CHECK(!*disk.exists(path));

  auto file = disk.open(path, OpenMode::kCreate);
  REQUIRE(file);
  CHECK(*disk.exists(path));
  CHECK(!*disk.exists(path + "/below"));
  const auto again = disk.open(path, OpenMode::kCreate);
  REQUIRE(!again);
  CHECK(again.error().code == Code::kUnavailable);
  CHECK(again.error().message == "cannot create '" + path + "': File exists");
  auto read_only = disk.open(path, OpenMode::kRead);
  REQUIRE(read_only);
  const std::string_view byte = "x";
  const auto written = (*read_only)->write(0, {&byte, 1});
  REQUIRE(!written);
  CHECK(written.error().message.starts_with("cannot write to '" + path + "': "));
}

TEST_CASE("the machine's disk lists, renames and removes files") {
  const ScratchDirectory directory;
  Disk& disk = posix_disk();
  REQUIRE(disk.create_directories(directory.path("a/b/c")));
  REQUIRE(disk.create_directories(directory.path("a/b/c/")));
  for (const char* name : {"a/2", "a/10", "a/1"}) REQUIRE(disk.open(directory.path(name), OpenMode::kCreate));
  CHECK(*disk.list(directory.path("a")) == std::vector<std::string>{"1", "10", "2"});
  write_at(**disk.open(directory.path("a/1"), OpenMode::kReadWrite), 0, "one");
  REQUIRE(disk.rename(directory.path("a/1"), directory.path("a/2")));
  REQUIRE(disk.remove(directory.path("a/10")));
  REQUIRE(disk.sync_directory(directory.path("a")));
  CHECK(*disk.list(directory.path("a")) == std::vector<std::string>{"2"});
  CHECK(read_all(**disk.open(directory.path("a/2"), OpenMode::kRead)) == "one");
  const auto blocked = disk.create_directories(directory.path("a/2/d"));
  REQUIRE(!blocked);
  CHECK(blocked.error().message.find("Not a directory") != std::string::npos);
}

TEST_CASE("the machine's disk gives a file a second name") {
  const ScratchDirectory directory;
  Disk& disk = posix_disk();
  REQUIRE(disk.create_directories(directory.path("a")));
  REQUIRE(disk.create_directories(directory.path("b")));
  write_at(**disk.open(directory.path("a/1"), OpenMode::kCreate), 0, "one");
  const auto linked = disk.link(directory.path("a/1"), directory.path("b/1"));
  REQUIRE(linked);
  CHECK(*linked);
  CHECK_FALSE(disk.link(directory.path("a/1"), directory.path("b/1")));
  REQUIRE(disk.remove(directory.path("a/1")));
  CHECK(read_all(**disk.open(directory.path("b/1"), OpenMode::kRead)) == "one");
  CHECK_FALSE(disk.link(directory.path("a/1"), directory.path("b/2")));
}

TEST_CASE("the machine's lock keeps out a second open in this process and in another") {
  const ScratchDirectory directory;
  const std::string path = directory.path("lock");
  auto held = posix_disk().lock(path);
  REQUIRE(held);
  const auto second = posix_disk().lock(path);
  REQUIRE(!second);
  CHECK(second.error().code == Code::kUnavailable);
  CHECK(second.error().message.find(path) != std::string::npos);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(posix_disk().lock(path) ? 1 : 0);
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  held->reset();
  CHECK(posix_disk().lock(path));
}

TEST_CASE("a log in several files on the machine's disk comes back") {
  const ScratchDirectory directory;
  const LocalLogOptions options{.directory = directory.path("new/log"), .file_size_bytes = 5000};
  std::vector<std::string> all;
  for (int round = 0; round < 3; round++) {
    auto opened = open_and_replay(posix_disk(), options);
    REQUIRE(opened);
    REQUIRE(opened->found.bodies == all);
    for (int group = 0; group < 10; group++) {
      const std::vector<std::string> bodies(3, std::string(100 * group, 'x'));
      const RecordNumbers before{.lsn = Lsn{all.size()}, .durable = Lsn{all.size()}};
      REQUIRE(append_bodies(*opened->log, bodies, before));
      all.insert(all.end(), bodies.begin(), bodies.end());
    }
    REQUIRE(opened->log->mark());
  }
  CHECK(open_and_replay(posix_disk(), options)->found.bodies == all);
  CHECK(posix_disk().list(options.directory)->size() > 5);
}

TEST_CASE("the system's clock and chance move on") {
  const Timestamp before = system_clock().now();
  CHECK(before.value > 1'700'000'000'000'000);
  uint64_t seen = 0;
  for (int i = 0; i < 2000; i++) seen |= system_random().next();
  CHECK(seen == ~uint64_t{0});
  CHECK(system_random().next() != system_random().next());
}

}  // namespace chronos::test
