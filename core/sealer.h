// Decides when to seal, and does it: in a thread of its own, or in that of whoever appends.
//
// What is not sealed is held in memory.  From Options::seal_bytes of it on it is sealed as soon as fewer appends come
// than sealing would hold up, or at half of Options::most_unsealed; appends that would take it beyond that wait.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "core/result.h"
#include "core/sealed_store.h"
#include "core/sequencer.h"

namespace chronos {

class Sealer {
 public:
  struct Options {
    uint64_t seal_bytes = 0;
    uint64_t most_unsealed = 0;
    uint64_t most_held = 0;    // in memory, by events not sealed and by indexes of sealed ones that were read
    uint64_t most_merged = 0;  // events of a segment that others are merged into
    bool in_background = true;
  };
  // Requires: both outlive it.
  Sealer(Sequencer& sequencer, SealedStore& sealed, Options options);
  // Returns when what is being sealed is.
  ~Sealer();
  Sealer(const Sealer&) = delete;
  Sealer& operator=(const Sealer&) = delete;

  // Before an append.  kUnavailable when there is no memory left and sealing fails.  Any thread.
  Result<void> make_room();
  // Seals everything appended so far, and merges what has become many.  Any thread.
  Result<void> seal();
  // The same, and then `work`; meanwhile nothing else is sealed, merged or removed.  Any thread.
  Result<void> seal_and(const std::function<Result<void>()>& work);

  uint64_t sealed_bytes() const { return sealed_bytes_.load(std::memory_order_relaxed); }
  uint64_t segments() const { return segments_.load(std::memory_order_relaxed); }
  // Why the last attempt failed; empty when it did not.
  std::string failure() const;

 private:
  static void step_back();
  void look_at_memory();
  void run();
  void let_appends_pass(std::unique_lock<std::mutex>& lock);
  // Requires: work_mutex_ is held.
  Result<void> seal_new();
  void merge();
  void note(const Result<void>& outcome);

  Sequencer& sequencer_;
  SealedStore& sealed_;
  const Options options_;
  std::mutex work_mutex_;        // held while sealing
  bool is_unmergeable_ = false;  // a segment is damaged; only with work_mutex_
  std::atomic<uint64_t> sealed_bytes_{0};
  std::atomic<uint64_t> segments_{0};

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wanted_cv_;
  std::condition_variable room_cv_;
  bool is_wanted_ = false;
  bool is_stopping_ = false;
  std::string failure_;
  std::string merge_failure_;
  std::thread thread_;
};

}  // namespace chronos
