// A store that lives a random life on a simulated disk and dies often: power cuts, kills, failing operations, a full
// disk.  After each death it is opened again and held against what may be there:
//
//   everything acknowledged as durable, in order, byte for byte; then some prefix of what was in flight; nothing else.
//
// Every call returns "" or the rule that was broken, so that the proof of the harness itself (planted bugs) can ask
// for a broken rule.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/store.h"
#include "tests/support/chance.h"
#include "tests/support/manual_clock.h"
#include "tests/support/model_store.h"
#include "tests/support/random_history.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {

class CrashRun {
 public:
  struct Setting {
    uint64_t seed = 1;
    bool os_durability = false;  // some appends ask only for Durability::kOs
    bool disk_may_fill = false;  // running out of space is an excuse for failing
    Disk* disk = nullptr;        // stands between the store and the simulated disk
  };
  explicit CrashRun(SimulatedDisk& disk, Setting setting);
  ~CrashRun();

  // Opens the store and checks what it recovered.  Failing is right only while the disk does.
  std::string open();
  bool is_open() const { return store_ != nullptr; }
  // Appends, staged or whole, and forks; stops at the first fault, after checking that the store bears it well.
  std::string live(size_t operations);
  // Sends the batches of before again: those that survived are replayed, the lost ones are committed anew.
  std::string send_again();

  void lose_power();
  void kill();
  void close() { store_.reset(); }

  size_t operations_in_history() const { return history_.size(); }

 private:
  // What the log should hold: one entry per record, in order.
  struct Operation {
    enum class Kind { kAppend, kFork, kDiscard, kMerge } kind;
    ModelBatch batch;
    Timestamp recorded_at;
    NewFork fork;
    std::string discarded;
    Lsn ticket;
    MergeRequest merge;
    std::vector<std::string> merged_ids;
  };
  std::string append(bool settle);
  std::string send(ModelBatch batch, bool settle);
  std::string settle(Lsn ticket);
  std::string settle_all();
  std::string create_fork();
  std::string discard_fork();
  std::string seal();
  std::string merge();
  std::string acknowledge_change(const Result<void>& outcome, const Result<void>& expected, Operation operation);
  // The store failed with `error`: right only when the disk did.  From now on it must be read-only.
  std::string fault(const Error& error);
  std::string check_read_only();
  // "" when the store holds the first n operations for some n from `least` on; then `n` is that n.
  std::string match_prefix(size_t least, size_t& n) const;
  bool disk_is_at_fault() const { return setting_.disk_may_fill || disk_.has_failed(); }
  static void apply(ModelStore& model, const Operation& operation);

  SimulatedDisk& disk_;
  Setting setting_;
  Chance chance_;
  Chance store_random_;
  RandomHistory random_;
  ManualClock clock_;
  std::unique_ptr<Store> store_;
  std::vector<Operation> history_;
  ModelStore model_;      // all of history_
  size_t settled_ = 0;    // so many operations were acknowledged
  size_t durable_ = 0;    // so many must survive a power cut
  size_t must_have_ = 0;  // so many must be there at the next open
  bool faulted_ = false;
  std::optional<uint64_t> seal_bytes_;
  bool may_seal_ = false;
  std::string store_id_;
  std::vector<ModelBatch> named_;  // batches with a request id, for send_again
};

}  // namespace chronos::test
