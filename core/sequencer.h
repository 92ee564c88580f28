// Decides on every write, gives it its place in history, and sees to it that it becomes durable before anybody
// sees it.  The essay is in sequencer.cc.
//
// stage, settle and the fork calls may be called from any thread; recover before any of them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/batch.h"
#include "core/clock.h"
#include "core/control.h"
#include "core/fork_table.h"
#include "core/log.h"
#include "core/sealed_store.h"
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
  // Before that, what was sealed: its changes in order, `gone` being the forks that later ones of them discard, and the
  // segments of every fork when it is made.
  using OpenSegments =
      std::function<Result<std::vector<std::shared_ptr<const SealedSegment>>>(ForkId fork, const std::string& name)>;
  Result<void> recover_sealed(const SealedStore& sealed, const OpenSegments& open);
  // Everything recovered becomes visible; a log without records is given its first one.
  Result<void> finish_recovery(Lsn last);

  // --- writing (core/store.h) ---
  // stage and settle in one, with the versions of the streams written.  Of a conflict `missed` is left to the caller.
  // The batch is used up.
  Result<AppendOutcome> append(Batch& batch);
  Result<Store::Staged> stage(Batch& batch);
  Result<void> settle(Lsn ticket);
  Result<Lsn> create_fork(const NewFork& wanted, std::shared_ptr<Fork>& made);
  struct DiscardRequest {
    std::string_view name;
    std::string_view reason;
    const Principal& principal;
    std::string_view request_id;
  };
  Result<Lsn> discard_fork(const DiscardRequest& wanted, DiscardedFork& discarded);
  // Stages the end of every fork whose time is over.  The ticket to settle; Lsn{0} when there is none.
  Result<Lsn> discard_expired();
  // The outcome of the same request, if it was carried out before.
  Result<std::optional<Lsn>> find_merge(const Store::MergeCommit& wanted, Merged& merged);
  // `batches` are for the target as the plan saw it; their conditions hold there.
  Result<Lsn> merge(const Store::MergeCommit& wanted, const MergePlan& plan, const std::vector<Batch>& batches,
                    Merged& merged);
  Result<Lsn> protect_main(bool is_protected, std::string_view actor);
  Result<Lsn> change_setting(std::string_view name, std::string_view value, std::string_view actor);
  void mark_quiet();

  // --- sealing; one thread at a time ---
  // Closes what every fork appended since, and returns when all of it is durable in the log.
  Result<SealPlan> begin_seal();
  // Puts the sealed segments in the place of those in memory, and lets the log drop what they hold.
  Result<void> end_seal(const SealPlan& plan, const std::vector<Replacement>& replaced, const Manifest& manifest);
  void replace(const std::vector<Replacement>& replaced);
  // Of records in memory that are not sealed.
  uint64_t unsealed_bytes() const { return unsealed_bytes_.load(std::memory_order_relaxed); }

  // --- telling ---
  uint64_t bytes_in_flight() const { return bytes_in_flight_.load(std::memory_order_relaxed); }
  std::string read_only_reason() const;
  bool main_protected() const { return main_protected_.load(std::memory_order_relaxed); }
  std::map<std::string, std::string> settings() const;
  uint64_t settings_version() const { return settings_version_.load(std::memory_order_acquire); }
  const std::string& store_id() const { return store_id_; }
  Lsn last_lsn() const;
  uint64_t index_bytes() const;

 private:
  // Staged, in order, and not durable yet.
  struct Pending {
    std::string_view record;
    std::shared_ptr<Fork> fork;  // to be shown or hidden
    std::shared_ptr<MemorySegment> segment;  // the fork's then
    uint32_t events = 0;                     // of the segment, up to and with this record
    uint64_t copied_bytes = 0;               // of the record; 0 when it stayed where it was built
    enum class Then { kPublish, kShow, kHide } then = Then::kPublish;
    Durability durability = Durability::kFsync;
  };
  // What a caller's thread found out before it took the lock: conditions on matches, as of `until`.
  struct Foresight {
    Position until;
    std::vector<Position> first_match;  // by condition; 0: none
    CommitRecord sealed_request;        // the batch that the same request made, if it is sealed
    uint64_t epoch = 0;                 // of sealing, when that was looked up
  };

  // What became of a batch, and the commit that it is or that it repeats; null for a conflict.
  struct Decision {
    Store::Staged staged;
    CommitRecord commit;  // of a batch that was copied, the copy in its own memory
    std::shared_ptr<const HistoryLine> line;  // whose segments keep the record, sealed or not; null for a copy
  };

  // Of a batch.  Main, to which most go, is not counted: other threads do the same at the same moment.
  class BatchFork;
  // Under the lock.
  struct Staging {
    bool is_awaited = false;  // by the thread that stages it
    bool goes_on = false;     // with the record after it
  };
  Result<Decision> decide_batch(Batch& batch, const std::shared_ptr<Fork>& fork, const Foresight& foresight,
                                Staging how);
  Foresight foresee(const Fork& fork, const BatchHead& head) const;
  std::optional<Conflict> decide(const Fork& fork, const std::vector<Condition>& conditions,
                                 const Foresight& foresight) const;
  std::optional<Conflict> decide_one(const View& staged, const Condition& condition, Position foreseen,
                                     Position until) const;
  Result<std::optional<Decision>> find_replay(const Batch& batch, const Fork& fork, const Foresight& foresight) const;
  Result<std::optional<Decision>> find_replay_by_ids(const Batch& batch, const Fork& fork) const;
  // `record` is the batch's in the memory of the fork's segment: it itself, or room for it.
  Decision commit(const Batch& batch, char* record, const std::shared_ptr<Fork>& fork, Staging how);
  bool hand_over_at_once(std::string_view record, MemorySegment& segment);
  static char* keep_record(Batch& batch, MemorySegment& segment);
  // Finds or makes the entries of the batch's streams, for commit.
  void meet_streams(const Batch& batch, Fork& fork);
  static PostingIndex::Entry& stream_entry(Fork& fork, HashedName name);
  void index_events(char* built, const char* record, MemorySegment& segment, const Batch& batch);
  Result<void> check_commit(const char* record, const Fork& fork) const;
  Result<void> recover_commit(const LogRecord& record, const std::shared_ptr<const char[]>& memory);
  Result<void> recover_change(const LogRecord& record);
  struct Effect {
    std::shared_ptr<Fork> fork;  // null for a change of the store alone
    Pending::Then then = Pending::Then::kPublish;
    bool goes_on = false;
  };
  Lsn stage_change(const Change& change, const Effect& effect, Timestamp now);
  struct KnownChange {
    DecodedChange decoded;
    Lsn lsn;
  };
  Result<std::optional<KnownChange>> find_change(std::string_view request_id, const std::string& request) const;
  Result<std::optional<Lsn>> repeated_merge(const Store::MergeCommit& wanted, Merged& merged) const;
  Lsn stage_discard(const std::shared_ptr<Fork>& fork, ForkDiscarded change, Timestamp now);
  void remember_request(std::string_view request_id, const char* record, ForkId fork);
  // The record that carried the request out; null without one.  kIdReused when it went with the fork it was for.
  Result<CommitRecord> find_request(std::string_view request_id, const Foresight* foresight) const;
  // Any thread; the lock is not needed.
  CommitRecord find_sealed_request(std::string_view request_id) const;
  void list_request_segments();
  void keep_requests_of(const Fork& fork);
  void forget_sealed_requests(const SealPlan& plan, const Manifest& manifest);
  Result<void> exclusively(const std::function<Result<void>(Log&)>& work);
  uint64_t count_unsealed() const;
  Result<void> recover_sealed_change(const LogRecord& record, const std::set<ForkId>& gone, const OpenSegments& open);
  Result<void> adopt(ForkId fork, const OpenSegments& open);
  Result<void> apply_change(const DecodedChange& decoded, Lsn lsn, bool is_sealed);
  void set(std::string_view name, std::string_view value);
  static void tell_versions(const Batch& batch, const Decision& decision,
                            std::vector<std::pair<std::string, Version>>& versions);
  // The lock is held: nobody else changes it.
  static void count(std::atomic<uint64_t>& sum, uint64_t more) {
    sum.store(sum.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  Timestamp next_time();
  Result<void> settle(std::unique_lock<std::mutex>& lock, Lsn ticket);
  void flush(std::unique_lock<std::mutex>& lock);
  bool is_gathering() const;
  void gather(std::unique_lock<std::mutex>& lock);
  Error read_only_error() const;
  Environment env_;
  std::string store_id_;

  // Guards everything below; apart from it, since others look at it while its holder works.
  alignas(64) mutable std::mutex mutex_;
  // What every append changes is together.
  alignas(64) Lsn staged_;  // the last record staged
  Lsn settled_;             // the last record as durable as it asked, and visible
  Lsn durable_;             // the last record known to be on the disk
  Timestamp last_time_;
  std::vector<Pending> pending_;
  bool flushing_ = false;
  bool quiet_ = true;  // nothing was written since mark_quiet
  alignas(64) std::condition_variable settled_cv_;
  // Durable appends whose threads wait: of those pending, and of the last group with what came while it was written.
  size_t awaited_ = 0;
  size_t expected_ = 0;
  uint64_t group_number_ = 1;    // of what is pending: how many were taken to be written before
  uint64_t timed_group_ = 0;     // for which a thread minds the time
  uint64_t given_up_group_ = 0;  // to which not all came in time
  unsigned next_rest_ = 0;       // how many groups after the next failure nobody is waited for
  unsigned rest_ = 0;            // how many from now on
  std::vector<PostingIndex::Entry*> met_streams_;  // by event, of the batch that is committed next
  std::vector<HashedName> stream_names_;           // the same
  // The leader's: a group being written, kept for their memory.
  std::vector<Pending> group_;
  std::vector<std::string_view> group_records_;
  std::optional<Error> fault_;  // why the store is read-only
  Arena change_records_;
  // A request that was carried out; its record goes with the fork it was for.
  struct KnownRequest {
    uint64_t hash;  // of the request_id
    const char* record;
    ForkId fork;  // main for changes of the store
    Lsn lsn;
    bool is_batch;
  };
  // Those that are not sealed, and all changes.
  std::unordered_multimap<uint64_t, KnownRequest> requests_;  // by hash
  std::vector<uint64_t> gone_requests_;  // as in the manifest
  // Of forks discarded since: their sealed segments, which know more of them.
  std::vector<std::pair<ForkId, std::shared_ptr<const Segment>>> discarded_segments_;
  // Sealed segments of all forks that hold requests; replaced as a whole when that changes.  Those of a fork discarded
  // since may be among them: discarded_segments_ is asked first.
  std::shared_ptr<const ForkTable::Segments> request_segments_ = std::make_shared<ForkTable::Segments>();
  mutable std::mutex request_segments_mutex_;  // guards the pointer
  std::atomic<uint64_t> seal_epoch_{0};  // how often sealed segments took the place of others in memory
  std::string unsealed_changes_;         // records of changes, one after the other
  std::atomic<bool> main_protected_{false};
  std::map<std::string, std::string> settings_;
  std::atomic<uint64_t> settings_version_{0};  // how often they changed since opening
  // Changed under the lock; read at any time, so apart from what else is changed there.
  alignas(64) std::atomic<uint64_t> bytes_in_flight_{0};
  std::atomic<uint64_t> unsealed_bytes_{0};
};

}  // namespace chronos
