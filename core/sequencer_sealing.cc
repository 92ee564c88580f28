// Letting go of what is sealed.
//
//   closed under the lock       in the sealer's thread                under the lock           the log
//   every fork's segment   ->   files, changes, then the manifest ->  take their place    ->   drops its files
//
// A seal covers the log up to one record: all that every fork had appended by then.  Appends go on meanwhile, into new
// segments.  Whoever reads keeps the segments of its view, in memory or in files, for as long as it reads.
#include <algorithm>
#include <utility>

#include "core/brief_lock.h"
#include "core/replay_match.h"
#include "core/sequencer.h"

namespace chronos {

Result<SealPlan> Sequencer::begin_seal() {
  SealPlan plan;
  {
    const std::unique_lock lock = lock_soon(mutex_);
    if (fault_) return read_only_error();
    for (const auto& fork : env_.forks.living()) {
      plan.living.insert(fork->id);
      ForkTable::close_segment(*fork);
      for (const auto& segment : fork->closed) plan.parts.push_back({fork->id, *fork->name, segment});
    }
    plan.sealed = staged_;
    plan.recorded_at = last_time_;
    plan.changes = unsealed_changes_;
    for (const auto& [hash, known] : requests_) {
      if (known.is_batch && !plan.living.contains(known.fork)) plan.gone_requests.push_back(hash);
    }
  }
  if (auto settled = settle(plan.sealed); !settled) return settled.error();
  if (auto synced = exclusively([](Log& log) { return log.sync(); }); !synced) return synced.error();
  return plan;
}

// Nobody writes to the log meanwhile.
Result<void> Sequencer::exclusively(const std::function<Result<void>(Log&)>& work) {
  std::unique_lock lock = lock_soon(mutex_);
  settled_cv_.wait(lock, [this] { return !flushing_; });
  if (fault_) return read_only_error();
  flushing_ = true;
  const Lsn last = settled_;
  lock.unlock();
  const Result<void> done = work(env_.log);
  lock = lock_soon(mutex_);
  flushing_ = false;
  if (!done) {
    fault_ = done.error();
  } else {
    durable_ = std::max(durable_, last);
  }
  settled_cv_.notify_all();
  return done ? Result<void>() : read_only_error();
}

Result<void> Sequencer::end_seal(const SealPlan& plan, const std::vector<Replacement>& replaced,
                                 const Manifest& manifest) {
  {
    const std::unique_lock lock = lock_soon(mutex_);
    for (const Replacement& each : replaced) env_.forks.replace(each.segments, each.fresh);
    list_request_segments();
    seal_epoch_.fetch_add(1, std::memory_order_release);
    unsealed_changes_.erase(0, plan.changes.size());
    forget_sealed_requests(plan, manifest);
    unsealed_bytes_.store(count_unsealed(), std::memory_order_relaxed);
  }
  return exclusively([&plan](Log& log) { return log.forget(plan.sealed); });
}

// Of a fork that was discarded while it was sealed they stay until the next time.
void Sequencer::forget_sealed_requests(const SealPlan& plan, const Manifest& manifest) {
  std::erase_if(requests_, [&](const auto& entry) {
    const KnownRequest& known = entry.second;
    const bool waits = plan.living.contains(known.fork) && env_.forks.by_id(known.fork) == nullptr;
    return known.is_batch && known.lsn <= manifest.sealed && !waits;
  });
  std::erase_if(discarded_segments_, [&plan](const auto& entry) { return !plan.living.contains(entry.first); });
  gone_requests_ = manifest.gone_requests;
}

void Sequencer::replace(const std::vector<Replacement>& replaced) {
  const std::unique_lock lock = lock_soon(mutex_);
  for (const Replacement& each : replaced) env_.forks.replace(each.segments, each.fresh);
  list_request_segments();
  seal_epoch_.fetch_add(1, std::memory_order_release);
}

uint64_t Sequencer::count_unsealed() const {
  uint64_t bytes = unsealed_changes_.size();
  for (const auto& fork : env_.forks.living()) {
    bytes += fork->own->staged_bytes();
    for (const auto& segment : fork->closed) bytes += segment->staged_bytes();
  }
  return bytes;
}

void Sequencer::keep_requests_of(const Fork& fork) {
  const std::shared_ptr<const HistoryLine> line = fork.line();
  for (const LinePiece& piece : *line) {
    if (piece.segment->fork_name() == *fork.name) discarded_segments_.emplace_back(fork.id, piece.segment);
  }
}

void Sequencer::list_request_segments() {
  ForkTable::Segments segments;
  for (const auto& fork : env_.forks.living()) {
    const std::shared_ptr<const HistoryLine> line = fork->line();
    for (const LinePiece& piece : *line) {
      const bool is_own = piece.segment->fork_name() == *fork->name;
      if (is_own && piece.segment->holds_requests()) segments.push_back(piece.segment);
    }
  }
  auto listed = std::make_shared<const ForkTable::Segments>(std::move(segments));
  const std::lock_guard lock(request_segments_mutex_);
  request_segments_.swap(listed);
}

// In those of every fork: a request is of the store.
CommitRecord Sequencer::find_sealed_request(std::string_view request_id) const {
  std::shared_ptr<const ForkTable::Segments> segments;
  {
    const std::lock_guard lock(request_segments_mutex_);
    segments = request_segments_;
  }
  if (segments->empty()) return {};
  const HashedName hashed(request_id);
  for (const auto& segment : *segments) {
    CommitRecord found = segment->find_request(hashed);
    if (found.record != nullptr) return found;
  }
  return {};
}

}  // namespace chronos
