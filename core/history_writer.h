// Writes the history of one store into a new one: batches and forks of the past, as they were.
//
// Of a batch everything stays but its place: stream, type, data, metadata, tags, ids given by clients and made by the
// store, times, actor, request id, conditions.  Positions and versions are dense in the new store, so they are smaller
// than they were behind what was left out.  Memory stays below StoreOptions::max_memory: it is a Store that is written.
// One thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/clock.h"
#include "core/result.h"
#include "core/store.h"
#include "core/types.h"

namespace chronos {

class HistoryWriter {
 public:
  // A new store, created at a moment of the past.  kInvalidArgument when there is something in the directory.
  // Of the options the clock is not used.
  static Result<std::unique_ptr<HistoryWriter>> create(const StoreOptions& options, Timestamp created_at);

  // Appends the batch of a commit record, laid out as in the log, to a fork.  Its first position there.
  // Requires: nothing was written before that was recorded later.
  Result<Position> append(const std::string& fork, const char* record);

  struct PastFork {
    std::string name;
    std::string parent;
    Position position;  // in the new store
    Timestamp created_at;
    std::optional<Timestamp> expires_at;
    std::string purpose;
    std::string actor;
  };
  Result<void> create_fork(const PastFork& fork);
  Result<void> protect_main(std::string_view actor);
  Result<void> change_settings(const std::map<std::string, std::string>& settings, std::string_view actor);

  // Returns when all of it is on the disk; the store is closed.
  Result<void> finish();

 private:
  // The moment that is written.
  class PastClock final : public Clock {
   public:
    Timestamp now() override { return Timestamp{now_.load()}; }
    void set(Timestamp now) { now_.store(now.value); }

   private:
    std::atomic<int64_t> now_{0};
  };
  // What was random then.
  class PastRandom final : public Random {
   public:
    explicit PastRandom(Random& otherwise) : otherwise_(otherwise) {}
    uint64_t next() override { return is_known_ ? known_.load() : otherwise_.next(); }
    void set(uint64_t known) {
      known_ = known;
      is_known_ = true;
    }

   private:
    Random& otherwise_;
    std::atomic<bool> is_known_{false};
    std::atomic<uint64_t> known_{0};
  };

  explicit HistoryWriter(Random& random) : random_(random) {}
  Result<void> settle();

  PastClock clock_;
  PastRandom random_;
  Lsn staged_;
  std::unique_ptr<Store> store_;
};

}  // namespace chronos
