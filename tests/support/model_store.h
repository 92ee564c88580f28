// The store as it would be written on a first afternoon: a fork is a vector of events that is copied when a fork is
// made, as-of cuts it, a condition looks at every event, idempotency is a map.
//
// Slow and obviously right: the engine is held against it.  Nothing here may become clever.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/batch.h"
#include "core/condition.h"
#include "core/result.h"
#include "core/store.h"
#include "core/types.h"

namespace chronos::test {

struct ModelEvent {
  // Given by the client.
  std::string stream;
  std::string type;
  std::string data = "{}";
  std::string metadata;
  std::string client_id;
  std::string correlation_id;
  std::string causation_id;
  std::vector<std::string> tags;
  std::optional<Timestamp> valid_at;
  std::vector<float> embedding;
  // Given by the store.
  ForkId owner;
  std::string actor;
  Position position;
  Version version;
  Timestamp recorded_at;
  // The same for an event and what was merged from it: its id, as far as the model can know.
  std::string origin;
  size_t commit = 0;  // of which it is part, counted over the whole store

  Timestamp true_at() const { return valid_at.value_or(recorded_at); }
};
using ModelEvents = std::vector<ModelEvent>;
// The first events of a fork's line.
using ModelLine = std::span<const ModelEvent>;

// Equal in everything the client gave.
bool same_content(const ModelEvent& a, const ModelEvent& b);
bool model_matches(const Match& match, const ModelEvent& event);

struct ModelBatch {
  BatchHead head;
  ModelEvents events;
};

// The batch as the engine takes it, or why it does not.
Result<Batch> to_engine(const ModelBatch& batch);

struct ModelConflict {
  size_t condition_index = 0;
  Version actual_version;
  Position first_match;
  Position actual_head;
  std::vector<Position> missed;
};

// Exactly one of the three.
struct ModelOutcome {
  std::optional<Appended> appended;  // recorded_at is meaningful in replays only
  std::optional<ModelConflict> conflict;
  std::optional<Code> error;
};

struct ModelMergeStep {
  MergeStep::Status status = MergeStep::Status::kClean;
  Position position;
  size_t events = 0;
  std::vector<Position> missing;
  bool id_is_taken = false;
  std::optional<Condition> condition;  // the first that does not hold
  std::vector<Condition> conditions;   // those that hold, in positions of the target
  Version actual_version;
  Position found;
};

struct ModelMerge {
  std::vector<ModelMergeStep> steps;
  std::map<std::string, std::pair<uint64_t, uint64_t>> touched;  // events of source and target
  uint64_t would_append = 0, skipped = 0, duplicates = 0;
  bool is_blocked = false;
};

class ModelStore {
 public:
  struct Fork {
    std::string name = "main";
    ForkId id;
    std::string parent;
    Position position;  // the fork point
    std::string purpose;
    ModelEvents events;  // of the whole line, those of the parent included
    bool discarded = false;
  };

  ModelStore();

  // What an append must answer now.
  ModelOutcome decide(const ModelBatch& batch) const;
  // Requires: decide() said appended, and not replayed.
  void commit(const ModelBatch& batch, Timestamp recorded_at);

  // Null for an unknown or discarded name.
  const Fork* find(const std::string& name) const;
  // All there ever were, by id.
  const std::vector<Fork>& forks() const { return forks_; }
  // kInvalidArgument for a name that is or was taken and for a moment the parent does not have; kNotFound for an
  // unknown parent.
  Result<void> create_fork(const NewFork& fork);
  // kNotFound; kInvalidArgument for main; kConflict while children live.
  Result<void> discard_fork(const std::string& name);

  // kNotFound; kInvalidArgument for a fork into itself or one that came from it.
  Result<ModelMerge> plan_merge(const MergeRequest& request) const;
  // Requires: the plan is of now and not blocked.  `ids` are those of the events that are appended, in order.
  void merge(const MergeRequest& request, const ModelMerge& plan, const std::vector<std::string>& ids,
             const std::string& actor, Timestamp recorded_at);
  const Fork* target_of(const MergeRequest& request) const;

  // The number of events of a line that were recorded at or before `time`.
  static Position position_at(ModelLine events, Timestamp time);
  // Where two lines part: how many events they share.
  static Position common(ModelLine a, ModelLine b);
  static std::vector<const ModelEvent*> of_stream(ModelLine events, const std::string& stream);

 private:
  struct Request {
    ModelBatch batch;
    Appended appended;
  };
  std::optional<ModelOutcome> replay_of_request(const ModelBatch& batch) const;
  std::optional<ModelOutcome> replay_of_ids(const ModelBatch& batch, ModelLine line) const;

  std::vector<Fork> forks_;
  std::vector<std::vector<Condition>> commits_;  // the conditions each was appended under
  std::map<std::string, Request> requests_;
};

// The fold of the stream's first `version` events by RFC 7396, as JSON text with sorted keys.
std::string model_state(ModelLine events, const std::string& stream, Version version);
// The same of those valid by `valid_at`, in order of validity, then position.
std::string model_state_valid(ModelLine events, const std::string& stream, Timestamp valid_at,
                              std::vector<Position>& folded);
// JSON text with sorted keys, so that two texts can be compared.
std::string canonical_json(const std::string& text);

}  // namespace chronos::test
