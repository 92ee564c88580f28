// What the store promises of forks and of its own check, said plainly; the model test says it at random.
#include <string>

#include "core/store.h"
#include "tests/support/catch.h"
#include "tests/support/chance.h"
#include "tests/support/manual_clock.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {
namespace {

class ForkedStore {
 public:
  ForkedStore() { open(); }

  void open(bool allow_os_durability = true) {
    store.reset();
    StoreOptions options;
    options.directory = "/store";
    options.disk = &disk_;
    options.clock = &clock_;
    options.random = &random_;
    options.allow_os_durability = allow_os_durability;
    auto opened = Store::open(options);
    REQUIRE(opened);
    store = *std::move(opened);
  }

  Result<AppendOutcome> append(const std::string& fork, Durability durability = Durability::kFsync) {
    BatchBuilder builder(store->limits());
    BatchHead head;
    head.fork = fork;
    head.durability = durability;
    builder.begin(std::move(head));
    NewEvent event;
    event.stream = "order-7";
    event.type = "OrderPaid";
    event.data = "{\"amount\":100}";
    REQUIRE(builder.add(event));
    return store->append(*builder.finish());
  }

  static NewFork wanted(const std::string& name, const std::string& request_id = {}) {
    NewFork fork;
    fork.name = name;
    fork.request_id = request_id;
    fork.purpose = "to see";
    return fork;
  }

 private:
  SimulatedDisk disk_;
  ManualClock clock_;
  Chance random_{1};

 public:
  std::unique_ptr<Store> store;  // last: what it uses must outlive it
};

Code code_of(const auto& result) {
  REQUIRE_FALSE(result);
  return result.error().code;
}

TEST_CASE("A fork asked for twice by one request is made once, also after reopening", "[store][forks]") {
  ForkedStore s;
  REQUIRE(s.append("main"));
  const auto first = s.store->create_fork(ForkedStore::wanted("try", "r-1"));
  REQUIRE(first);
  REQUIRE(s.append("main"));  // "now" is another moment, the request is the same
  const auto again = s.store->create_fork(ForkedStore::wanted("try", "r-1"));
  REQUIRE(again);
  CHECK(again->id == first->id);
  CHECK(again->position == first->position);
  s.open();
  CHECK(s.store->create_fork(ForkedStore::wanted("try", "r-1"))->id == first->id);
  CHECK(code_of(s.store->create_fork(ForkedStore::wanted("other", "r-1"))) == Code::kIdReused);
  CHECK(s.store->forks().size() == 2);
}

TEST_CASE("One request id is not for an append and a fork", "[store][forks]") {
  ForkedStore s;
  BatchBuilder builder(s.store->limits());
  BatchHead head;
  head.request_id = "r-1";
  builder.begin(head);
  NewEvent event;
  event.stream = "a";
  event.type = "T";
  event.data = "{}";
  REQUIRE(builder.add(event));
  REQUIRE(s.store->append(*builder.finish()));
  CHECK(code_of(s.store->create_fork(ForkedStore::wanted("try", "r-1"))) == Code::kIdReused);

  REQUIRE(s.store->create_fork(ForkedStore::wanted("try", "r-2")));
  head.request_id = "r-2";
  builder.begin(head);
  REQUIRE(builder.add(event));
  CHECK(code_of(s.store->append(*builder.finish())) == Code::kIdReused);
}

TEST_CASE("A fork made by a request and discarded since is not made again", "[store][forks]") {
  ForkedStore s;
  REQUIRE(s.store->create_fork(ForkedStore::wanted("try", "r-1")));
  REQUIRE(s.store->discard_fork("try", "bad idea", "tester"));
  CHECK(code_of(s.store->create_fork(ForkedStore::wanted("try", "r-1"))) == Code::kNotFound);
  CHECK(code_of(s.store->create_fork(ForkedStore::wanted("try"))) == Code::kInvalidArgument);
  CHECK(code_of(s.append("try")) == Code::kNotFound);
  CHECK(code_of(s.store->view({"try", {}, {}})) == Code::kNotFound);
  CHECK(code_of(s.store->discard_fork("try", "", "")) == Code::kNotFound);
}

TEST_CASE("Forks that cannot be are refused with what to do instead", "[store][forks]") {
  ForkedStore s;
  REQUIRE(s.append("main"));
  for (const char* name : {"", "-a", "a b", "a/b", "caf\xc3\xa9"}) {
    CHECK(code_of(s.store->create_fork(ForkedStore::wanted(name))) == Code::kInvalidArgument);
  }
  CHECK(code_of(s.store->create_fork(ForkedStore::wanted(std::string(65, 'a')))) == Code::kInvalidArgument);
  CHECK(code_of(s.store->create_fork(ForkedStore::wanted("main"))) == Code::kInvalidArgument);
  CHECK(code_of(s.store->create_fork(ForkedStore::wanted("try", std::string(200, 'r')))) == Code::kTooLarge);
  NewFork late = ForkedStore::wanted("late");
  late.from.position = Position{2};
  const auto refused = s.store->create_fork(late);
  CHECK(code_of(refused) == Code::kInvalidArgument);
  CHECK(refused.error().message.find("is at 1") != std::string::npos);
  NewFork orphan = ForkedStore::wanted("orphan");
  orphan.from.fork = "nowhere";
  CHECK(code_of(s.store->create_fork(orphan)) == Code::kNotFound);
  CHECK(code_of(s.store->discard_fork("main", "", "")) == Code::kInvalidArgument);
  REQUIRE(s.store->create_fork(ForkedStore::wanted("parent")));
  NewFork child = ForkedStore::wanted("child");
  child.from.fork = "parent";
  child.ttl_seconds = 60;
  const auto made = s.store->create_fork(child);
  REQUIRE(made);
  CHECK(made->parent == "parent");
  CHECK(made->expires_at->value - made->created_at.value == 60'000'000);
  CHECK(code_of(s.store->discard_fork("parent", "", "")) == Code::kConflict);
}

TEST_CASE("Many forks are named up to ten in messages", "[store][forks]") {
  ForkedStore s;
  for (int i = 0; i < 12; i++) REQUIRE(s.store->create_fork(ForkedStore::wanted("f" + std::to_string(i))));
  const auto missing = s.store->view({"nowhere", {}, {}});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message.find("main, f0, f1") != std::string::npos);
  CHECK(missing.error().message.find("and 3 more") != std::string::npos);
}

TEST_CASE("A store that wants fsync takes nothing less", "[store]") {
  ForkedStore s;
  s.open(false);
  CHECK(code_of(s.append("main", Durability::kOs)) == Code::kPermissionDenied);
  CHECK(s.append("main"));
}

TEST_CASE("An address is a position or a time, not both", "[store]") {
  ForkedStore s;
  REQUIRE(s.append("main"));
  CHECK(code_of(s.store->view({"main", Position{1}, Timestamp{5}})) == Code::kInvalidArgument);
  CHECK(code_of(s.store->view({"main", Position{2}, {}})) == Code::kInvalidArgument);
  CHECK(s.store->view({"main", Position{0}, {}})->head() == Position{0});
}

TEST_CASE("A history that went bad in memory is found", "[store][verify]") {
  ForkedStore s;
  for (int i = 0; i < 5; i++) REQUIRE(s.append("main"));
  REQUIRE(s.store->verify(nullptr).problems.empty());
  const auto view = s.store->view({});
  const auto damage = [&](const char* at) {
    auto* byte = const_cast<char*>(at);
    *byte ^= 1;
    const HistoryReport report = s.store->verify(nullptr);
    *byte ^= 1;
    CHECK(report.events == 5);
    return report.problems;
  };
  const Event event = view->at(Position{3});
  REQUIRE(damage(event.data().data() + 3).size() == 1);
  CHECK(damage(event.data().data() + 3)[0].position == Position{3});
  CHECK_FALSE(damage(event.stream().data()).empty());  // in no index under that name
  CHECK_FALSE(damage(event.type().data()).empty());
  const char* record = event.address() - event.head().commit_back;
  CHECK(damage(record + sizeof(RecordHeader)).size() >= 2);                       // first_position: checksum and place
  CHECK(damage(record + sizeof(RecordHeader) + 15).size() >= 2);                  // recorded_at: checksum and order
  CHECK(damage(record + sizeof(RecordHeader) + sizeof(CommitHead)).size() >= 2);  // the version
  CHECK(s.store->verify(nullptr).problems.empty());
}

}  // namespace
}  // namespace chronos::test
