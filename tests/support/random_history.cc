#include "tests/support/random_history.h"

#include <algorithm>

namespace chronos::test {

RandomHistory::RandomHistory(Chance& chance) : chance_(chance) {
  const auto some = [&](uint64_t most) { return chance_.percent(20) ? 0 : chance_.below(most + 1); };
  likely_ = {.condition = some(80),
             .true_condition = chance_.below(101),
             .request_id = some(60),
             .resend = some(40),
             .change = some(50),
             .client_id = some(60),
             .known_id = some(30),
             .tag = some(100),
             .link = some(60),
             .valid_at = some(60),
             .metadata = some(50),
             .most_events = chance_.percent(75) ? uint64_t{3} : uint64_t{20}};
  const uint64_t count = chance_.between(1, 12);
  for (uint64_t i = 0; i < count; i++) streams_.push_back((i % 3 == 0 ? "cart-" : "order-") + std::to_string(i));
}

std::string RandomHistory::data() {
  static const std::vector<std::string> members = {R"("state":"open")",
                                                   R"("state": null)",
                                                   R"("total":12.50)",
                                                   R"("who":{"name":"Zoë","age":null})",
                                                   R"("items":[1,2])",
                                                   R"("who":{"age":41})",
                                                   R"( "note" : "a \"b\" \u00e9" )",
                                                   R"("who":null)",
                                                   R"("total":1e2)",
                                                   R"("deep":{"a":{"b":{}}})",
                                                   R"("items":{"0":true})",
                                                   R"("deep":{"a":{"b":null,"c":1}})"};
  std::string text = "{";
  const uint64_t count = chance_.below(4);
  for (uint64_t i = 0; i < count; i++) text += (i > 0 ? "," : "") + chance_.pick(members);
  if (chance_.percent(50)) text += (count > 0 ? ",\"n\":" : "\"n\":") + std::to_string(chance_.below(1000));
  if (chance_.percent(3))
    text += (text.size() > 1 ? ",\"long\":\"" : "\"long\":\"") + std::string(chance_.below(3000), 'x') + "\"";
  return text + "}";
}

ModelEvent RandomHistory::event(ModelLine line) {
  ModelEvent made;
  made.stream = stream();
  made.type = chance_.pick(types_);
  made.data = data();
  if (chance_.percent(likely_.metadata)) made.metadata = R"({"source":"test"})";
  if (chance_.percent(likely_.client_id)) made.client_id = "event-" + std::to_string(names_given_++);
  if (chance_.percent(likely_.link)) made.correlation_id = "flow-" + std::to_string(chance_.below(5));
  if (chance_.percent(likely_.link)) made.causation_id = "event-" + std::to_string(chance_.below(names_given_ + 1));
  for (const std::string& tag : tags_) {
    if (chance_.percent(likely_.tag / 2)) made.tags.push_back(tag);
  }
  if (chance_.percent(likely_.valid_at))
    made.valid_at = Timestamp{1'700'000'000'000'000 + int64_t(chance_.below(2'000'000)) - 1'000'000};
  if (chance_.percent(3)) made.embedding = {0.5F, -1.0F, float(chance_.below(100))};
  // Merged events have ids that the store made, which another line may know in its own way.
  if (!line.empty() && chance_.percent(likely_.known_id)) {
    const std::string& id = line[chance_.below(line.size())].client_id;
    if (id.starts_with("event-")) made.client_id = id;
  }
  return made;
}

MatchItem RandomHistory::match_item() {
  MatchItem item;
  while (item.empty()) {
    if (chance_.percent(40)) item.types.push_back(chance_.pick(types_));
    if (chance_.percent(15)) item.types.push_back(chance_.percent(50) ? chance_.pick(types_) : "NeverSeen");
    if (chance_.percent(40)) item.tags.push_back(chance_.pick(tags_));
    if (chance_.percent(10)) item.tags.push_back(chance_.percent(70) ? chance_.pick(tags_) : "never:seen");
    if (chance_.percent(25)) item.streams.push_back(stream());
    if (chance_.percent(10)) item.streams.push_back(chance_.percent(70) ? stream() : "never-seen");
    if (chance_.percent(15)) item.stream_prefix = chance_.percent(50) ? "order-" : "cart-0";
  }
  return item;
}

Match RandomHistory::match() {
  Match made;
  const uint64_t count = chance_.percent(70) ? 1 : chance_.between(2, 3);
  for (uint64_t i = 0; i < count; i++) made.push_back(match_item());
  return made;
}

Condition RandomHistory::true_condition(ModelLine line) {
  Condition made;
  made.kind = static_cast<Condition::Kind>(chance_.between(1, 5));
  made.stream = stream();
  const auto own = ModelStore::of_stream(line, made.stream);
  if (made.kind == Condition::Kind::kStreamVersion) made.version = Version{static_cast<uint32_t>(own.size())};
  if (made.kind == Condition::Kind::kStreamExists && own.empty()) made.kind = Condition::Kind::kStreamVersion;
  if (made.kind == Condition::Kind::kNoneMatch || made.kind == Condition::Kind::kSomeMatch) {
    made.match = match();
    for (const ModelEvent& event : line) {
      if (model_matches(made.match, event)) made.position = event.position;
    }
    const bool matched = made.position > Position{0};
    made.kind = matched && chance_.percent(50) ? Condition::Kind::kSomeMatch : Condition::Kind::kNoneMatch;
    if (made.kind == Condition::Kind::kSomeMatch) made.position = Position{0};
  }
  if (made.kind == Condition::Kind::kHead) made.position = Position{line.size()};
  return made;
}

Condition RandomHistory::any_condition(ModelLine line) {
  Condition made = true_condition(line);
  if (chance_.percent(40)) made.stream = chance_.percent(30) ? "never-seen" : stream();
  made.version = Version{static_cast<uint32_t>(chance_.below(6))};
  made.position = Position{chance_.below(line.size() + 2)};
  if (made.kind == Condition::Kind::kNoneMatch && chance_.percent(30)) made.position = Position{0};
  return made;
}

Condition RandomHistory::condition(ModelLine line) {
  Condition made = chance_.percent(likely_.true_condition) ? true_condition(line) : any_condition(line);
  using Kind = Condition::Kind;
  if (made.kind != Kind::kStreamVersion) made.version = Version{0};
  if (made.kind != Kind::kStreamVersion && made.kind != Kind::kStreamExists) made.stream.clear();
  if (made.kind != Kind::kNoneMatch && made.kind != Kind::kHead) made.position = Position{0};
  if (made.kind != Kind::kNoneMatch && made.kind != Kind::kSomeMatch) made.match.clear();
  return made;
}

// The same batch but for one thing.
ModelBatch RandomHistory::changed(ModelBatch batch) {
  ModelEvent& event = batch.events[chance_.below(batch.events.size())];
  switch (chance_.below(9)) {
    case 0: event.data = R"({"changed":true})"; break;
    case 1: event.type = "Changed"; break;
    case 2: event.stream += "x"; break;
    case 3:
      if (batch.events.size() > 1) batch.events.pop_back();
      break;
    case 4:
      batch.events.push_back(event);
      batch.events.back().client_id.clear();
      break;
    case 5: event.tags.push_back("changed"); break;
    case 6: event.valid_at = Timestamp{1}; break;
    case 7: event.metadata = R"({"changed":1})"; break;
    default: event.causation_id = "changed"; break;
  }
  if (chance_.percent(20)) batch.head.fork = "main";  // the same ids in two lines
  return batch;
}

ModelEvents RandomHistory::known_events(ModelLine line) {
  ModelEvents known;
  for (const ModelEvent& event : line) {
    if (event.client_id.starts_with("event-") && chance_.percent(20) && known.size() < 5) known.push_back(event);
  }
  return known;
}

std::string RandomHistory::living(const ModelStore& model) {
  std::vector<std::string> names;
  for (const ModelStore::Fork& fork : model.forks()) {
    if (!fork.discarded) names.push_back(fork.name);
  }
  return chance_.pick(names);
}

ModelBatch RandomHistory::batch(const ModelStore& model) {
  if (!sent_.empty() && chance_.percent(likely_.resend)) {
    ModelBatch again = chance_.pick(sent_);
    return chance_.percent(likely_.change) ? changed(again) : again;
  }
  ModelBatch made;
  made.head.fork = chance_.percent(2) ? "no-such-fork" : living(model);
  made.head.principal.name = chance_.percent(50) ? "" : "agent-7";
  const ModelStore::Fork* fork = model.find(made.head.fork);
  const ModelLine line = fork != nullptr ? ModelLine(fork->events) : ModelLine();
  if (chance_.percent(likely_.request_id)) made.head.request_id = "request-" + std::to_string(names_given_++);
  while (chance_.percent(likely_.condition)) {
    made.head.conditions.push_back(condition(line));
    if (made.head.conditions.size() == 3) break;
  }
  const uint64_t count = chance_.between(1, likely_.most_events);
  for (uint64_t i = 0; i < count; i++) made.events.push_back(event(line));
  if (chance_.percent(likely_.known_id / 4)) {
    const ModelEvents known = known_events(line);
    if (!known.empty()) made.events = known;
  }
  if (!made.head.request_id.empty() || !made.events[0].client_id.empty()) sent_.push_back(made);
  if (sent_.size() > 50) sent_.erase(sent_.begin());
  return made;
}

NewFork RandomHistory::fork(const ModelStore& model) {
  NewFork made;
  made.name = chance_.percent(3) ? living(model) : "try-" + std::to_string(model.forks().size());
  made.from.fork = chance_.percent(3) ? "no-such-fork" : living(model);
  made.purpose = chance_.percent(50) ? "to see" : "";
  made.principal.name = "agent-7";
  const ModelStore::Fork* parent = model.find(made.from.fork);
  if (parent == nullptr) return made;
  const ModelEvents& line = parent->events;
  if (chance_.percent(50))
    made.from.position = Position{chance_.below(line.size() + 1)};
  else if (chance_.percent(5))
    made.from.position = Position{line.size() + 1 + chance_.below(3)};
  else if (!line.empty() && chance_.percent(50))
    made.from.time = line[chance_.below(line.size())].recorded_at;
  return made;
}

MergeRequest RandomHistory::merge(const ModelStore& model) {
  MergeRequest made;
  made.source = chance_.percent(2) ? "no-such-fork" : living(model);
  if (chance_.percent(50)) made.target = chance_.percent(2) ? "no-such-fork" : living(model);
  made.on_conflict = static_cast<OnConflict>(chance_.below(3));
  if (chance_.percent(25)) made.only = match();
  return made;
}

}  // namespace chronos::test
