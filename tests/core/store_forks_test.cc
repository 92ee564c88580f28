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
    BatchHead head;
    head.fork = fork;
    head.durability = durability;
    return append(std::move(head), "order-7");
  }

  Result<AppendOutcome> append(BatchHead head, const std::string& stream, const std::string& type = "OrderPaid") {
    BatchBuilder builder(store->limits());
    builder.begin(std::move(head));
    NewEvent event;
    event.stream = stream;
    event.type = type;
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

  // A fork of main's head.
  void fork(const std::string& name) { REQUIRE(store->create_fork(wanted(name))); }

  // Previews and carries out.
  Result<Merged> merge(const MergeRequest& request, const std::string& request_id = {}) {
    const auto plan = store->plan_merge(request);
    if (!plan) return plan.error();
    return store->merge({request, plan->source_head, plan->target_head, local_principal("merger"), request_id});
  }

  uint64_t head_of(const std::string& fork) { return store->view({fork, {}, {}})->head().value; }

  SimulatedDisk& disk() { return disk_; }
  ManualClock& clock() { return clock_; }

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
  REQUIRE(s.store->discard_fork("try", "bad idea", local_principal("tester")));
  CHECK(code_of(s.store->create_fork(ForkedStore::wanted("try", "r-1"))) == Code::kNotFound);
  CHECK(code_of(s.store->create_fork(ForkedStore::wanted("try"))) == Code::kInvalidArgument);
  CHECK(code_of(s.append("try")) == Code::kNotFound);
  CHECK(code_of(s.store->view({"try", {}, {}})) == Code::kNotFound);
  CHECK(code_of(s.store->discard_fork("try", "", local_principal())) == Code::kNotFound);
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
  CHECK(code_of(s.store->discard_fork("main", "", local_principal())) == Code::kInvalidArgument);
  REQUIRE(s.store->create_fork(ForkedStore::wanted("parent")));
  NewFork child = ForkedStore::wanted("child");
  child.from.fork = "parent";
  child.ttl_seconds = 60;
  const auto made = s.store->create_fork(child);
  REQUIRE(made);
  CHECK(made->parent == "parent");
  CHECK(made->expires_at->value - made->created_at.value == 60'000'000);
  CHECK(code_of(s.store->discard_fork("parent", "", local_principal())) == Code::kConflict);
}

TEST_CASE("Many forks are named up to ten in messages", "[store][forks]") {
  ForkedStore s;
  for (int i = 0; i < 12; i++) REQUIRE(s.store->create_fork(ForkedStore::wanted("f" + std::to_string(i))));
  const auto missing = s.store->view({"nowhere", {}, {}});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message.find("main, f0, f1") != std::string::npos);
  CHECK(missing.error().message.find("and 3 more") != std::string::npos);
}

// --- merging ---

BatchHead at_version(const std::string& fork, const std::string& stream, uint32_t version) {
  BatchHead head;
  head.fork = fork;
  Condition condition;
  condition.stream = stream;
  condition.version = Version{version};
  head.conditions.push_back(condition);
  return head;
}

TEST_CASE("A merge keeps ids, says where events came from, and adds nothing the second time", "[store][forks]") {
  ForkedStore s;
  REQUIRE(s.append("main"));
  s.fork("try");
  REQUIRE(s.append(at_version("try", "order-8", 0), "order-8"));
  REQUIRE(s.append(at_version("try", "order-8", 1), "order-8"));
  const auto merged = s.merge({.source = "try"});
  REQUIRE(merged);
  CHECK(merged->target == "main");
  CHECK(merged->appended == 2);
  CHECK(merged->first_position == Position{2});
  CHECK(merged->last_position == Position{3});
  const auto main = s.store->view({"main", {}, {}});
  const auto fork = s.store->view({"try", {}, {}});
  CHECK(main->at(Position{3}).id() == fork->at(Position{3}).id());
  CHECK(main->at(Position{3}).metadata() == R"({"merged_from":{"fork":"try","position":3}})");
  CHECK(main->at(Position{3}).actor() == "merger");
  CHECK(main->at(Position{2}).commit().conditions() == fork->at(Position{2}).commit().conditions());

  const auto again = s.merge({.source = "try"});
  REQUIRE(again);
  CHECK(again->appended == 0);
  CHECK(again->duplicates == 2);
  CHECK(again->first_position == Position{0});
  CHECK(s.head_of("main") == 3);
  CHECK(s.store->plan_merge({.source = "try"})->steps[0].status == MergeStep::Status::kDuplicate);
}

TEST_CASE("A conflict aborts, is skipped or overridden, as asked", "[store][forks]") {
  ForkedStore s;
  REQUIRE(s.append("main"));
  s.fork("try");
  REQUIRE(s.append(at_version("try", "order-7", 1), "order-7"));  // in conflict
  REQUIRE(s.append(at_version("try", "order-8", 0), "order-8"));  // clean
  REQUIRE(s.append("main"));
  const auto plan = s.store->plan_merge({.source = "try"});
  REQUIRE(plan);
  CHECK(plan->is_blocked);
  CHECK(plan->steps[0].actual_version == Version{2});
  CHECK(plan->touched.size() == 1);
  const auto aborted = s.merge({.source = "try"});
  CHECK(code_of(aborted) == Code::kConflict);
  CHECK(aborted.error().message.find("on_conflict skip") != std::string::npos);
  CHECK(s.head_of("main") == 2);

  s.fork("try-2");  // to see both ways
  const auto skipped = s.merge({.source = "try", .target = "try-2", .on_conflict = OnConflict::kSkip});
  REQUIRE(skipped);
  CHECK(skipped->appended == 1);
  CHECK(skipped->skipped == 1);
  CHECK(s.store->view({"try-2", {}, {}})->at(Position{3}).stream() == "order-8");

  const auto forced = s.merge({.source = "try", .on_conflict = OnConflict::kSourceWins});
  REQUIRE(forced);
  CHECK(forced->appended == 2);
  const auto main = s.store->view({"main", {}, {}});
  CHECK(main->at(Position{3}).metadata() == R"({"merged_from":{"fork":"try","position":2,"override":true}})");
  CHECK(main->at(Position{3}).commit().conditions().empty());
  CHECK(main->at(Position{4}).metadata() == R"({"merged_from":{"fork":"try","position":3}})");
}

TEST_CASE("A merge is bound to the target its preview saw", "[store][forks]") {
  ForkedStore s;
  s.fork("try");
  REQUIRE(s.append("try"));
  const auto plan = s.store->plan_merge({.source = "try"});
  REQUIRE(s.append("main"));
  const auto late = s.store->merge({{.source = "try"}, plan->source_head, plan->target_head, local_principal(""), ""});
  CHECK(code_of(late) == Code::kConflict);
  CHECK(late.error().message.find("has moved from position 0 to 1") != std::string::npos);
  const auto early = s.store->merge({{.source = "try"}, Position{9}, Position{1}, local_principal(""), ""});
  CHECK(code_of(early) == Code::kInvalidArgument);
  // The source may go on: what was previewed is what is merged.
  const auto now = s.store->plan_merge({.source = "try"});
  REQUIRE(s.append("try"));
  const auto merged = s.store->merge({{.source = "try"}, now->source_head, now->target_head, local_principal(""), ""});
  REQUIRE(merged);
  CHECK(merged->appended == 1);
}

TEST_CASE("One request merges once, also after reopening", "[store][forks]") {
  ForkedStore s;
  s.fork("try");
  REQUIRE(s.append("try"));
  const auto first = s.merge({.source = "try"}, "m-1");
  REQUIRE(first);
  for (int life = 0; life < 2; life++) {
    const auto again = s.merge({.source = "try"}, "m-1");
    REQUIRE(again);
    CHECK(again->replayed);
    CHECK(again->appended == 1);
    CHECK(again->target == "main");
    CHECK(again->first_position == first->first_position);
    CHECK(again->merged_at == first->merged_at);
    CHECK(code_of(s.merge({.source = "try", .on_conflict = OnConflict::kSkip}, "m-1")) == Code::kIdReused);
    s.open();
  }
  CHECK(s.head_of("main") == 1);
  CHECK(code_of(s.store->create_fork(ForkedStore::wanted("other", "m-1"))) == Code::kIdReused);
  const auto gone = s.store->discard_fork("try", "merged", local_principal("tester"), "d-1");
  REQUIRE(gone);
  CHECK_FALSE(gone->replayed);
  const auto still_gone = s.store->discard_fork("try", "merged", local_principal("tester"), "d-1");
  REQUIRE(still_gone);
  CHECK(still_gone->replayed);
  CHECK(still_gone->discarded_at == gone->discarded_at);
  CHECK(s.merge({.source = "try"}, "m-1").error().code == Code::kNotFound);  // no preview of a fork that is gone
  CHECK(s.store->merge({{.source = "try"}, {}, {}, local_principal(""), "m-1"})->replayed);
}

TEST_CASE("Merges that cannot be are refused with what to do instead", "[store][forks]") {
  ForkedStore s;
  REQUIRE(s.append("main"));
  s.fork("parent");
  NewFork child = ForkedStore::wanted("child");
  child.from.fork = "parent";
  REQUIRE(s.store->create_fork(child));
  CHECK(code_of(s.store->plan_merge({.source = "nowhere"})) == Code::kNotFound);
  CHECK(code_of(s.store->plan_merge({.source = "child", .target = "nowhere"})) == Code::kNotFound);
  CHECK(code_of(s.store->plan_merge({.source = "main"})) == Code::kInvalidArgument);
  CHECK(code_of(s.store->plan_merge({.source = "main", .target = "child"})) == Code::kInvalidArgument);
  CHECK(code_of(s.store->plan_merge({.source = "child", .target = "child"})) == Code::kInvalidArgument);
  const auto down = s.store->plan_merge({.source = "parent", .target = "child"});
  CHECK(code_of(down) == Code::kInvalidArgument);
  CHECK(down.error().message.find("which was made of it") != std::string::npos);
}

TEST_CASE("An id that names something else on the target is overridden by nothing", "[store][forks]") {
  ForkedStore s;
  s.fork("try");
  const auto append_id = [&](const std::string& fork, const char* data) {
    BatchBuilder builder(s.store->limits());
    BatchHead head;
    head.fork = fork;
    builder.begin(std::move(head));
    NewEvent event;
    event.stream = "a";
    event.type = "T";
    event.data = data;
    event.id = "e-1";
    REQUIRE(builder.add(event));
    REQUIRE(s.store->append(*builder.finish()));
  };
  append_id("try", "{\"n\":1}");
  append_id("main", "{\"n\":2}");
  const auto plan = s.store->plan_merge({.source = "try", .on_conflict = OnConflict::kSourceWins});
  REQUIRE(plan);
  CHECK(plan->is_blocked);
  CHECK(plan->steps[0].taken_id == "e-1");
  CHECK(plan->steps[0].found == Position{1});
  CHECK(s.merge({.source = "try", .on_conflict = OnConflict::kSkip})->skipped == 1);
}

TEST_CASE("A merge of more events than it takes is refused, and can be done in parts", "[store][forks]") {
  ForkedStore s;
  s.fork("try");
  for (int batch = 0; batch < 11; batch++) {
    BatchBuilder builder(s.store->limits());
    BatchHead head;
    head.fork = "try";
    builder.begin(std::move(head));
    NewEvent event;
    event.stream = batch < 6 ? "early" : "late";
    event.type = "T";
    event.data = "{}";
    for (int i = 0; i < 10'000; i++) REQUIRE(builder.add(event));
    REQUIRE(s.store->append(*builder.finish()));
  }
  const auto all = s.store->plan_merge({.source = "try"});
  CHECK(code_of(all) == Code::kTooLarge);
  CHECK(all.error().message.find("more than 100000 events; merge a part of them at a time with only") !=
        std::string::npos);
  MatchItem early;
  early.streams = {"early"};
  const auto part = s.merge({.source = "try", .only = {early}});
  REQUIRE(part);
  CHECK(part->appended == 60'000);
  const auto rest = s.merge({.source = "try"});
  REQUIRE(rest);
  CHECK(rest->appended == 50'000);
  CHECK(rest->duplicates == 60'000);
}

TEST_CASE("A log that ends inside a merge has all of it or nothing", "[store][forks][crash]") {
  ForkedStore s;
  REQUIRE(s.append("main"));
  s.fork("try");
  for (int i = 0; i < 3; i++) REQUIRE(s.append("try"));
  const std::string log = "/store/log/00000000000000000001.log";
  s.store->mark_quiet();
  const size_t before = s.disk().contents(log).size();
  REQUIRE(s.merge({.source = "try"}));
  const std::string whole = s.disk().contents(log);
  s.store.reset();
  for (size_t size = before; size < whole.size(); size += 8) {
    s.disk().put(log, whole);
    s.disk().cut(log, size);
    INFO("cut to " << size << " of " << whole.size());
    StoreOptions options;
    options.directory = "/store";
    SimulatedDisk disk;
    REQUIRE(disk.create_directories("/store/log"));
    disk.put(log, whole.substr(0, size));
    options.disk = &disk;
    const auto opened = Store::open(options);
    REQUIRE(opened);
    CHECK((*opened)->view({"main", {}, {}})->head() == Position{1});
    CHECK((*opened)->status().recovery_report.empty() == (size == before));
  }
  SimulatedDisk disk;
  REQUIRE(disk.create_directories("/store/log"));
  disk.put(log, whole);
  StoreOptions options;
  options.directory = "/store";
  options.disk = &disk;
  CHECK((*Store::open(options))->view({"main", {}, {}})->head() == Position{4});
}

// --- time to live ---

TEST_CASE("A fork whose time is over is gone at once, with its forks, and the log says why", "[store][forks]") {
  ForkedStore s;
  NewFork parent = ForkedStore::wanted("parent");
  parent.ttl_seconds = 60;
  REQUIRE(s.store->create_fork(parent));
  NewFork child = ForkedStore::wanted("child");
  child.from.fork = "parent";
  child.ttl_seconds = 3600;
  const auto made = s.store->create_fork(child);
  REQUIRE(made);
  CHECK(made->expires_at->value - made->created_at.value == 60'000'000);  // not after its parent
  s.clock().advance(59'999'999);
  CHECK(s.append("child"));
  CHECK(s.store->forks().size() == 3);
  s.clock().advance(1);
  CHECK(s.store->forks().size() == 1);
  const auto expired = s.store->view({"child", {}, {}});
  CHECK(code_of(expired) == Code::kNotFound);
  CHECK(expired.error().message.find("expired at") != std::string::npos);
  CHECK(code_of(s.append("child")) == Code::kNotFound);  // which wrote it down
  s.clock().advance(-30'000'000);
  const auto discarded = s.store->view({"parent", {}, {}});
  CHECK(code_of(discarded) == Code::kNotFound);
  CHECK(discarded.error().message.find("(its time to live was over)") != std::string::npos);
  s.open();
  CHECK(s.store->view({"child", {}, {}}).error().message.find("its time to live was over") != std::string::npos);
}

TEST_CASE("A request of a fork that was discarded is remembered without it", "[store][forks]") {
  ForkedStore s;
  s.fork("try");
  BatchHead head;
  head.fork = "try";
  head.request_id = "r-1";
  REQUIRE(s.append(head, "order-7"));
  REQUIRE(s.store->discard_fork("try", "", local_principal()));
  head.fork = "main";
  for (int life = 0; life < 2; life++) {
    const auto reused = s.append(head, "order-7");
    CHECK(code_of(reused) == Code::kIdReused);
    CHECK(reused.error().message.find("in a fork that was discarded") != std::string::npos);
    s.open();
  }
}

// --- protected main ---

TEST_CASE("A protected main takes merges only, until it is opened up again", "[store][forks]") {
  ForkedStore s;
  REQUIRE(s.store->protect_main(true, local_principal("owner")));
  s.open();
  CHECK(s.store->status().main_protected);
  const auto refused = s.append("main");
  CHECK(code_of(refused) == Code::kPermissionDenied);
  CHECK(refused.error().message.find("create a fork") != std::string::npos);
  s.fork("try");
  REQUIRE(s.append("try"));
  REQUIRE(s.merge({.source = "try"}));
  CHECK(s.head_of("main") == 1);
  REQUIRE(s.store->protect_main(false, local_principal("owner")));
  CHECK(s.append("main"));
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
