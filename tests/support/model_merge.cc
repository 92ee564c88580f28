// Merging as it would be written on a first afternoon: the line that would be is a vector of events, and every
// condition looks at all of it.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/support/model_store.h"

namespace chronos::test {
namespace {

using Status = MergeStep::Status;

bool same_facts(ModelEvent a, ModelEvent b) {
  a.metadata = b.metadata = "";
  a.client_id = b.client_id = "";
  return same_content(a, b);
}

const ModelEvent* with_origin(ModelLine line, const std::string& origin) {
  for (const ModelEvent& event : line) {
    if (event.origin == origin) return &event;
  }
  return nullptr;
}

struct Sides {
  ModelLine source;
  ModelLine target;
  Position ancestor;
  ModelEvents would_be;   // the target, and what was taken so far
  bool left_out = false;  // a batch before this one does not come along
};

bool is_foreign(const Sides& sides, const ModelEvent& event) {
  return event.position > sides.ancestor && with_origin(sides.source, event.origin) == nullptr;
}

// Whether the condition holds for the batch of the events; if not, what was found.
bool holds(const Condition& condition, const Sides& sides, ModelLine batch, ModelMergeStep& step) {
  uint64_t version = 0;
  Position first_foreign;
  bool some_match = false;
  for (const ModelEvent& event : sides.would_be) {
    const bool in_target = event.position.value <= sides.target.size();
    const bool is_own = std::any_of(sides.source.begin(), sides.source.end(), [&](const ModelEvent& other) {
      return other.origin == event.origin && other.commit == batch.front().commit &&
             other.position <= batch.back().position && same_facts(other, event);
    });
    if (event.stream == condition.stream && !is_own) version++;
    if (model_matches(condition.match, event)) {
      some_match = true;
      if (in_target && first_foreign == Position{0} && is_foreign(sides, event)) first_foreign = event.position;
    }
  }
  step.actual_version = Version{0};
  step.found = Position{0};
  switch (condition.kind) {
    case Condition::Kind::kStreamVersion:
      step.actual_version = Version{static_cast<uint32_t>(version)};
      return version == condition.version.value;
    case Condition::Kind::kStreamExists: return version > 0;
    case Condition::Kind::kSomeMatch: return some_match;
    case Condition::Kind::kNoneMatch: step.found = first_foreign; return first_foreign == Position{0};
    case Condition::Kind::kHead: step.found = first_foreign; return first_foreign == Position{0} && !sides.left_out;
  }
  return false;
}

void judge(ModelMergeStep& step, const std::vector<Condition>& conditions, const Sides& sides, ModelLine batch) {
  for (Condition condition : conditions) {
    ModelMergeStep found;
    if (holds(condition, sides, batch, found)) {
      if (condition.kind == Condition::Kind::kHead || condition.position > sides.ancestor) {
        condition.position = Position{sides.would_be.size()};
      }
      step.conditions.push_back(condition);
    } else if (!step.condition) {
      step.condition = condition;
      step.actual_version = found.actual_version;
      if (!step.id_is_taken) step.found = found.found;
    }
  }
  if (step.condition || step.id_is_taken) step.status = Status::kConflict;
}

bool is_taken(const ModelMergeStep& step, OnConflict on_conflict) {
  if (step.status == Status::kClean) return true;
  return step.status == Status::kConflict && on_conflict == OnConflict::kSourceWins && !step.id_is_taken;
}

// What the target got in each stream that is not `known` to the source; a stream touched on one side only is left out.
void count_touched(ModelMerge& plan, const Sides& sides, const std::map<std::string, uint64_t>& known) {
  for (auto& [stream, counts] : plan.touched) {
    for (const ModelEvent& event : sides.target.subspan(sides.ancestor.value)) {
      if (event.stream == stream) counts.second++;
    }
    const auto found = known.find(stream);
    if (found != known.end()) counts.second -= std::min(counts.second, found->second);
  }
  std::erase_if(plan.touched, [](const auto& each) { return each.second.first == 0 || each.second.second == 0; });
}

std::string merged_metadata(const ModelEvent& event, const std::string& source, bool is_override) {
  auto metadata = nlohmann::ordered_json::parse(event.metadata.empty() ? "{}" : event.metadata);
  metadata.erase("merged_from");
  auto& from = metadata["merged_from"];
  from["fork"] = source;
  from["position"] = event.position.value;
  if (is_override) from["override"] = true;
  return metadata.dump();
}

}  // namespace

const ModelStore::Fork* ModelStore::target_of(const MergeRequest& request) const {
  const Fork* source = find(request.source);
  if (!request.target.empty() || source == nullptr) return find(request.target);
  return source->name == "main" ? nullptr : find(source->parent);
}

Result<ModelMerge> ModelStore::plan_merge(const MergeRequest& request) const {
  const Fork* source = find(request.source);
  if (source == nullptr) return Error{Code::kNotFound, "no such fork", {}};
  if (request.target.empty() && source->name == "main") return Error{Code::kInvalidArgument, "no parent", {}};
  const Fork* target = target_of(request);
  if (target == nullptr) return Error{Code::kNotFound, "no such target", {}};
  for (std::string name = target->name;;) {
    if (name == source->name) return Error{Code::kInvalidArgument, "it came from it", {}};
    if (name == "main") break;
    for (const Fork& fork : forks_) {
      if (fork.name == name) {
        name = fork.parent;
        break;
      }
    }
  }
  Sides sides{source->events, target->events, common(source->events, target->events), target->events};
  ModelMerge plan;
  std::map<std::string, uint64_t> known;
  for (size_t i = sides.ancestor.value; i < sides.source.size();) {
    size_t end = i;
    while (end < sides.source.size() && sides.source[end].commit == sides.source[i].commit) end++;
    const ModelLine batch = sides.source.subspan(i, end - i);
    i = end;
    if (std::none_of(batch.begin(), batch.end(), [&](auto& event) { return model_matches(request.only, event); })) {
      sides.left_out = true;
      continue;
    }
    ModelMergeStep step;
    step.position = batch.front().position;
    step.events = batch.size();
    const uint64_t known_before = plan.duplicates;
    for (const ModelEvent& event : batch) {
      const ModelEvent* there = with_origin(sides.target, event.origin);
      if (there == nullptr) {
        step.missing.push_back(event.position);
        plan.touched[event.stream].first++;
      } else if (!same_facts(event, *there)) {
        plan.touched[event.stream].first++;
        if (!step.id_is_taken) step.found = there->position;
        step.id_is_taken = true;
      } else {
        plan.duplicates++;
        known[event.stream]++;
        plan.touched[event.stream];
      }
    }
    if (step.missing.empty() && !step.id_is_taken) {
      step.status = Status::kDuplicate;
      plan.steps.push_back(step);
      continue;
    }
    judge(step, commits_[batch.front().commit], sides, batch);
    if (is_taken(step, request.on_conflict)) {
      for (const Position position : step.missing) {
        sides.would_be.push_back(sides.source[position.value - 1]);
        sides.would_be.back().position = Position{sides.would_be.size()};
      }
      plan.would_append += step.missing.size();
    } else {
      sides.left_out = true;
      plan.skipped += batch.size() - (plan.duplicates - known_before);
      if (request.on_conflict != OnConflict::kSkip) plan.is_blocked = true;
    }
    plan.steps.push_back(step);
  }
  if (plan.is_blocked) plan.would_append = 0;
  count_touched(plan, sides, known);
  return plan;
}

void ModelStore::merge(const MergeRequest& request, const ModelMerge& plan, const std::vector<std::string>& ids,
                       const std::string& actor, Timestamp recorded_at) {
  const ModelEvents source = find(request.source)->events;
  const std::string target = target_of(request)->name;
  size_t next_id = 0;
  for (const ModelMergeStep& step : plan.steps) {
    if (!is_taken(step, request.on_conflict)) continue;
    ModelBatch batch;
    batch.head.fork = target;
    batch.head.principal.name = actor;
    batch.head.conditions = step.conditions;
    std::vector<std::string> origins;
    for (const Position position : step.missing) {
      ModelEvent event = source[position.value - 1];
      event.metadata = merged_metadata(event, request.source, step.status == Status::kConflict);
      event.client_id = ids[next_id++];
      origins.push_back(event.origin);
      batch.events.push_back(event);
    }
    commit(batch, recorded_at);
    for (Fork& fork : forks_) {
      if (fork.name != target) continue;
      for (size_t i = 0; i < origins.size(); i++) {
        fork.events[fork.events.size() - origins.size() + i].origin = origins[i];
      }
    }
  }
}

}  // namespace chronos::test
