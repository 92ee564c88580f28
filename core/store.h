// The event engine: one store, with all its forks, over one log.
//
// Promises: an append that returned kCommitted survives what its durability says; nothing is visible before it
// is durable; of two appends with the same condition one succeeds; positions and versions are dense; what a
// View showed it shows for ever.  After a failed write the store is read-only and says why.
//
// Every method may be called from any thread.  Reads never wait for writes.  Methods of the store answer with kCorrupt
// where a sealed file is damaged; what is read through a View throws Damage there (core/damage.h).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/batch.h"
#include "core/clock.h"
#include "core/condition.h"
#include "core/disk.h"
#include "core/log.h"
#include "core/merge.h"
#include "core/principal.h"
#include "core/result.h"
#include "core/state_cache.h"
#include "core/types.h"
#include "core/view.h"

namespace chronos {

// Requires: disk, clock and random outlive the store.
struct StoreOptions {
  std::string directory;
  Disk* disk = &posix_disk();
  Clock* clock = &system_clock();
  Random* random = &system_random();
  Limits limits;
  bool allow_os_durability = true;
  uint64_t log_file_bytes = uint64_t{64} << 20;
  // What the whole process should stay below, at least 64 MiB.  Events that are not sealed take up to half of it, and
  // together with the indexes of sealed ones that are read two thirds.
  uint64_t max_memory = uint64_t{1} << 30;
  // Events are sealed when so many bytes of them are not; a sixteenth of max_memory, at most 64 MiB, if not given.
  std::optional<uint64_t> seal_bytes;
  // Sealing goes on beside appending; otherwise appends do it, and a store does the same for the same calls.
  bool seal_in_background = true;
};

// Where to read: a fork, and a moment of it (now when neither is given; never both).
struct Address {
  std::string fork = "main";
  std::optional<Position> position;
  std::optional<Timestamp> time;
};

// Why an append was refused, with what the caller needs to decide again at once.
struct Conflict {
  size_t condition_index = 0;
  Condition condition;
  Version actual_version;      // kStreamVersion, kStreamExists
  Position first_match;        // kNoneMatch: the first event that matches; 0 for kSomeMatch
  Position actual_head;        // kHead
  View view;                   // in which `missed` can be read
  // The events the caller had not seen, oldest first, at most kMaxMissed; filled by append, not by stage.
  std::vector<Position> missed;
  static constexpr size_t kMaxMissed = 20;
};

struct Appended {
  std::string fork;
  Position first_position;
  Position last_position;
  Timestamp recorded_at;
  Durability durability = Durability::kFsync;
  // Of each stream written, in order of first appearance; filled by append, not by stage.
  std::vector<std::pair<std::string, Version>> versions;
  bool replayed = false;  // the same request, or the same event ids, had been committed before; nothing was added
};

struct AppendOutcome {
  std::optional<Appended> appended;
  std::optional<Conflict> conflict;  // exactly one of the two
};

struct NewFork {
  std::string name;
  Address from;  // any moment of any fork
  std::string purpose;
  std::optional<uint64_t> ttl_seconds;
  Principal principal = local_principal("");
  std::string request_id;
};

struct DiscardedFork {
  std::string fork;
  Timestamp discarded_at;
  bool replayed = false;  // the same request had discarded it before
};

// How a merge ended.
struct Merged {
  std::string source;
  std::string target;
  Position first_position;  // in the target; both 0 when nothing was appended
  Position last_position;
  Timestamp merged_at;
  uint64_t appended = 0;    // events
  uint64_t skipped = 0;     // events of batches in conflict that stayed behind
  uint64_t duplicates = 0;  // events that the target had already
  bool replayed = false;    // the same request had been carried out before; nothing was added
};

struct ForkInfo {
  std::string name;
  ForkId id;
  std::string parent;  // empty for main
  Position position;   // the fork point
  Timestamp created_at;
  std::optional<Timestamp> expires_at;
  std::string purpose;
  Position head;
  uint64_t own_events = 0;
};

struct StoreStatus {
  std::string read_only_reason;  // empty while the store takes writes
  std::string recovery_report;   // what opening had to cut; empty when the log ended cleanly
  std::string store_id;          // 32 hex digits, given at creation
  uint64_t log_records = 0;
  uint64_t log_bytes = 0;        // of the log, not sealed yet: held in memory and on disk
  uint64_t sealed_bytes = 0;     // of sealed files
  uint64_t segments = 0;         // sealed
  std::string sealing_failure;   // why the last attempt failed; empty when it did not
  uint64_t index_bytes = 0;      // memory of everything derived from the log
  bool allow_os_durability = true;
  bool main_protected = false;
};

struct HistoryProblem {
  std::string fork;
  Position position;
  std::string what;
};
struct HistoryReport {
  uint64_t records = 0;
  uint64_t events = 0;
  std::vector<HistoryProblem> problems;  // the first 100
  bool complete = true;                  // false when `cancelled` stopped it
};

struct BackupReport {
  Position position;      // of main, up to which it is
  uint64_t events = 0;    // own ones of every fork
  uint64_t segments = 0;
  uint64_t bytes = 0;
};

class Store {
 public:
  // Creates the store when the directory holds none.  Fails with kUnavailable when another process has it open,
  // with kCorrupt, naming file and byte, when the log is damaged, and with kInvalidArgument when a newer version
  // wrote it.
  static Result<std::unique_ptr<Store>> open(const StoreOptions& options);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  const Limits& limits() const;

  // --- writing: kPermissionDenied where it is not for the principal to do (core/permission.h) ---
  // Appends all of the batch or nothing; returns when it is as durable as its head asks.
  // The batch is used up.
  Result<AppendOutcome> append(Batch&& batch);

  // append in two steps, for pipelines that go on working while the disk does: stage() decides and numbers, and
  // returns a ticket; settle(ticket) returns when everything staged up to it is durable.  An outcome obtained from
  // stage() is not acknowledged, and not visible, before settle() succeeded.
  struct Staged {
    AppendOutcome outcome;
    Lsn ticket;
  };
  Result<Staged> stage(Batch batch);
  Result<void> settle(Lsn ticket);
  // Bytes staged and not yet durable: what a pipeline watches to bound its memory.
  uint64_t bytes_in_flight() const;

  // A fork whose time is over is gone for readers at once, with the forks made of it.  That the store discarded them is
  // written down by the next append(), change of forks or mark_quiet().
  //
  // Names are 1 to 64 letters, digits, '-', '_', '.'; a discarded fork's name stays taken, so that an address given
  // once never means something else.  The same request_id with the same request returns the fork it made.
  Result<ForkInfo> create_fork(const NewFork& fork);
  // kInvalidArgument for main, kConflict for a fork that has forks.  The same request_id with the same request answers
  // as the first time.
  Result<DiscardedFork> discard_fork(std::string_view name, std::string_view reason, const Principal& principal,
                                     std::string_view request_id = {});
  // What merging would do now.  kNotFound for an unknown fork, kInvalidArgument for a merge of a fork into itself or
  // into one that came from it.
  Result<MergePlan> plan_merge(const MergeRequest& request) const;
  // Does what a plan of the same request said, all of it or nothing.  kConflict when the target has moved since, when
  // the plan was blocked, or when a fork is gone.  The same request_id with the same request answers as the first time.
  struct MergeCommit {
    MergeRequest request;
    Position source_head;  // as the plan told them
    Position target_head;
    Principal principal = local_principal("");
    std::string request_id;
  };
  Result<Merged> merge(const MergeCommit& commit);

  // With a protected main, append to main fails with kPermissionDenied; merges go on.  Kept in the log.
  Result<void> protect_main(bool is_protected, const Principal& principal);

  // Settings of what is built on the store, kept in the log: the last value of each name, nothing for one that was
  // never set or was set to "".  kPermissionDenied for who is no admin, kInvalidArgument for a name that is not 1 to 64
  // lower-case letters, digits, '.' and '_', kTooLarge for a value of more than 64 KiB.
  Result<void> change_setting(std::string_view name, std::string_view value, const Principal& principal);
  std::map<std::string, std::string> settings() const;
  std::string setting(std::string_view name) const;
  // Grows whenever one changes.  Costs nothing to ask.
  uint64_t settings_version() const;

  // Seals everything appended so far.  It goes on by itself; this is for those who want it now.
  Result<void> seal();

  // Seals, and makes of `directory`, which is not there yet or empty, a store as of now; appends go on meanwhile.  The
  // sealed files have a second name there where that can be, and are copied where not.  All of it is on the disk when
  // it returns.  One that a power cut ended does not open, or holds nothing.
  Result<BackupReport> backup(const std::string& directory);

  // Call when idle: makes what was appended with Durability::kOs durable and notes in the log that all of it is
  // (Log::mark).  Does nothing when nothing changed.  The destructor does it too.
  void mark_quiet();

  // --- reading ---
  // kNotFound for an unknown fork (known ones are named), kInvalidArgument for a position past the head.
  // A time resolves to the last position recorded at or before it.
  Result<View> view(const Address& address) const;
  std::vector<ForkInfo> forks() const;
  StoreStatus status() const;
  // Two numbers of the status that cost nothing to ask: what has changed is told by the first, how fast by the second.
  uint64_t records() const;         // log_records
  uint64_t unsealed_bytes() const;  // log_bytes
  // For states of streams in views of this store.
  StateCache& states() const;

  // Checks that every page of every sealed file and every record is intact, that events are dense and in order and that
  // the indexes agree with them.  Goes on behind what is damaged.
  HistoryReport verify(const std::function<bool(double done)>& go_on) const;

 private:
  class Engine;
  Result<void> check_durability(const Batch& batch) const;
  void discard_expired();
  Result<Merged> carry_out(const MergeCommit& commit);
  Result<View> view_at(const Address& address) const;
  explicit Store(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

}  // namespace chronos
