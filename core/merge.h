// What a merge of one fork into another would do: decided on two views, before anything is written.
//
// The batches that the source has and the target has not - those after their common ancestor - are replayed on the
// target in order, each under the conditions it was appended with.  The essay is in merge.cc.
//
// Pure: any thread, no locks, the same views and request give the same plan.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/batch.h"
#include "core/condition.h"
#include "core/principal.h"
#include "core/result.h"
#include "core/types.h"
#include "core/view.h"

namespace chronos {

enum class OnConflict : uint8_t {
  kAbort,       // a conflict keeps everything from being merged
  kSkip,        // batches in conflict stay behind
  kSourceWins,  // batches in conflict are appended without the conditions that do not hold, and say so
};

struct MergeRequest {
  std::string source = {};
  std::string target = {};  // empty: the parent of the source
  OnConflict on_conflict = OnConflict::kAbort;
  Match only = {};  // batches with at least one event that matches; empty: all
};

// One batch of the source.
struct MergeStep {
  enum class Status : uint8_t {
    kClean,
    kConflict,   // `condition` does not hold on the target, or `taken_id` names another event there
    kDuplicate,  // the target has all of its events
  };
  Position position;              // of its first event, in the source
  uint32_t events = 0;            // all of it
  std::vector<Position> missing;  // those that the target has not, as positions of the source
  Status status = Status::kClean;
  std::optional<Condition> condition;  // the first that does not hold, as it was appended with
  std::vector<Condition> conditions;   // those that hold, in positions of the target
  std::string taken_id;                // no override makes room for it: the step can only be skipped
  Version actual_version;              // kStreamVersion, kStreamExists
  Position found;                      // of the target: kNoneMatch and kHead the first event in the way, 0 without
                                       // one (kHead: a batch before this one is left out); taken_id its holder
};

// Whether its missing events are appended.
bool is_taken(const MergeStep& step, OnConflict on_conflict);

struct TouchedStream {
  std::string stream;
  uint64_t source_events = 0;  // since the ancestor, not known to the other side
  uint64_t target_events = 0;
};

struct MergePlan {
  std::string source;
  std::string target;
  Position ancestor;     // up to it both have the same events
  Position source_head;  // the plan holds for these
  Position target_head;
  std::vector<MergeStep> steps;        // in order
  std::vector<TouchedStream> touched;  // streams that both sides appended to, by name
  uint64_t would_append = 0;           // events
  uint64_t skipped = 0;                // events of batches in conflict that stay behind
  uint64_t duplicates = 0;             // events that the target has already
  bool is_blocked = false;             // a conflict that the request does not get around: nothing can be merged
};

// Requires: both views are of one store, and `request.only` was checked (check_match).  kTooLarge for more than
// kMostMerged events at once.
inline constexpr uint64_t kMostMerged = 100'000;
Result<MergePlan> plan_merge(const View& source, const View& target, const MergeRequest& request);

// The batches that a plan appends, in order, by `principal`.  Events keep their ids and get metadata.merged_from.
// kTooLarge when they take more than kMostMergedBytes.
// Requires: the plan is of this source and request, and not blocked.
inline constexpr size_t kMostMergedBytes = size_t{256} << 20;
Result<std::vector<Batch>> build_merge(const View& source, const MergePlan& plan, const MergeRequest& request,
                                       const Principal& principal);

}  // namespace chronos
