#include "tests/support/crash_run.h"

#include <algorithm>
#include <utility>

#include "tests/support/store_checks.h"

namespace chronos::test {
namespace {

// Short histories die more often in the same time.
constexpr size_t kMostEvents = 4;

std::string at_operation(size_t i, const std::string& problem) {
  return problem.empty() ? "" : "operation " + std::to_string(i) + ": " + problem;
}

}  // namespace

CrashRun::CrashRun(SimulatedDisk& disk, Setting setting)
    : disk_(disk), setting_(setting), chance_(setting.seed), store_random_(setting.seed + 1), random_(chance_) {
  // Some stores seal all the time, some when they are told, some never.
  const uint64_t kind = setting.seed % 4;
  if (kind == 1) seal_bytes_ = 300;
  if (kind == 2) seal_bytes_ = 3'000;
  may_seal_ = kind != 0;
}

CrashRun::~CrashRun() = default;

std::string CrashRun::open() {
  StoreOptions options;
  options.directory = "/store";
  options.disk = setting_.disk != nullptr ? setting_.disk : &disk_;
  options.clock = &clock_;
  options.random = &store_random_;
  options.log_file_bytes = 4'000;
  options.seal_bytes = seal_bytes_;
  options.seal_in_background = false;
  Result<std::unique_ptr<Store>> opened = Store::open(options);
  faulted_ = false;
  if (!opened) {
    const bool excused = disk_is_at_fault() && opened.error().code == Code::kUnavailable;
    return excused ? "" : "open: " + opened.error().message;
  }
  store_ = *std::move(opened);
  if (store_id_.empty()) store_id_ = store_->status().store_id;
  if (store_->status().store_id != store_id_) return "the store has another id than before";

  size_t survived = 0;
  if (std::string problem = match_prefix(must_have_, survived); !problem.empty()) return problem;
  history_.resize(survived);
  model_ = ModelStore();
  for (const Operation& operation : history_) apply(model_, operation);
  // What a reader can see, a replay answers for: opening must have made all of it durable.
  settled_ = durable_ = must_have_ = survived;
  const HistoryReport report = store_->verify([](double) { return true; });
  return report.problems.empty() ? "" : "verify: " + report.problems.front().what;
}

std::string CrashRun::live(size_t operations) {
  for (size_t i = 0; i < operations && !faulted_; i++) {
    clock_.advance(int64_t(chance_.below(1000)) - 200);
    std::string problem;
    switch (chance_.below(may_seal_ ? 11 : 10)) {
      case 0: problem = create_fork(); break;
      case 1: problem = chance_.percent(20) ? discard_fork() : merge(); break;
      case 2:
        store_->mark_quiet();
        if (!store_->status().read_only_reason.empty()) problem = fault({Code::kUnavailable, "mark failed", {}});
        break;
      case 10: problem = seal(); break;
      case 3:
      case 4: problem = append(false); break;
      default: problem = append(true); break;
    }
    if (!problem.empty()) return at_operation(i, problem);
  }
  return "";
}

std::string CrashRun::send_again() {
  const std::vector<ModelBatch> batches = std::exchange(named_, {});
  for (const ModelBatch& batch : batches) {
    if (faulted_) return "";
    if (std::string problem = send(batch, true); !problem.empty()) return "sent again: " + problem;
  }
  return "";
}

std::string CrashRun::append(bool settle) {
  ModelBatch batch = random_.batch(model_);
  if (batch.events.size() > kMostEvents) batch.events.resize(kMostEvents);
  if (setting_.os_durability && chance_.percent(70)) batch.head.durability = Durability::kOs;
  if (!batch.head.request_id.empty()) named_.push_back(batch);
  if (named_.size() > 5) named_.erase(named_.begin());
  return send(std::move(batch), settle);
}

std::string CrashRun::send(ModelBatch batch, bool settle_now) {
  const ModelOutcome expected = model_.decide(batch);
  Result<Batch> encoded = to_engine(batch);
  if (!encoded) return expected.error == encoded.error().code ? "" : encoded.error().message;
  const Result<Store::Staged> staged = store_->stage(*std::move(encoded));
  if (!staged) return expected.error == staged.error().code ? "" : fault(staged.error());
  if (expected.error) return "not refused, but the model says " + std::string(code_name(*expected.error));
  if (std::string problem = check_outcome(staged->outcome, expected, ToldBy::kStage); !problem.empty()) return problem;
  if (staged->outcome.appended && !staged->outcome.appended->replayed) {
    const Timestamp recorded_at = staged->outcome.appended->recorded_at;
    model_.commit(batch, recorded_at);
    history_.push_back({Operation::Kind::kAppend, std::move(batch), recorded_at, {}, {}, staged->ticket, {}, {}});
  }
  return settle_now ? settle(staged->ticket) : "";
}

std::string CrashRun::settle(Lsn ticket) {
  const Result<void> settled = store_->settle(ticket);
  if (!settled) return fault(settled.error());
  for (size_t i = settled_; i < history_.size() && history_[i].ticket <= ticket; i++) {
    settled_ = i + 1;
    if (history_[i].batch.head.durability == Durability::kFsync) durable_ = i + 1;
  }
  return "";
}

// A fork begins at a moment that readers can see.
std::string CrashRun::settle_all() { return history_.empty() ? "" : settle(history_.back().ticket); }

std::string CrashRun::seal() {
  const Result<void> sealed = store_->seal();
  if (sealed) {
    settled_ = durable_ = history_.size();
    return "";
  }
  if (!store_->status().read_only_reason.empty()) return fault({Code::kUnavailable, "sealing failed", {}});
  return disk_is_at_fault() ? "" : "sealing failed: " + sealed.error().message;
}

std::string CrashRun::create_fork() {
  if (std::string problem = settle_all(); faulted_ || !problem.empty()) return problem;
  const NewFork fork = random_.fork(model_);
  const Result<ForkInfo> made = store_->create_fork(fork);
  Operation operation{Operation::Kind::kFork, {}, {}, fork, {}, {}, {}, {}};
  return acknowledge_change(made ? Result<void>() : made.error(), model_.create_fork(fork), std::move(operation));
}

std::string CrashRun::discard_fork() {
  const std::string name = random_.living(model_);
  const Result<DiscardedFork> discarded = store_->discard_fork(name, "done", local_principal("agent-7"));
  Operation operation{Operation::Kind::kDiscard, {}, {}, {}, name, {}, {}, {}};
  return acknowledge_change(discarded ? Result<void>() : discarded.error(), model_.discard_fork(name),
                            std::move(operation));
}

std::string CrashRun::merge() {
  if (std::string problem = settle_all(); faulted_ || !problem.empty()) return problem;
  const MergeRequest request = random_.merge(model_);
  const Result<MergePlan> plan = store_->plan_merge(request);
  const Result<ModelMerge> expected = model_.plan_merge(request);
  if (plan.has_value() != expected.has_value()) return plan ? "planned, the model refuses" : plan.error().message;
  if (!plan) return "";
  if (std::string problem = check_plan(*plan, *expected); !problem.empty()) return problem;
  if (plan->is_blocked) return "";
  clock_.advance(2000);  // later than anything before, so that the time is known whatever the answer
  const auto source = store_->view({request.source, {}, {}});
  Operation operation{Operation::Kind::kMerge, {}, clock_.now(), {}, {}, {}, request, {}};
  operation.merged_ids = ids_to_append(*source, *plan, request.on_conflict);
  const Result<Merged> merged =
      store_->merge({request, plan->source_head, plan->target_head, local_principal("agent-8"), {}});
  if (merged && merged->merged_at != operation.recorded_at) return "merged at another time";
  apply(model_, operation);
  return acknowledge_change(merged ? Result<void>() : merged.error(), {}, std::move(operation));
}

std::string CrashRun::acknowledge_change(const Result<void>& outcome, const Result<void>& expected,
                                         Operation operation) {
  if (expected) history_.push_back(std::move(operation));  // from now on it may be in the log
  if (outcome && expected) {
    settled_ = durable_ = history_.size();
    return "";
  }
  if (!outcome && !expected && outcome.error().code == expected.error().code) return "";
  return outcome ? "a change was made that the model refuses" : fault(outcome.error());
}

std::string CrashRun::fault(const Error& error) {
  if (!disk_is_at_fault() || error.code != Code::kUnavailable) return "refused: " + error.message;
  faulted_ = true;
  return check_read_only();
}

std::string CrashRun::check_read_only() {
  if (store_->status().read_only_reason.empty()) return "a failed write left the store writable";
  ModelBatch batch;
  batch.events.push_back({});
  batch.events.back().stream = "after-the-fault";
  batch.events.back().type = "Refused";
  const Result<AppendOutcome> refused = store_->append(*to_engine(batch));
  if (refused) return "an append after a failed write was acknowledged";
  if (refused.error().code != Code::kUnavailable) return "another code than unavailable: " + refused.error().message;
  size_t visible = 0;
  const std::string problem = match_prefix(settled_, visible);
  return problem.empty() ? "" : "after the fault: " + problem;
}

std::string CrashRun::match_prefix(size_t least, size_t& n) const {
  ModelStore model;
  for (size_t i = 0; i < least; i++) apply(model, history_[i]);
  std::string first_problem = check_store(*store_, model);
  n = least;
  if (first_problem.empty()) return "";
  for (size_t i = least; i < history_.size(); i++) {
    apply(model, history_[i]);
    n = i + 1;
    if (check_store(*store_, model).empty()) return "";
  }
  return "of " + std::to_string(history_.size()) + " operations, " + std::to_string(least) +
         " acknowledged, the store holds no prefix; against the acknowledged ones: " + first_problem;
}

void CrashRun::apply(ModelStore& model, const Operation& operation) {
  switch (operation.kind) {
    case Operation::Kind::kAppend: model.commit(operation.batch, operation.recorded_at); break;
    case Operation::Kind::kFork: static_cast<void>(model.create_fork(operation.fork)); break;
    case Operation::Kind::kDiscard: static_cast<void>(model.discard_fork(operation.discarded)); break;
    case Operation::Kind::kMerge:
      model.merge(operation.merge, *model.plan_merge(operation.merge), operation.merged_ids, "agent-8",
                  operation.recorded_at);
      break;
  }
}

void CrashRun::lose_power() {
  disk_.power_cut(chance_.next());
  disk_.stop_failing();
  store_.reset();
  settled_ = must_have_ = durable_;
}

void CrashRun::kill() {
  disk_.kill();
  disk_.stop_failing();
  store_.reset();
  must_have_ = settled_;
}

}  // namespace chronos::test
