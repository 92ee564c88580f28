#include "tests/support/store_checks.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/state.h"

namespace chronos::test {
namespace {

using Names = std::map<std::string, std::vector<Position>>;

std::string differs(const std::string& what, const std::string& engine, const std::string& model) {
  return what + ": the store says " + engine + ", the model " + model;
}

std::string differs(const std::string& what, uint64_t engine, uint64_t model) {
  return differs(what, std::to_string(engine), std::to_string(model));
}

std::string text(const std::vector<Position>& positions) {
  std::string out = "[";
  for (const Position p : positions) out += (out.size() > 1 ? " " : "") + std::to_string(p.value);
  return out + "]";
}

std::vector<Position> positions_of(const PositionList& list) {
  std::vector<Position> positions;
  for (size_t i = 0; i < list.size(); i++) positions.push_back(list[i]);
  return positions;
}

// The i-th entry by operator[], event() and rank() must tell the same.
std::string check_list(const std::string& what, const PositionList& list, const std::vector<Position>& model) {
  const std::vector<Position> found = positions_of(list);
  if (found != model) return differs(what, text(found), text(model));
  if (list.empty() != model.empty()) return what + ": empty() is wrong";
  for (size_t i = 0; i < model.size(); i += 1 + model.size() / 16) {
    if (list.event(i).position() != model[i])
      return differs(what + " event", list.event(i).position().value, model[i].value);
    if (list.rank(model[i]) != i + 1) return differs(what + " rank", list.rank(model[i]), i + 1);
    const size_t before = list.rank(Position{model[i].value - 1});
    if (before != i) return differs(what + " rank before", before, i);
  }
  return "";
}

// What for_each_* tells: names with their positions, in order of first appearance.
class Listing {
 public:
  View::NameVisitor visitor() {
    return [this](std::string_view name, const PositionList& events) {
      order.emplace_back(name);
      lists[std::string(name)] = positions_of(events);
    };
  }
  std::vector<std::string> order;
  Names lists;
};

std::string check_listing(const std::string& what, const Listing& listing, const Names& model) {
  if (listing.order.size() != listing.lists.size()) return what + ": a name is told twice";
  if (listing.lists != model) {
    for (const auto& [name, positions] : model) {
      const auto found = listing.lists.find(name);
      if (found == listing.lists.end()) return what + ": '" + name + "' is missing";
      if (found->second != positions) return differs(what + " '" + name + "'", text(found->second), text(positions));
    }
    return what + ": names that should not be there";
  }
  Position last;
  for (const std::string& name : listing.order) {
    const Position first = model.at(name).front();
    if (first < last) return what + ": '" + name + "' is not in order of first appearance";
    last = first;
  }
  return "";
}

template <typename Predicate>
std::vector<Position> positions_where(ModelLine line, Predicate holds) {
  std::vector<Position> found;
  for (const ModelEvent& event : line) {
    if (holds(event)) found.push_back(event.position);
  }
  return found;
}

bool filter_accepts(const EventFilter& filter, const ModelEvent& event) {
  if (!filter.stream.empty() && event.stream != filter.stream) return false;
  if (filter.since && event.recorded_at < *filter.since) return false;
  if (filter.until && event.recorded_at > *filter.until) return false;
  if (filter.valid_since && event.true_at() < *filter.valid_since) return false;
  if (filter.valid_until && event.true_at() > *filter.valid_until) return false;
  return model_matches(filter.match, event);
}

struct LineIndex {
  Names streams, types, tags;
};

LineIndex index_line(ModelLine line) {
  LineIndex index;
  for (const ModelEvent& event : line) {
    index.streams[event.stream].push_back(event.position);
    index.types[event.type].push_back(event.position);
    for (const std::string& tag : event.tags) index.tags[tag].push_back(event.position);
  }
  return index;
}

std::string check_names(const View& view, ModelLine line) {
  const LineIndex index = index_line(line);
  Listing streams, types, tags;
  view.for_each_stream(streams.visitor());
  view.for_each_type(types.visitor());
  view.for_each_tag(tags.visitor());
  std::string problem = check_listing("streams", streams, index.streams);
  if (problem.empty()) problem = check_listing("types", types, index.types);
  if (problem.empty()) problem = check_listing("tags", tags, index.tags);
  for (const auto& [name, positions] : index.streams) {
    if (problem.empty()) problem = check_list("stream '" + name + "'", view.stream(name), positions);
  }
  for (const auto& [name, positions] : index.types) {
    if (problem.empty()) problem = check_list("type '" + name + "'", view.type(name), positions);
  }
  for (const auto& [name, positions] : index.tags) {
    if (problem.empty()) problem = check_list("tag '" + name + "'", view.tag(name), positions);
  }
  if (problem.empty() && !view.stream("no such stream").empty()) problem = "a stream that never was has events";
  return problem;
}

// The hashed indexes must contain every true hit, in order.
std::string check_links(const View& view, const ModelEvent& event) {
  const auto holds = [&](const std::string& what, const std::string& id, const PositionList& list) {
    const std::vector<Position> found = positions_of(list);
    if (!std::is_sorted(found.begin(), found.end())) return what + " is not in order";
    if (id.empty() || std::binary_search(found.begin(), found.end(), event.position)) return std::string();
    return what + " '" + id + "' lacks position " + std::to_string(event.position.value);
  };
  std::string problem = holds("correlation", event.correlation_id, view.maybe_correlated(event.correlation_id));
  if (problem.empty()) problem = holds("causation", event.causation_id, view.maybe_caused_by(event.causation_id));
  return problem;
}

std::string check_id(const View& view, const Event& event) {
  const std::string id = event.id();
  const std::optional<Position> found = view.find_id(id);
  if (!found) return "find_id('" + id + "') finds nothing at position " + std::to_string(event.position().value);
  if (*found != event.position()) return differs("find_id('" + id + "')", found->value, event.position().value);
  return "";
}

std::string check_state(const View& view, ModelLine line, const std::string& stream, Version version) {
  const std::string found = canonical_json(fold(view.stream(stream), version).to_json());
  const std::string model = model_state(line, stream, version);
  return found == model
             ? ""
             : differs("state of '" + stream + "' at version " + std::to_string(version.value), found, model);
}

std::string check_state_valid(const View& view, ModelLine line, const std::string& stream, Timestamp valid_at) {
  std::vector<Position> found_folded, model_folded;
  const std::string found = canonical_json(fold_valid(view.stream(stream), valid_at, found_folded).to_json());
  const std::string model = model_state_valid(line, stream, valid_at, model_folded);
  if (found_folded != model_folded)
    return differs("valid events of '" + stream + "'", text(found_folded), text(model_folded));
  return found == model ? "" : differs("valid state of '" + stream + "'", found, model);
}

std::string check_time(const View& view, ModelLine line, Timestamp time) {
  const Position found = view.position_at(time);
  const Position model = ModelStore::position_at(line, time);
  return found == model ? "" : differs("position_at(" + std::to_string(time.value) + ")", found.value, model.value);
}

std::string check_head(const View& view, ModelLine line) {
  if (view.head().value != line.size()) return differs("head", view.head().value, line.size());
  const Timestamp last = line.empty() ? Timestamp{0} : line.back().recorded_at;
  if (view.recorded_at() != last) return differs("recorded_at of head", view.recorded_at().value, last.value);
  return "";
}

std::string check_ids_unique(const View& view) {
  std::set<std::string> ids;
  for (uint64_t p = 1; p <= view.head().value; p++) {
    if (!ids.insert(view.at(Position{p}).id()).second) return "id of position " + std::to_string(p) + " is not unique";
  }
  return "";
}

std::string check_fork(const ForkInfo& info, const ModelStore::Fork& fork) {
  const std::string name = "fork '" + fork.name + "'";
  if (info.id != fork.id) return differs(name + " id", info.id.value, fork.id.value);
  if (info.parent != fork.parent) return differs(name + " parent", info.parent, fork.parent);
  if (info.position != fork.position) return differs(name + " position", info.position.value, fork.position.value);
  if (info.purpose != fork.purpose) return differs(name + " purpose", info.purpose, fork.purpose);
  if (info.head.value != fork.events.size()) return differs(name + " head", info.head.value, fork.events.size());
  const uint64_t own = fork.events.size() - fork.position.value;
  return info.own_events == own ? "" : differs(name + " own events", info.own_events, own);
}

}  // namespace

std::string check_event(const Event& event, const ModelEvent& model) {
  const std::string at = "position " + std::to_string(model.position.value) + " ";
  std::vector<std::string> tags;
  event.for_each_tag([&](std::string_view tag) { tags.emplace_back(tag); });
  std::sort(tags.begin(), tags.end());
  std::vector<std::string> model_tags = model.tags;
  std::sort(model_tags.begin(), model_tags.end());
  std::vector<float> embedding(event.embedding_size());
  event.copy_embedding(embedding.data());
  if (event.position() != model.position) return differs(at + "position", event.position().value, model.position.value);
  if (event.version() != model.version) return differs(at + "version", event.version().value, model.version.value);
  if (event.recorded_at() != model.recorded_at)
    return differs(at + "recorded_at", event.recorded_at().value, model.recorded_at.value);
  if (event.stream() != model.stream) return differs(at + "stream", std::string(event.stream()), model.stream);
  if (event.type() != model.type) return differs(at + "type", std::string(event.type()), model.type);
  if (event.data() != model.data) return differs(at + "data", std::string(event.data()), model.data);
  if (event.metadata() != model.metadata)
    return differs(at + "metadata", std::string(event.metadata()), model.metadata);
  if (event.client_id() != model.client_id) return differs(at + "id", std::string(event.client_id()), model.client_id);
  if (event.correlation_id() != model.correlation_id) return at + "correlation_id differs";
  if (event.causation_id() != model.causation_id) return at + "causation_id differs";
  if (event.actor() != model.actor) return differs(at + "actor", std::string(event.actor()), model.actor);
  if (event.has_valid_at() != model.valid_at.has_value()) return at + "valid_at is there on one side only";
  if (event.valid_at() != model.true_at())
    return differs(at + "valid_at", event.valid_at().value, model.true_at().value);
  if (tags != model_tags) return at + "tags differ";
  if (embedding != model.embedding) return at + "embedding differs";
  if (!model.client_id.empty()) return event.id() == model.client_id ? "" : at + "id() is not the client's";
  const std::optional<StoreId> id = parse_store_id(event.id());
  if (!id) return at + "id '" + event.id() + "' is not of the store's shape";
  return id->recorded_at == model.recorded_at
             ? ""
             : differs(at + "time in id", id->recorded_at.value, model.recorded_at.value);
}

std::string check_view(const View& view, ModelLine line) {
  std::string problem = check_head(view, line);
  for (size_t i = 0; i < line.size() && problem.empty(); i++) {
    const Event event = view.at(Position{i + 1});
    problem = check_event(event, line[i]);
    if (problem.empty()) problem = check_links(view, line[i]);
    if (problem.empty()) problem = check_id(view, event);
  }
  for (size_t i = 0; i < line.size() && problem.empty(); i += 1 + line.size() / 8) {
    problem = check_time(view, line, line[i].recorded_at);
  }
  if (problem.empty()) problem = check_ids_unique(view);
  if (problem.empty()) problem = check_names(view, line);
  const LineIndex index = index_line(line);
  for (const auto& [stream, positions] : index.streams) {
    if (problem.empty()) problem = check_state(view, line, stream, Version{static_cast<uint32_t>(positions.size())});
    if (problem.empty()) problem = check_state_valid(view, line, stream, line.back().recorded_at);
  }
  return problem;
}

std::string check_some(const View& view, ModelLine line, Chance& chance) {
  std::string problem = check_head(view, line);
  if (!problem.empty() || line.empty()) return problem;
  const ModelEvent& model = line[chance.below(line.size())];
  const Event event = view.at(model.position);
  problem = check_event(event, model);
  if (problem.empty()) problem = check_links(view, model);
  if (problem.empty()) problem = check_id(view, event);
  const Timestamp around{model.recorded_at.value + int64_t(chance.below(3)) - 1};
  if (problem.empty()) problem = check_time(view, line, around);
  const auto same_stream = [&](const ModelEvent& e) { return e.stream == model.stream; };
  const auto same_type = [&](const ModelEvent& e) { return e.type == model.type; };
  const std::string tag = model.tags.empty() ? "never:seen" : model.tags.front();
  const auto has_tag = [&](const ModelEvent& e) { return std::count(e.tags.begin(), e.tags.end(), tag) > 0; };
  if (problem.empty()) problem = check_list("stream", view.stream(model.stream), positions_where(line, same_stream));
  if (problem.empty()) problem = check_list("type", view.type(model.type), positions_where(line, same_type));
  if (problem.empty()) problem = check_list("tag", view.tag(tag), positions_where(line, has_tag));
  if (!problem.empty() || chance.percent(80)) return problem;
  problem = check_state(view, line, model.stream, model.version);
  return problem.empty() ? check_state_valid(view, line, model.stream, model.true_at()) : problem;
}

std::string check_scan(const View& view, ModelLine line, const EventFilter& filter, Chance& chance) {
  const Order order = chance.percent(50) ? Order::kAscending : Order::kDescending;
  const Position from{chance.percent(30) ? 0 : chance.below(line.size() + 1)};
  const auto in_reach = [&](const ModelEvent& event) {
    if (from == Position{0}) return true;
    return order == Order::kAscending ? event.position >= from : event.position <= from;
  };
  std::vector<Position> expected =
      positions_where(line, [&](const ModelEvent& event) { return in_reach(event) && filter_accepts(filter, event); });
  if (order == Order::kDescending) std::reverse(expected.begin(), expected.end());

  const uint64_t budget = chance.percent(50) ? UINT64_MAX : chance.between(1, 20);
  std::vector<Position> found;
  Position start = from;
  for (bool again = true; again;) {  // a scan that ran out of budget is gone on with by another
    EventScan scan(view, filter, order, start);
    scan.set_budget(budget);
    while (const std::optional<Event> event = scan.next()) found.push_back(event->position());
    again = scan.out_of_budget();
    if (again && scan.resume() == start && start != Position{0}) return "a scan does not get on";
    start = scan.resume();
  }
  if (found != expected) return differs("scan", text(found), text(expected));

  if (filter.match.empty()) return "";
  std::vector<Position> matching = positions_where(
      line, [&](const ModelEvent& event) { return event.position > from && model_matches(filter.match, event); });
  const size_t limit = chance.between(1, 30);
  if (matching.size() > limit) matching.resize(limit);
  const std::vector<Position> told = find_matches(view, filter.match, from, limit);
  return told == matching ? "" : differs("find_matches", text(told), text(matching));
}

std::string check_outcome(const AppendOutcome& outcome, const ModelOutcome& model, ToldBy told_by) {
  if (outcome.appended.has_value() == outcome.conflict.has_value()) return "an outcome has both sides, or none";
  if (outcome.appended.has_value() != model.appended.has_value())
    return differs("outcome", outcome.appended ? "appended" : "conflict", model.appended ? "appended" : "conflict");
  if (outcome.appended) {
    const Appended& found = *outcome.appended;
    const Appended& expected = *model.appended;
    if (found.fork != expected.fork) return differs("fork", found.fork, expected.fork);
    if (found.replayed != expected.replayed) return differs("replayed", found.replayed, expected.replayed);
    if (found.first_position != expected.first_position)
      return differs("first_position", found.first_position.value, expected.first_position.value);
    if (found.last_position != expected.last_position)
      return differs("last_position", found.last_position.value, expected.last_position.value);
    if (found.replayed && found.recorded_at != expected.recorded_at)
      return differs("recorded_at of a replay", found.recorded_at.value, expected.recorded_at.value);
    if (told_by == ToldBy::kStage) return "";
    return found.versions == expected.versions ? "" : "versions of the streams written differ";
  }
  const Conflict& found = *outcome.conflict;
  const ModelConflict& expected = *model.conflict;
  if (found.condition_index != expected.condition_index)
    return differs("condition_index", found.condition_index, expected.condition_index);
  if (found.actual_version != expected.actual_version)
    return differs("actual_version", found.actual_version.value, expected.actual_version.value);
  if (found.first_match != expected.first_match)
    return differs("first_match", found.first_match.value, expected.first_match.value);
  if (found.actual_head != expected.actual_head)
    return differs("actual_head", found.actual_head.value, expected.actual_head.value);
  if (told_by == ToldBy::kStage) return "";
  return found.missed == expected.missed ? "" : differs("missed", text(found.missed), text(expected.missed));
}

std::string check_missed(const Conflict& conflict, ModelLine line) {
  for (const Position position : conflict.missed) {
    if (position > conflict.view.head()) return "a missed event lies beyond the conflict's view";
    const std::string problem = check_event(conflict.view.at(position), line[position.value - 1]);
    if (!problem.empty()) return "missed: " + problem;
  }
  return "";
}

std::string check_store(const Store& store, const ModelStore& model) {
  const std::vector<ForkInfo> infos = store.forks();
  size_t living = 0;
  for (const ModelStore::Fork& fork : model.forks()) {
    if (fork.discarded) continue;
    living++;
    const auto info = std::find_if(infos.begin(), infos.end(), [&](const ForkInfo& i) { return i.name == fork.name; });
    if (info == infos.end()) return "fork '" + fork.name + "' is not listed";
    std::string problem = check_fork(*info, fork);
    if (!problem.empty()) return problem;
    const Result<View> view = store.view({fork.name, std::nullopt, std::nullopt});
    if (!view) return "fork '" + fork.name + "' has no view: " + view.error().message;
    problem = check_view(*view, fork.events);
    if (!problem.empty()) return "fork '" + fork.name + "': " + problem;
  }
  return living == infos.size() ? "" : differs("number of forks", infos.size(), living);
}

namespace {

std::string check_step(const MergeStep& step, const ModelMergeStep& model) {
  const std::string at = "step at " + std::to_string(model.position.value) + ": ";
  if (step.position != model.position) return at + "begins at " + std::to_string(step.position.value);
  if (step.events != model.events) return differs(at + "events", step.events, model.events);
  if (step.missing != model.missing) return at + "other events are missing";
  if (step.status != model.status) {
    return differs(at + "status", static_cast<int>(step.status), static_cast<int>(model.status));
  }
  if (step.taken_id.empty() == model.id_is_taken) return at + "an id is taken on one side only";
  if (step.condition != model.condition) return at + "another condition does not hold";
  if (step.conditions != model.conditions) return at + "other conditions are kept";
  if (step.status != MergeStep::Status::kConflict) return "";
  if (step.found != model.found) return differs(at + "found", step.found.value, model.found.value);
  const bool has_version = step.condition && step.condition->kind == Condition::Kind::kStreamVersion;
  if (!has_version || step.actual_version == model.actual_version) return "";
  return differs(at + "version", step.actual_version.value, model.actual_version.value);
}

}  // namespace

std::string check_plan(const MergePlan& plan, const ModelMerge& model) {
  if (plan.steps.size() != model.steps.size()) return differs("steps", plan.steps.size(), model.steps.size());
  for (size_t i = 0; i < plan.steps.size(); i++) {
    if (auto problem = check_step(plan.steps[i], model.steps[i]); !problem.empty()) return problem;
  }
  if (plan.would_append != model.would_append) return differs("would_append", plan.would_append, model.would_append);
  if (plan.skipped != model.skipped) return differs("skipped", plan.skipped, model.skipped);
  if (plan.duplicates != model.duplicates) return differs("duplicates", plan.duplicates, model.duplicates);
  if (plan.is_blocked != model.is_blocked) return "blocked on one side only";
  std::map<std::string, std::pair<uint64_t, uint64_t>> touched;
  for (const TouchedStream& each : plan.touched) touched[each.stream] = {each.source_events, each.target_events};
  return touched == model.touched ? "" : "other streams are touched on both sides";
}

std::vector<std::string> ids_to_append(const View& source, const MergePlan& plan, OnConflict on_conflict) {
  std::vector<std::string> ids;
  for (const MergeStep& step : plan.steps) {
    if (!is_taken(step, on_conflict)) continue;
    for (const Position position : step.missing) ids.push_back(source.at(position).id());
  }
  return ids;
}

}  // namespace chronos::test
