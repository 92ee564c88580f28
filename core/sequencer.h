// Decides on every write, gives it its place in history, and sees to it that it becomes durable before anybody
// sees it.  The essay is in sequencer.cc.
//
// stage, settle and the fork calls may be called from any thread; recover before any of them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/batch.h"
#include "core/clock.h"
#include "core/control.h"
#include "core/fork_table.h"
#include "core/hash_index.h"
#include "core/log.h"
#include "core/store.h"

namespace chronos {

class Sequencer {
 public:
  struct Environment {
    Log& log;
    Clock& clock;
    Random& random;
    ForkTable& forks;
  };
  explicit Sequencer(Environment environment);

  // --- opening ---
  // Applies one record of the log.  kCorrupt when it does not fit what came before.
  Result<void> recover(const LogRecord& record, const std::shared_ptr<const char[]>& memory);
  // Everything recovered becomes visible; a log without records is given its first one.
  Result<void> finish_recovery(Lsn last);

  // --- writing (core/store.h) ---
  // stage and settle in one, with the versions of the streams written.  Of a conflict `missed` is left to the caller.
  Result<AppendOutcome> append(const Batch& batch);
  Result<Store::Staged> stage(const Batch& batch);
  Result<void> settle(Lsn ticket);
  Result<Lsn> create_fork(const NewFork& wanted, std::shared_ptr<Fork>& made);
  Result<Lsn> discard_fork(std::string_view name, std::string_view reason, std::string_view actor, Timestamp& when);
  void mark_quiet();

  // --- telling ---
  uint64_t bytes_in_flight() const { return bytes_in_flight_.load(std::memory_order_relaxed); }
  std::string read_only_reason() const;
  const std::string& store_id() const { return store_id_; }
  Lsn last_lsn() const;
  uint64_t log_bytes() const { return log_bytes_.load(std::memory_order_relaxed); }
  uint64_t index_bytes() const;

 private:
  // Staged, in order, and not durable yet.
  struct Pending {
    std::string_view record;
    std::shared_ptr<Fork> fork;  // null for a change of the store alone
    uint32_t events = 0;         // the fork's own events up to and with this record
    enum class Then { kPublish, kShow, kHide } then = Then::kPublish;
    Durability durability = Durability::kFsync;
  };
  // What a caller's thread found out before it took the lock: conditions on matches, as of `until`.
  struct Foresight {
    Position until;
    std::vector<Position> first_match;  // by condition; 0: none
  };

  // What became of a batch, and the commit that it is or that it repeats; null for a conflict.
  struct Decision {
    Store::Staged staged;
    const char* record = nullptr;
  };

  Result<std::shared_ptr<Fork>> fork_of(const Batch& batch) const;
  // Under the lock.
  Result<Decision> decide_batch(const Batch& batch, const std::shared_ptr<Fork>& fork, const Foresight& foresight);
  Foresight foresee(const Fork& fork, const std::vector<Condition>& conditions) const;
  std::optional<Conflict> decide(const Fork& fork, const std::vector<Condition>& conditions,
                                 const Foresight& foresight) const;
  std::optional<Conflict> decide_one(const View& staged, const Condition& condition, Position foreseen,
                                     Position until) const;
  Result<std::optional<Decision>> find_replay(const Batch& batch, const Fork& fork) const;
  Result<std::optional<Decision>> find_replay_by_ids(const Batch& batch, const Fork& fork) const;
  Decision commit(const Batch& batch, const std::shared_ptr<Fork>& fork);
  void index_commit(const char* record, Fork& fork, const Batch* batch);
  Result<void> check_commit(const char* record, const Fork& fork) const;
  Result<void> recover_commit(const LogRecord& record);
  Result<void> recover_change(const LogRecord& record);
  Lsn stage_change(const Change& change, std::shared_ptr<Fork> fork, Pending::Then then, Timestamp now);
  void remember_request(std::string_view request_id, const char* record);
  const char* find_request(std::string_view request_id) const;
  Timestamp next_time();
  Result<void> settle(std::unique_lock<std::mutex>& lock, Lsn ticket);
  void flush(std::unique_lock<std::mutex>& lock);
  Error read_only_error() const;
  Result<Lsn> repeated_fork(const char* record, const NewFork& wanted, const std::string& request,
                            std::shared_ptr<Fork>& made) const;

  Environment env_;
  std::vector<std::shared_ptr<const char[]>> recovered_memory_;  // where recovered records lie
  std::string store_id_;

  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable settled_cv_;
  std::vector<Pending> pending_;
  // The leader's: a group being written, kept for their memory.
  std::vector<Pending> group_;
  std::vector<std::string_view> group_records_;
  bool flushing_ = false;
  bool quiet_ = true;           // nothing was written since mark_quiet
  std::optional<Error> fault_;  // why the store is read-only
  Lsn staged_;                  // the last record staged
  Lsn settled_;                 // the last record as durable as it asked, and visible
  Lsn durable_;                 // the last record known to be on the disk
  Timestamp last_time_;
  Arena change_records_;
  HashIndex requests_;  // by request_id, into request_records_
  Column<const char*> request_records_;
  std::atomic<uint64_t> bytes_in_flight_{0};
  std::atomic<uint64_t> log_bytes_{0};
};

}  // namespace chronos
