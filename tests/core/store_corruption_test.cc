// Damage to the files of a whole store: a wrong bit, a cut, a piece twice or in the wrong place, a file gone, a newer
// format.  Opening must refuse and name the file, or recover what a torn tail leaves; never answer wrongly.
#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/log_format.h"
#include "core/store.h"
#include "tests/support/catch.h"
#include "tests/support/chance.h"
#include "tests/support/manual_clock.h"
#include "tests/support/model_store.h"
#include "tests/support/simulated_disk.h"
#include "tests/support/store_checks.h"

namespace chronos::test {
namespace {

using Files = std::map<std::string, std::string>;
constexpr size_t kFileHeader = 32;

// A small store of two log files, with forks and every optional field, and the model after each of its records.
class SmallStore {
 public:
  SmallStore() {
    open();
    for (int i = 0; i < 9; i++) {
      if (i == 4) fork();
      append(i);
    }
    store_->mark_quiet();  // from now on a missing end is damage too
    disk_.kill();
    store_.reset();
    for (const auto& [path, bytes] : disk_.files()) {
      if (path.ends_with(".log")) files[path] = bytes;
    }
    REQUIRE(files.size() >= 2);
  }

  Files files;
  std::vector<ModelStore> moments = {ModelStore()};

 private:
  void open() {
    StoreOptions options;
    options.directory = "/store";
    options.disk = &disk_;
    options.clock = &clock_;
    options.random = &random_;
    options.log_file_bytes = 1'000;
    Result<std::unique_ptr<Store>> opened = Store::open(options);
    REQUIRE(opened);
    store_ = *std::move(opened);
  }

  void append(int i) {
    ModelBatch batch;
    batch.head.fork = i % 3 == 2 && i > 4 ? "try" : "main";
    batch.head.principal.name = "agent-7";
    if (i % 2 == 0) batch.head.request_id = "request-" + std::to_string(i);
    for (int k = 0; k <= i % 2; k++) {
      ModelEvent event;
      event.stream = "order-" + std::to_string(i % 2);
      event.type = "Paid";
      event.data = "{\"n\":" + std::to_string(i) + "}";
      if (i % 3 == 0) event.client_id = "event-" + std::to_string(i) + "-" + std::to_string(k);
      if (i % 4 == 0) event.valid_at = Timestamp{5};
      if (i % 4 == 1) event.tags = {"a", "b"};
      if (i == 5) event.embedding = {1.0F, 2.0F};
      batch.events.push_back(event);
    }
    const Result<AppendOutcome> outcome = store_->append(*to_engine(batch));
    REQUIRE(outcome);
    moments.push_back(moments.back());
    moments.back().commit(batch, outcome->appended->recorded_at);
  }

  void fork() {
    NewFork wanted;
    wanted.name = "try";
    wanted.from.position = Position{2};
    REQUIRE(store_->create_fork(wanted));
    moments.push_back(moments.back());
    REQUIRE(moments.back().create_fork(wanted));
  }

  SimulatedDisk disk_;
  Chance random_{1};
  ManualClock clock_;
  std::unique_ptr<Store> store_;
};

struct Opened {
  std::string problem;  // "" when the store behaved
  std::optional<Error> refused;
  size_t moment = 0;  // of SmallStore::moments, when it opened
};

Opened open_damaged(const Files& files, const SmallStore& original) {
  SimulatedDisk disk;
  static_cast<void>(disk.create_directories("/store/log"));
  for (const auto& [path, bytes] : files) disk.put(path, bytes);
  StoreOptions options;
  options.directory = "/store";
  options.disk = &disk;
  Opened result;
  const Result<std::unique_ptr<Store>> opened = Store::open(options);
  if (!opened) {
    result.refused = opened.error();
    const bool known = opened.error().code == Code::kCorrupt || opened.error().code == Code::kInvalidArgument;
    const bool names_file = opened.error().message.find("/store/log") != std::string::npos;
    if (!known || !names_file) result.problem = "refused without saying where: " + opened.error().message;
    return result;
  }
  for (result.moment = original.moments.size(); result.moment-- > 0;) {
    if (check_store(**opened, original.moments[result.moment]).empty()) return result;
  }
  result.problem = "opened, and holds what the store never held: " + check_store(**opened, original.moments.back());
  return result;
}

// Damage to what was durable and marked must be refused; nothing may be lost silently.
std::string must_refuse(const Files& files, const SmallStore& original) {
  const Opened opened = open_damaged(files, original);
  if (!opened.problem.empty() || opened.refused) return opened.problem;
  return opened.moment + 1 == original.moments.size() ? "opened as if nothing were wrong" : "lost records silently";
}

// The mark at the end is the one thing that may be damaged without loss.
constexpr size_t kMarkSize = sizeof(RecordHeader);

}  // namespace

TEST_CASE("a store opens from its files as it was", "[store][corruption]") {
  const SmallStore original;
  const Opened opened = open_damaged(original.files, original);
  CHECK(opened.problem == "");
  CHECK_FALSE(opened.refused);
  CHECK(opened.moment + 1 == original.moments.size());
}

TEST_CASE("a flipped bit anywhere in a store's files is refused; in its last mark it costs nothing",
          "[store][corruption]") {
  const SmallStore original;
  const std::string last = original.files.rbegin()->first;
  for (const auto& [path, bytes] : original.files) {
    for (size_t i = 0; i < bytes.size(); i++) {
      Files damaged = original.files;
      damaged[path][i] = static_cast<char>(damaged[path][i] ^ (1 << (i % 8)));
      INFO(path << " byte " << i);
      const bool in_mark = path == last && i + kMarkSize >= bytes.size();
      if (in_mark) {
        const Opened opened = open_damaged(damaged, original);
        REQUIRE(opened.problem == "");
        REQUIRE((opened.refused || opened.moment + 1 == original.moments.size()));
      } else {
        REQUIRE(must_refuse(damaged, original) == "");
      }
    }
  }
}

TEST_CASE("a store cut at any length recovers a moment of its past, or refuses; an inner file must be whole",
          "[store][corruption]") {
  const SmallStore original;
  const std::string last = original.files.rbegin()->first;
  for (const auto& [path, bytes] : original.files) {
    for (size_t size = 0; size < bytes.size(); size++) {
      Files damaged = original.files;
      damaged[path].resize(size);
      INFO(path << " cut at " << size);
      if (path == last) {
        REQUIRE(open_damaged(damaged, original).problem == "");
      } else {
        REQUIRE(must_refuse(damaged, original) == "");
      }
    }
  }
}

TEST_CASE("a piece of a store's file twice, or two pieces swapped, is refused", "[store][corruption]") {
  const SmallStore original;
  Chance chance(1);
  for (const auto& [path, bytes] : original.files) {
    const size_t end = bytes.size() - kMarkSize;
    for (int i = 0; i < 100; i++) {
      const size_t from = kFileHeader + 8 * chance.below((end - kFileHeader) / 8);
      const size_t to = kFileHeader + 8 * chance.below((end - kFileHeader) / 8);
      const size_t size = std::min({8 * chance.between(1, 20), end - from, end - to});
      Files damaged = original.files;
      std::string piece = bytes.substr(from, size);
      INFO(path << ": " << size << " bytes from " << from << " to " << to << (i % 2 == 0 ? " again" : " swapped"));
      if (i % 2 == 0) {
        damaged[path].insert(to, piece);
      } else {
        const std::string other = bytes.substr(to, size);
        damaged[path].replace(to, size, piece);
        damaged[path].replace(from, size, other);
      }
      if (damaged == original.files) continue;
      REQUIRE(must_refuse(damaged, original) == "");
    }
  }
}

TEST_CASE("two whole records in each other's place are refused, though each is intact", "[store][corruption]") {
  const SmallStore original;
  const auto& [path, bytes] = *original.files.begin();
  const size_t first = kFileHeader;
  const size_t second = first + check_record(bytes.data() + first, bytes.size() - first);
  const size_t end = second + check_record(bytes.data() + second, bytes.size() - second);
  REQUIRE(first < second);
  REQUIRE(second < end);
  Files damaged = original.files;
  damaged[path] = bytes.substr(0, first) + bytes.substr(second, end - second) + bytes.substr(first, second - first) +
                  bytes.substr(end);
  CHECK(must_refuse(damaged, original) == "");
}

TEST_CASE("a store without one of its files is refused, but for the last, whose loss nothing tells",
          "[store][corruption]") {
  const SmallStore original;
  const std::string last = original.files.rbegin()->first;
  for (const auto& [path, bytes] : original.files) {
    if (path == last) continue;
    Files damaged = original.files;
    damaged.erase(path);
    INFO(path);
    CHECK(must_refuse(damaged, original) == "");
  }
}

TEST_CASE("a store of a newer format is refused as such", "[store][corruption]") {
  const SmallStore original;
  Files newer = original.files;
  for (auto& [path, bytes] : newer) bytes[8] = 2;
  const Opened opened = open_damaged(newer, original);
  CHECK(opened.problem == "");
  REQUIRE(opened.refused);
}

namespace {

// Makes the checksum of the record around `at` right again, as if there were none to stop a wrong byte.
void seal_again(std::string& bytes, size_t at) {
  for (size_t record = kFileHeader; record < bytes.size();) {
    RecordHeader header;
    std::memcpy(&header, bytes.data() + record, sizeof header);
    const size_t body = record + sizeof header + header.head_size;
    if (record < at && at < record + record_length(header))
      seal_record(bytes.data() + record, {Lsn{header.lsn}, Lsn{header.durable}},
                  hash_bytes({bytes.data() + body, header.size - header.head_size}));
    record += record_length(header);
  }
}

}  // namespace

TEST_CASE("planted bug: a store without checksums is found", "[store][corruption]") {
  const SmallStore original;
  Files damaged = original.files;
  std::string& bytes = damaged.begin()->second;
  const size_t at = bytes.find("{\"n\":1}");
  REQUIRE(at != std::string::npos);
  bytes[at + 5] = '7';
  seal_again(bytes, at);
  const Opened opened = open_damaged(damaged, original);
  CHECK_FALSE(opened.refused);
  CHECK(opened.problem != "");
}

// What it holds then may be wrong, but it is refused or it can be read: no size in it is believed unseen.
TEST_CASE("a wrong byte under a right checksum is survived", "[store][corruption]") {
  const SmallStore original;
  for (const auto& [path, bytes] : original.files) {
    for (size_t record = kFileHeader; record < bytes.size();) {
      RecordHeader header;
      std::memcpy(&header, bytes.data() + record, sizeof header);
      for (size_t i = sizeof header; i < sizeof header + header.size; i++) {
        Files damaged = original.files;
        damaged[path][record + i] = static_cast<char>(damaged[path][record + i] ^ 0x85);
        seal_again(damaged[path], record + i);
        INFO(path << " byte " << record + i);
        const Opened opened = open_damaged(damaged, original);
        if (opened.refused) REQUIRE(opened.refused->code == Code::kCorrupt);
      }
      record += record_length(header);
    }
  }
}

}  // namespace chronos::test
