#include "tests/support/model_store.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace chronos::test {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return names;
}

bool item_matches(const MatchItem& item, const ModelEvent& event) {
  if (!item.types.empty() && !contains(item.types, event.type)) return false;
  for (const std::string& tag : item.tags) {
    if (!contains(event.tags, tag)) return false;
  }
  if (!item.streams.empty() && !contains(item.streams, event.stream)) return false;
  return event.stream.substr(0, item.stream_prefix.size()) == item.stream_prefix;
}

std::vector<Position> first_few(std::vector<Position> positions) {
  if (positions.size() > Conflict::kMaxMissed) positions.resize(Conflict::kMaxMissed);
  return positions;
}

std::vector<Position> matching_after(const Match& match, ModelLine line, Position after) {
  std::vector<Position> found;
  for (const ModelEvent& event : line) {
    if (event.position > after && model_matches(match, event)) found.push_back(event.position);
  }
  return found;
}

// What does not hold, or nullopt.
std::optional<ModelConflict> check(const Condition& condition, ModelLine line) {
  const auto stream = ModelStore::of_stream(line, condition.stream);
  ModelConflict found;
  switch (condition.kind) {
    case Condition::Kind::kStreamVersion:
      if (stream.size() == condition.version.value) return std::nullopt;
      found.actual_version = Version{static_cast<uint32_t>(stream.size())};
      for (size_t i = condition.version.value; i < stream.size(); i++) found.missed.push_back(stream[i]->position);
      break;
    case Condition::Kind::kStreamExists:
      if (!stream.empty()) return std::nullopt;
      break;
    case Condition::Kind::kNoneMatch:
      found.missed = matching_after(condition.match, line, condition.position);
      if (found.missed.empty()) return std::nullopt;
      found.first_match = found.missed.front();
      break;
    case Condition::Kind::kSomeMatch:
      if (!matching_after(condition.match, line, Position{0}).empty()) return std::nullopt;
      break;
    case Condition::Kind::kHead:
      found.actual_head = Position{line.size()};
      if (condition.position == found.actual_head) return std::nullopt;
      for (size_t i = condition.position.value; i < line.size(); i++) found.missed.push_back(line[i].position);
      break;
  }
  found.missed = first_few(found.missed);
  return found;
}

ModelOutcome failed(Code code) {
  ModelOutcome outcome;
  outcome.error = code;
  return outcome;
}

ModelOutcome answered(Appended appended) {
  ModelOutcome outcome;
  outcome.appended = std::move(appended);
  return outcome;
}

bool uses_an_id_twice(const ModelEvents& events) {
  std::set<std::string> ids;
  for (const ModelEvent& event : events) {
    if (!event.client_id.empty() && !ids.insert(event.client_id).second) return true;
  }
  return false;
}

bool same_content(const ModelEvents& a, const ModelEvents& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const ModelEvent& x, const ModelEvent& y) { return test::same_content(x, y); });
}

// Versions of the streams written, in order of first appearance, given how each event was numbered.
std::vector<std::pair<std::string, Version>> last_versions(const std::vector<const ModelEvent*>& events) {
  std::vector<std::pair<std::string, Version>> versions;
  for (const ModelEvent* event : events) {
    auto same = [&](const auto& entry) { return entry.first == event->stream; };
    auto at = std::find_if(versions.begin(), versions.end(), same);
    if (at == versions.end()) at = versions.insert(versions.end(), {event->stream, Version{0}});
    at->second = event->version;
  }
  return versions;
}

// The events of the batch with the numbers they get at the end of the line.
ModelEvents numbered(const ModelBatch& batch, const ModelStore::Fork& fork, Timestamp recorded_at) {
  ModelEvents added;
  for (ModelEvent event : batch.events) {
    const auto same_stream = [&](const ModelEvent& other) { return other.stream == event.stream; };
    const auto before = std::count_if(fork.events.begin(), fork.events.end(), same_stream) +
                        std::count_if(added.begin(), added.end(), same_stream);
    event.owner = fork.id;
    event.position = Position{fork.events.size() + added.size() + 1};
    event.version = Version{static_cast<uint32_t>(before + 1)};
    event.recorded_at = recorded_at;
    event.actor = batch.head.principal.name;
    event.origin = event.client_id;
    if (event.origin.empty()) event.origin = fork.name + "@" + std::to_string(event.position.value);
    added.push_back(event);
  }
  return added;
}

Appended describe(const ModelBatch& batch, const ModelEvents& events) {
  Appended appended;
  appended.fork = batch.head.fork;
  appended.durability = batch.head.durability;
  appended.first_position = events.front().position;
  appended.last_position = events.back().position;
  appended.recorded_at = events.front().recorded_at;
  std::vector<const ModelEvent*> pointers;
  for (const ModelEvent& event : events) pointers.push_back(&event);
  appended.versions = last_versions(pointers);
  return appended;
}

nlohmann::json fold_all(const std::vector<const ModelEvent*>& events) {
  nlohmann::json state = nlohmann::json::object();
  for (const ModelEvent* event : events) state.merge_patch(nlohmann::json::parse(event->data));
  return state;
}

}  // namespace

bool same_content(const ModelEvent& a, const ModelEvent& b) {
  return a.stream == b.stream && a.type == b.type && a.data == b.data && a.metadata == b.metadata &&
         a.client_id == b.client_id && a.correlation_id == b.correlation_id && a.causation_id == b.causation_id &&
         sorted(a.tags) == sorted(b.tags) && a.valid_at == b.valid_at && a.embedding == b.embedding;
}

bool model_matches(const Match& match, const ModelEvent& event) {
  for (const MatchItem& item : match) {
    if (item_matches(item, event)) return true;
  }
  return match.empty();
}

Result<Batch> to_engine(const ModelBatch& batch) {
  static const Limits limits;
  BatchBuilder builder(limits);
  builder.begin(batch.head);
  for (const ModelEvent& event : batch.events) {
    const std::vector<std::string_view> tags(event.tags.begin(), event.tags.end());
    NewEvent given;
    given.stream = event.stream;
    given.type = event.type;
    given.data = event.data;
    given.metadata = event.metadata;
    given.id = event.client_id;
    given.correlation_id = event.correlation_id;
    given.causation_id = event.causation_id;
    given.tags = tags;
    given.valid_at = event.valid_at;
    given.embedding = event.embedding;
    if (const Result<void> added = builder.add(given); !added) return added.error();
  }
  return builder.finish();
}

ModelStore::ModelStore() { forks_.emplace_back(); }

const ModelStore::Fork* ModelStore::find(const std::string& name) const {
  for (const Fork& fork : forks_) {
    if (fork.name == name && !fork.discarded) return &fork;
  }
  return nullptr;
}

std::optional<ModelOutcome> ModelStore::replay_of_request(const ModelBatch& batch) const {
  const auto before = requests_.find(batch.head.request_id);
  if (batch.head.request_id.empty() || before == requests_.end()) return std::nullopt;
  const ModelBatch& first = before->second.batch;
  if (first.head.fork != batch.head.fork || !same_content(first.events, batch.events) ||
      first.head.conditions != batch.head.conditions) {
    return failed(Code::kIdReused);
  }
  Appended appended = before->second.appended;
  appended.replayed = true;
  return answered(appended);
}

std::optional<ModelOutcome> ModelStore::replay_of_ids(const ModelBatch& batch, ModelLine line) const {
  std::vector<const ModelEvent*> found;
  for (const ModelEvent& event : batch.events) {
    for (const ModelEvent& known : line) {
      if (event.client_id.empty() || known.client_id != event.client_id) continue;
      if (!test::same_content(known, event)) return failed(Code::kIdReused);
      found.push_back(&known);
    }
  }
  if (found.empty()) return std::nullopt;
  if (found.size() < batch.events.size()) return failed(Code::kIdReused);
  std::sort(found.begin(), found.end(), [](auto* a, auto* b) { return a->position < b->position; });
  Appended appended;
  appended.fork = batch.head.fork;
  appended.first_position = found.front()->position;
  appended.last_position = found.back()->position;
  appended.recorded_at = found.back()->recorded_at;
  appended.versions = last_versions(found);
  appended.durability = batch.head.durability;
  appended.replayed = true;
  return answered(appended);
}

ModelOutcome ModelStore::decide(const ModelBatch& batch) const {
  if (uses_an_id_twice(batch.events)) return failed(Code::kIdReused);
  const Fork* fork = find(batch.head.fork);
  if (fork == nullptr) return failed(Code::kNotFound);
  if (auto replay = replay_of_request(batch)) return *replay;
  if (auto replay = replay_of_ids(batch, fork->events)) return *replay;
  for (size_t i = 0; i < batch.head.conditions.size(); i++) {
    std::optional<ModelConflict> conflict = check(batch.head.conditions[i], fork->events);
    if (!conflict) continue;
    conflict->condition_index = i;
    ModelOutcome outcome;
    outcome.conflict = std::move(conflict);
    return outcome;
  }
  return answered(describe(batch, numbered(batch, *fork, Timestamp{0})));
}

void ModelStore::commit(const ModelBatch& batch, Timestamp recorded_at) {
  for (Fork& fork : forks_) {
    if (fork.name != batch.head.fork || fork.discarded) continue;
    ModelEvents events = numbered(batch, fork, recorded_at);
    for (ModelEvent& event : events) event.commit = commits_.size();
    commits_.push_back(batch.head.conditions);
    fork.events.insert(fork.events.end(), events.begin(), events.end());
    if (!batch.head.request_id.empty()) requests_[batch.head.request_id] = {batch, describe(batch, events)};
  }
}

Result<void> ModelStore::create_fork(const NewFork& fork) {
  for (const Fork& known : forks_) {
    if (known.name == fork.name) return Error{Code::kInvalidArgument, "the name is taken", {}};
  }
  const Fork* parent = find(fork.from.fork);
  if (parent == nullptr) return Error{Code::kNotFound, "no such parent", {}};
  Position at{parent->events.size()};
  if (fork.from.position) at = *fork.from.position;
  if (fork.from.time) at = position_at(parent->events, *fork.from.time);
  if (at.value > parent->events.size()) return Error{Code::kInvalidArgument, "no such position", {}};
  Fork made;
  made.name = fork.name;
  made.id = ForkId{static_cast<uint32_t>(forks_.size())};
  made.parent = parent->name;
  made.position = at;
  made.purpose = fork.purpose;
  made.events.assign(parent->events.begin(), parent->events.begin() + static_cast<ptrdiff_t>(at.value));
  forks_.push_back(made);
  return {};
}

Result<void> ModelStore::discard_fork(const std::string& name) {
  if (find(name) == nullptr) return Error{Code::kNotFound, "no such fork", {}};
  if (name == "main") return Error{Code::kInvalidArgument, "main stays", {}};
  for (const Fork& fork : forks_) {
    if (!fork.discarded && fork.parent == name) return Error{Code::kConflict, "it has children", {}};
  }
  for (Fork& fork : forks_) {
    if (fork.name == name) fork.discarded = true;
  }
  return {};
}

Position ModelStore::position_at(ModelLine events, Timestamp time) {
  Position last;
  for (const ModelEvent& event : events) {
    if (event.recorded_at <= time) last = event.position;
  }
  return last;
}

Position ModelStore::common(ModelLine a, ModelLine b) {
  size_t i = 0;
  while (i < a.size() && i < b.size() && a[i].owner == b[i].owner) i++;
  return Position{i};
}

std::vector<const ModelEvent*> ModelStore::of_stream(ModelLine events, const std::string& stream) {
  std::vector<const ModelEvent*> found;
  for (const ModelEvent& event : events) {
    if (event.stream == stream) found.push_back(&event);
  }
  return found;
}

std::string model_state(ModelLine events, const std::string& stream, Version version) {
  std::vector<const ModelEvent*> own = ModelStore::of_stream(events, stream);
  own.resize(std::min<size_t>(own.size(), version.value));
  return fold_all(own).dump();
}

std::string model_state_valid(ModelLine events, const std::string& stream, Timestamp valid_at,
                              std::vector<Position>& folded) {
  std::vector<const ModelEvent*> own = ModelStore::of_stream(events, stream);
  std::erase_if(own, [&](const ModelEvent* event) { return event->true_at() > valid_at; });
  std::stable_sort(own.begin(), own.end(),
                   [](const ModelEvent* a, const ModelEvent* b) { return a->true_at() < b->true_at(); });
  folded.clear();
  for (const ModelEvent* event : own) folded.push_back(event->position);
  return fold_all(own).dump();
}

std::string canonical_json(const std::string& text) {
  const nlohmann::json parsed = nlohmann::json::parse(text, nullptr, false);
  return parsed.is_discarded() ? "not JSON: " + text : parsed.dump();
}

}  // namespace chronos::test
