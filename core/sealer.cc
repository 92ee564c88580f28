#include "core/sealer.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/damage.h"

namespace chronos {
namespace {

constexpr std::chrono::milliseconds kLook{200};  // how often memory of files is looked at
constexpr std::chrono::seconds kPause{5};        // after a failure
constexpr std::chrono::seconds kOpenFor{2};      // then a store was not opened for one question
// While more than so much is appended in so long, as by an import, sealing would take the processor from it.
constexpr std::chrono::milliseconds kTick{100};
constexpr uint64_t kManyBytes = uint64_t{1} << 20;

}  // namespace

Sealer::Sealer(Sequencer& sequencer, SealedStore& sealed, Options options)
    : sequencer_(sequencer), sealed_(sealed), options_(options) {
  sealed_bytes_ = sealed_.bytes();
  segments_ = sealed_.manifest().segments.size();
  if (options_.in_background) thread_ = std::thread([this] { run(); });
}

Sealer::~Sealer() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wanted_cv_.notify_all();
  room_cv_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::string Sealer::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_.empty() ? merge_failure_ : failure_;
}

Result<void> Sealer::make_room() {
  if (sequencer_.unsealed_bytes() < options_.seal_bytes) return {};
  if (!options_.in_background) static_cast<void>(seal().has_value());
  std::unique_lock lock(mutex_);
  const auto has_room = [this] { return sequencer_.unsealed_bytes() < options_.most_unsealed; };
  for (;;) {
    // Asked for anew each time: what was appended while the last seal went on may leave no room either.
    if (!is_wanted_) {
      is_wanted_ = true;
      wanted_cv_.notify_all();
    }
    if (has_room()) return {};
    if (!options_.in_background || is_stopping_ || !failure_.empty()) break;
    room_cv_.wait(lock);
  }
  return Error{Code::kUnavailable,
               "the memory for events that are not sealed is used up, and sealing fails" +
                   (failure_.empty() ? std::string() : " (" + failure_ + ")") +
                   "; make room on the disk or mend it; reading works, and so does appending once sealing does",
               {}};
}

Result<void> Sealer::seal() {
  return seal_and([] { return Result<void>(); });
}

Result<void> Sealer::seal_and(const std::function<Result<void>()>& work) {
  const std::lock_guard working(work_mutex_);
  Result<void> outcome = or_damage([this] { return seal_new(); });
  note(outcome);
  if (!outcome) return outcome;
  merge();
  sealed_bytes_ = sealed_.bytes();
  {
    const std::lock_guard lock(mutex_);
    segments_ = sealed_.manifest().segments.size();
  }
  wanted_cv_.notify_all();  // there is memory of files to look at
  return work();
}

Result<void> Sealer::seal_new() {
  const auto plan = sequencer_.begin_seal();
  if (!plan) return plan.error();
  if (plan->sealed == sealed_.manifest().sealed) return {};
  const auto replaced = sealed_.seal(*plan);
  if (!replaced) return replaced.error();
  return sequencer_.end_seal(*plan, *replaced, sealed_.manifest());
}

// Nobody waits for it: segments that do not merge are read as they are.
void Sealer::merge() {
  if (is_unmergeable_) return;
  const Result<void> outcome = or_damage([this]() -> Result<void> {
    for (;;) {
      const auto merged = sealed_.merge_some(options_.most_merged);
      if (!merged) return merged.error();
      if (merged->empty()) return {};
      sequencer_.replace(*merged);
    }
  });
  is_unmergeable_ = !outcome && outcome.error().code == Code::kCorrupt;
  const std::lock_guard lock(mutex_);
  merge_failure_ = outcome ? std::string() : outcome.error().message;
}

void Sealer::note(const Result<void>& outcome) {
  {
    const std::lock_guard lock(mutex_);
    failure_ = outcome ? std::string() : outcome.error().message;
  }
  room_cv_.notify_all();
}

// Whoever appends or reads goes first: sealing has time until memory is short, and then appends wait for it.
void Sealer::step_back() {
  constexpr int kNice = 10;
  static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice));
}

// There is memory for it: up to half of what appends may take.
void Sealer::let_appends_pass(std::unique_lock<std::mutex>& lock) {
  uint64_t before = 0;
  for (uint64_t now = sequencer_.unsealed_bytes(); now < options_.most_unsealed / 2 && now > before + kManyBytes;
       now = sequencer_.unsealed_bytes()) {
    before = now;
    if (wanted_cv_.wait_for(lock, kTick, [this] { return is_stopping_; })) return;
  }
}

void Sealer::look_at_memory() {
  const std::lock_guard work(work_mutex_);
  // What is not taken by events that wait to be sealed.
  const uint64_t unsealed = sequencer_.unsealed_bytes();
  sealed_.forget_beyond(options_.most_held - std::min(unsealed, options_.most_held / 4 * 3));
}

void Sealer::run() {
  step_back();
  look_at_memory();
  std::unique_lock lock(mutex_);
  // What the log held when the store was opened, unless it is closed again soon.
  if (sequencer_.unsealed_bytes() >= options_.seal_bytes && !is_wanted_) {
    wanted_cv_.wait_for(lock, kOpenFor, [this] { return is_wanted_ || is_stopping_; });
    is_wanted_ = true;
  }
  while (!is_stopping_) {
    const auto is_due = [this] { return is_wanted_ || is_stopping_; };
    if (segments() > 0) {
      wanted_cv_.wait_for(lock, kLook, is_due);
    } else {
      wanted_cv_.wait(lock, [&] { return is_due() || segments() > 0; });
    }
    if (is_wanted_) let_appends_pass(lock);
    if (is_stopping_) return;
    if (std::exchange(is_wanted_, false) && sequencer_.unsealed_bytes() >= options_.seal_bytes) {
      lock.unlock();
      const bool sealed = seal().has_value();
      lock.lock();
      if (!sealed) wanted_cv_.wait_for(lock, kPause, [this] { return is_stopping_; });
    }
    lock.unlock();
    look_at_memory();
    lock.lock();
  }
}

}  // namespace chronos
