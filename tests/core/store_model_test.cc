// The whole store against the slow, obviously right model (tests/support/model_store.h): random operations, weights
// that differ per seed, and after each operation the same answers.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/salvage.h"
#include "core/store.h"
#include "tests/support/catch.h"
#include "tests/support/chance.h"
#include "tests/support/manual_clock.h"
#include "tests/support/model_store.h"
#include "tests/support/random_history.h"
#include "tests/support/simulated_disk.h"
#include "tests/support/store_checks.h"

namespace chronos::test {
namespace {

class ModelRun {
 public:
  explicit ModelRun(uint64_t seed) : chance_(seed), store_random_(seed + 1), history_(chance_), disk_(seed) {
    for (uint64_t& weight : weights_) weight = chance_.percent(20) ? 0 : chance_.between(1, 10);
    weights_[kAppend] += 5;
    clock_step_ = chance_.percent(20) ? 1 : 1000;
    if (chance_.percent(60)) seal_bytes_ = chance_.between(1, 20'000);
  }

  // "" or what went wrong.
  std::string run(size_t operations) {
    if (std::string problem = open(); !problem.empty()) return problem;
    const size_t whole_check = std::max<size_t>(100, operations / 10);
    for (size_t i = 0; i < operations; i++) {
      move_clock();
      latest_ = std::max(latest_, clock_.now());
      std::string problem = step();
      if (problem.empty()) problem = check_one_fork();
      if (problem.empty() && (i + 1) % whole_check == 0) problem = check_everything();
      if (!problem.empty()) return "operation " + std::to_string(i) + " (" + doing_ + "): " + problem;
    }
    return check_everything();
  }

 private:
  enum Operation {
    kAppend,
    kStage,
    kFork,
    kDiscard,
    kMerge,
    kKeepView,
    kAsOf,
    kAncestor,
    kScan,
    kReopen,
    kSeal,
    kMark,
    kBackup,
    kOperations
  };

  std::string open() {
    StoreOptions options;
    options.directory = "/store";
    options.disk = &disk_;
    options.clock = &clock_;
    options.random = &store_random_;
    options.log_file_bytes = 40'000;
    options.seal_bytes = seal_bytes_;
    options.seal_in_background = false;
    options_ = options;
    Result<std::unique_ptr<Store>> opened = Store::open(options);
    if (!opened) return "open: " + opened.error().message;
    store_ = *std::move(opened);
    return store_->status().recovery_report;
  }

  void move_clock() {
    if (chance_.percent(20)) return;
    if (chance_.percent(10)) return clock_.advance(-int64_t(chance_.below(5 * clock_step_)));
    clock_.advance(int64_t(chance_.below(clock_step_ + 1)));
  }

  std::string step() {
    switch (static_cast<Operation>(chance_.weighted(weights_))) {
      case kAppend: return append();
      case kStage: return stage_several();
      case kFork: return create_fork();
      case kDiscard: return discard_fork();
      case kMerge: return merge();
      case kKeepView: return keep_view();
      case kAsOf: return read_as_of();
      case kAncestor: return find_ancestor();
      case kScan: return scan();
      case kReopen: return reopen();
      case kSeal: return seal();
      case kBackup: return backup();
      default: return mark();
    }
  }

  View view_of(const std::string& fork) { return *store_->view({fork, std::nullopt, std::nullopt}); }

  // The model's answer, the store's, and what differs.  `stage` instead of append when `ticket` is given.
  std::string append_to_both(const ModelBatch& batch, Lsn* ticket) {
    const ModelOutcome expected = model_.decide(batch);
    Result<Batch> encoded = to_engine(batch);
    Result<AppendOutcome> outcome = Error{};
    if (!encoded) {
      outcome = encoded.error();
    } else if (ticket != nullptr) {
      Result<Store::Staged> staged = store_->stage(*std::move(encoded));
      if (staged) *ticket = std::max(*ticket, staged->ticket);
      outcome = staged ? Result<AppendOutcome>(staged->outcome) : Result<AppendOutcome>(staged.error());
    } else {
      outcome = store_->append(*std::move(encoded));
    }
    if (!outcome) {
      if (expected.error == outcome.error().code) return "";
      return "refused: " + outcome.error().message;
    }
    if (expected.error) return "not refused, but the model says " + std::string(code_name(*expected.error));
    std::string problem = check_outcome(*outcome, expected, ticket == nullptr ? ToldBy::kAppend : ToldBy::kStage);
    if (!problem.empty() || !outcome->appended || outcome->appended->replayed) {
      if (outcome->conflict && ticket == nullptr && problem.empty())
        problem = check_missed(*outcome->conflict, model_.find(batch.head.fork)->events);
      return problem;
    }
    return commit_to_model(batch, outcome->appended->recorded_at);
  }

  std::string commit_to_model(const ModelBatch& batch, Timestamp recorded_at) {
    const ModelEvents& line = model_.find(batch.head.fork)->events;
    if (!line.empty() && recorded_at < line.back().recorded_at) return "recorded_at went back";
    if (recorded_at < clock_.now()) return "recorded_at is before the clock";
    if (recorded_at > latest_) return "recorded_at is later than the clock ever was";
    model_.commit(batch, recorded_at);
    return "";
  }

  std::string append() {
    doing_ = "append";
    return append_to_both(history_.batch(model_), nullptr);
  }

  std::string stage_several() {
    doing_ = "stage";
    Lsn ticket;
    const uint64_t count = chance_.between(2, 6);
    for (uint64_t i = 0; i < count; i++) {
      const std::string problem = append_to_both(history_.batch(model_), &ticket);
      if (!problem.empty()) return problem;
    }
    const Result<void> settled = store_->settle(ticket);
    return settled ? "" : "settle: " + settled.error().message;
  }

  std::string create_fork() {
    doing_ = "create_fork";
    const NewFork fork = history_.fork(model_);
    const Result<ForkInfo> made = store_->create_fork(fork);
    const Result<void> expected = model_.create_fork(fork);
    if (made.has_value() != expected.has_value())
      return "fork '" + fork.name + "': " + (made ? "made, the model refuses" : made.error().message);
    if (!made) return made.error().code == expected.error().code ? "" : "another code: " + made.error().message;
    const bool agrees = made->position == model_.find(fork.name)->position && made->id == model_.find(fork.name)->id;
    return agrees ? "" : "the fork begins elsewhere, or has another id";
  }

  std::string discard_fork() {
    doing_ = "discard_fork";
    const std::string name = chance_.percent(5) ? "no-such-fork" : history_.living(model_);
    const Result<DiscardedFork> discarded = store_->discard_fork(name, "done", local_principal("agent-7"));
    const Result<void> expected = model_.discard_fork(name);
    if (discarded.has_value() != expected.has_value())
      return "fork '" + name + "': " + (discarded ? "discarded, the model refuses" : discarded.error().message);
    if (discarded || discarded.error().code == expected.error().code) return "";
    return "another code: " + discarded.error().message;
  }

  // Plans a merge and, more often than not, carries it out; sometimes something comes between.
  std::string merge() {
    doing_ = "merge";
    const MergeRequest request = history_.merge(model_);
    const Result<MergePlan> plan = store_->plan_merge(request);
    const Result<ModelMerge> expected = model_.plan_merge(request);
    doing_ += " of " + request.source + " into " + (request.target.empty() ? "its parent" : request.target);
    if (plan.has_value() != expected.has_value()) return plan ? "planned, the model refuses" : plan.error().message;
    if (!plan) return plan.error().code == expected.error().code ? "" : "another code: " + plan.error().message;
    if (std::string problem = check_plan(*plan, *expected); !problem.empty()) return problem;
    if (chance_.percent(30)) return "";
    const std::vector<std::string> ids = ids_to_append(view_of(request.source), *plan, request.on_conflict);
    const bool moved = chance_.percent(10) && append_to(plan->target);
    const Result<Merged> merged =
        store_->merge({request, plan->source_head, plan->target_head, local_principal("agent-8"), std::string()});
    if (expected->is_blocked || moved) {
      if (merged) return "merged in spite of a conflict";
      return merged.error().code == Code::kConflict ? "" : "another code: " + merged.error().message;
    }
    if (!merged) return "refused: " + merged.error().message;
    if (merged->appended != expected->would_append || merged->target != plan->target) return "other events were merged";
    model_.merge(request, *expected, ids, "agent-8", merged->merged_at);
    return "";
  }

  bool append_to(const std::string& fork) {
    ModelBatch batch;
    batch.head.fork = fork;
    batch.events.emplace_back();
    batch.events.back().stream = history_.stream();
    batch.events.back().type = "Between";
    return append_to_both(batch, nullptr).empty();
  }

  // Views taken now are looked at again much later.
  std::string keep_view() {
    doing_ = "keep_view";
    const std::string fork = history_.living(model_);
    const ModelEvents& line = model_.find(fork)->events;
    View view = view_of(fork);
    if (view.head().value != line.size()) return "the head is not the model's";
    const Position bound{chance_.percent(50) ? line.size() : chance_.below(line.size() + 1)};
    kept_.push_back({view.cut(bound), ModelEvents(line.begin(), line.begin() + static_cast<ptrdiff_t>(bound.value))});
    if (kept_.size() > 8) kept_.erase(kept_.begin());
    return "";
  }

  std::string read_as_of() {
    doing_ = "as_of";
    const std::string fork = history_.living(model_);
    const ModelEvents& line = model_.find(fork)->events;
    Address address{fork, std::nullopt, std::nullopt};
    Position expected{chance_.below(line.size() + 1)};
    if (chance_.percent(50) && !line.empty()) {
      address.time = Timestamp{chance_.pick(line).recorded_at.value + int64_t(chance_.below(3)) - 1};
      expected = ModelStore::position_at(line, *address.time);
    } else {
      address.position = expected;
    }
    const Result<View> view = store_->view(address);
    if (!view) return view.error().message;
    const ModelLine prefix = ModelLine(line).first(expected.value);
    if (std::string problem = check_some(*view, prefix, chance_); !problem.empty()) return problem;
    if (chance_.percent(10)) return check_view(*view, prefix);
    const Result<View> beyond = store_->view({fork, Position{line.size() + 1}, std::nullopt});
    if (beyond) return "there is a view beyond the head";
    return beyond.error().code == Code::kInvalidArgument ? "" : "another code: " + beyond.error().message;
  }

  std::string find_ancestor() {
    doing_ = "ancestor";
    const std::string left = history_.living(model_), right = history_.living(model_);
    const ModelLine left_line = model_.find(left)->events, right_line = model_.find(right)->events;
    const Position left_bound{chance_.below(left_line.size() + 1)}, right_bound{chance_.below(right_line.size() + 1)};
    const View::Ancestor found = view_of(left).cut(left_bound).common_ancestor(view_of(right).cut(right_bound));
    const Position expected =
        ModelStore::common(left_line.first(left_bound.value), right_line.first(right_bound.value));
    if (found.position != expected)
      return left + "@" + std::to_string(left_bound.value) + " and " + right + "@" + std::to_string(right_bound.value) +
             " part at " + std::to_string(found.position.value) + ", the model says " + std::to_string(expected.value);
    if (expected == Position{0}) return "";
    const std::string& owner = model_.forks()[left_line[expected.value - 1].owner.value].name;
    return found.fork == owner ? "" : "the ancestor belongs to '" + owner + "', not '" + found.fork + "'";
  }

  std::string scan() {
    doing_ = "scan";
    const std::string fork = history_.living(model_);
    const ModelLine line = model_.find(fork)->events;
    const ModelLine prefix = line.first(chance_.below(line.size() + 1));
    return check_scan(view_of(fork).cut(Position{prefix.size()}), prefix, random_filter(prefix), chance_);
  }

  EventFilter random_filter(ModelLine line) {
    EventFilter filter;
    filter.match = history_.match_or_none();
    if (chance_.percent(30)) filter.stream = history_.stream();
    if (line.empty()) return filter;
    const auto some_time = [&] {
      const ModelEvent& event = line[chance_.below(line.size())];
      return chance_.percent(50) ? event.recorded_at : event.true_at();
    };
    if (chance_.percent(20)) filter.since = some_time();
    if (chance_.percent(20)) filter.until = some_time();
    if (chance_.percent(20)) filter.valid_since = some_time();
    if (chance_.percent(20)) filter.valid_until = some_time();
    return filter;
  }

  std::string reopen() {
    doing_ = "reopen";
    if (chance_.percent(70)) return "";
    if (std::string problem = check_kept(); !problem.empty()) return problem;
    kept_.clear();
    store_.reset();
    if (chance_.percent(50)) {
      if (std::string problem = write_again(); !problem.empty()) return problem;
    }
    return open();
  }

  StoreOptions other_options(const std::string& what) {
    StoreOptions options = options_;
    options.directory = "/" + what + std::to_string(others_++);
    options.seal_bytes = chance_.between(1, 20'000);
    return options;
  }

  // Ids of forks are other ones where some were discarded.
  std::string check_copy(const StoreOptions& options) {
    const Result<std::unique_ptr<Store>> copy = Store::open(options);
    if (!copy) return "the copy does not open: " + copy.error().message;
    size_t living = 0;
    for (const ModelStore::Fork& fork : model_.forks()) {
      if (fork.discarded) continue;
      living++;
      const Result<View> view = (*copy)->view({fork.name, std::nullopt, std::nullopt});
      if (!view) return "the copy: " + view.error().message;
      if (std::string problem = check_view(*view, fork.events); !problem.empty()) return "the copy: " + problem;
    }
    for (const ForkInfo& info : (*copy)->forks()) {
      const ModelStore::Fork* const fork = model_.find(info.name);
      if (fork == nullptr || info.position != fork->position || info.parent != fork->parent) return "another fork";
    }
    if ((*copy)->forks().size() != living) return "the copy has another number of forks";
    const HistoryReport report = (*copy)->verify(nullptr);
    return report.problems.empty() ? "" : "the copy: " + report.problems.front().what;
  }

  std::string backup() {
    doing_ = "backup";
    if (chance_.percent(60)) return "";
    disk_.refuse_links(chance_.percent(50));
    const StoreOptions to = other_options("backup");
    const Result<BackupReport> report = store_->backup(to.directory);
    if (!report) return report.error().message;
    if (report->position.value != model_.find("main")->events.size()) return "the backup says another position";
    if (store_->backup(to.directory)) return "a backup was written over another";
    const StoreOptions restored = other_options("restored");
    if (auto done = restore_all(disk_, to.directory, restored.directory); !done) return done.error().message;
    const std::string problem = check_copy(restored);
    return problem.empty() ? check_copy(to) : problem;
  }

  // What salvage and restoring to a position make of the closed store.
  std::string write_again() {
    doing_ = "write again";
    const auto before = disk_.files();
    const StoreOptions restored = other_options("whole");
    const Result<void> done = restore_all(disk_, "/store", restored.directory);
    // Of a store that was never sealed there is no manifest.
    if (!done && done.error().code != Code::kNotFound) return done.error().message;
    if (done) {
      if (std::string problem = check_copy(restored); !problem.empty()) return problem;
    }
    const StoreOptions saved = other_options("saved");
    const Result<SalvageReport> report = salvage("/store", saved, nullptr);
    if (!report) return report.error().message;
    if (!report->is_whole()) return report->damages.empty() ? report->lost.front().what : report->damages.front();
    if (std::string problem = check_copy(saved); !problem.empty()) return problem;
    if (std::string problem = restore_some(); !problem.empty()) return problem;
    const auto after = disk_.files();
    for (const auto& [path, bytes] : before) {
      if (path.starts_with("/store/") && after.at(path) != bytes) return "'" + path + "' was touched";
    }
    return "";
  }

  std::string restore_some() {
    const ModelEvents& main = model_.find("main")->events;
    const uint64_t position = chance_.below(main.size() + 2);
    const bool is_end = position == 0 || position == main.size() ||
                        (position < main.size() && main[position - 1].commit != main[position].commit);
    const StoreOptions options = other_options("earlier");
    const Result<RestoreReport> report = restore_to("/store", options, Position{position}, nullptr);
    if (report.has_value() != is_end) return report ? "half a batch was restored" : report.error().message;
    if (!report) {
      const auto made = disk_.exists(options.directory);
      return *made ? "a refused restoring made something" : "";
    }
    const Result<std::unique_ptr<Store>> earlier = Store::open(options);
    if (!earlier) return earlier.error().message;
    return check_view(*(*earlier)->view({}), ModelLine(main).first(position));
  }

  std::string seal() {
    doing_ = "seal";
    if (chance_.percent(50)) return "";
    const Result<void> sealed = store_->seal();
    if (!sealed) return sealed.error().message;
    return store_->status().sealing_failure;
  }

  std::string mark() {
    doing_ = "mark";
    store_->mark_quiet();
    return "";
  }

  std::string check_kept() {
    for (const Kept& kept : kept_) {
      const std::string problem = check_view(kept.view, kept.line);
      if (!problem.empty()) return "a view taken earlier has changed: " + problem;
    }
    return "";
  }

  std::string check_one_fork() {
    const std::string fork = history_.living(model_);
    const std::string problem = check_some(view_of(fork), model_.find(fork)->events, chance_);
    return problem.empty() ? "" : "fork '" + fork + "': " + problem;
  }

  std::string check_everything() {
    std::string problem = check_store(*store_, model_);
    if (problem.empty()) problem = check_kept();
    const HistoryReport report = store_->verify([](double) { return true; });
    if (problem.empty() && !report.problems.empty()) problem = "verify: " + report.problems.front().what;
    return problem;
  }

  struct Kept {
    View view;
    ModelEvents line;
  };
  Chance chance_;
  Chance store_random_;
  RandomHistory history_;
  ManualClock clock_;
  SimulatedDisk disk_;
  std::unique_ptr<Store> store_;
  ModelStore model_;
  std::vector<Kept> kept_;
  StoreOptions options_;
  uint64_t others_ = 0;  // stores made of this one
  std::vector<uint64_t> weights_ = std::vector<uint64_t>(kOperations);
  uint64_t clock_step_;
  std::optional<uint64_t> seal_bytes_;
  Timestamp latest_ = clock_.now();
  std::string doing_;
};

}  // namespace

// CHRONOS_OPERATIONS asks for longer runs (docs/TESTING.md).
TEST_CASE("the store answers as the model does, whatever is done to it", "[store][model]") {
  const char* given = std::getenv("CHRONOS_OPERATIONS");
  const size_t operations = given == nullptr ? 200 : std::strtoull(given, nullptr, 10);
  for (const uint64_t seed : test_seeds(1, 60)) {
    INFO("CHRONOS_SEED=" << seed);
    REQUIRE(ModelRun(seed).run(operations) == "");
  }
}

}  // namespace chronos::test
