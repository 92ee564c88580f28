#include "core/replay_match.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "core/control.h"

namespace chronos {
namespace {

Error reused(std::string what, std::string_view field, std::string next) {
  return {Code::kIdReused,
          std::move(what) + " was used before with other content (" + std::string(field) + "); " + std::move(next),
          "{\"field\":\"" + std::string(field) + "\"}"};
}

bool same_embedding(const Event& a, const Event& b) {
  if (a.embedding_size() != b.embedding_size()) return false;
  std::vector<float> left(a.embedding_size());
  std::vector<float> right(b.embedding_size());
  a.copy_embedding(left.data());
  b.copy_embedding(right.data());
  return left.empty() || std::memcmp(left.data(), right.data(), left.size() * sizeof(float)) == 0;
}

bool same_tags(const Event& a, const Event& b) {
  if (a.tag_count() != b.tag_count()) return false;
  bool same = true;
  a.for_each_tag([&](std::string_view tag) { same = same && b.has_tag(tag); });
  return same;
}

// The name of the first field but id and metadata in which the events differ, as the client gave them; empty when none
// does.
std::string_view differing_fact(const Event& a, const Event& b) {
  if (a.stream() != b.stream()) return "stream";
  if (a.type() != b.type()) return "type";
  if (a.data() != b.data()) return "data";
  if (!same_tags(a, b)) return "tags";
  if (a.correlation_id() != b.correlation_id()) return "correlation_id";
  if (a.causation_id() != b.causation_id()) return "causation_id";
  if (a.has_valid_at() != b.has_valid_at() || (a.has_valid_at() && a.valid_at() != b.valid_at())) return "valid_at";
  if (!same_embedding(a, b)) return "embedding";
  return {};
}

std::string_view differing_field(const Event& a, const Event& b) {
  const std::string_view fact = differing_fact(a, b);
  return fact.empty() && a.metadata() != b.metadata() ? "metadata" : fact;
}

}  // namespace

bool same_facts(const Event& a, const Event& b) { return differing_fact(a, b).empty(); }

std::string_view request_id_of(const char* record) {
  const LogRecord parsed = record_at(record);
  if (parsed.kind == RecordKind::kCommit) return Commit(record).request_id();
  return request_id_of_change(parsed);
}

Result<void> same_request(const Batch& batch, const Fork& fork, const char* record) {
  const std::string what = "request_id '" + batch.head.request_id + "'";
  const std::string next = "use a new request_id for a new request";
  if (record_at(record).kind != RecordKind::kCommit) return reused(what, "tool", next);
  const Commit before(record);
  if (before.fork() != fork.id) return reused(what, "fork", next);
  if (before.conditions() != encode_conditions(batch.head.conditions)) return reused(what, "conditions", next);
  if (before.event_count() != batch.size()) return reused(what, "number of events", next);
  const char* at = before.events().data();
  for (size_t i = 0; i < batch.size(); i++) {
    const Event old(at);
    std::string_view field = differing_field(old, batch.event(i));
    if (field.empty() && old.client_id() != batch.event(i).client_id()) field = "id";
    if (!field.empty()) return reused(what, "events[" + std::to_string(i) + "]." + std::string(field), next);
    at += old.head().size;
  }
  return {};
}

Result<std::vector<Position>> same_events(const Batch& batch, const View& view) {
  std::vector<Position> found;
  size_t first_there = 0;
  for (size_t i = 0; i < batch.size(); i++) {
    const Event event = batch.event(i);
    if (event.client_id().empty()) continue;
    const auto position = view.find_id(event.client_id());
    if (!position) continue;
    const Event old = view.at(*position);
    const std::string_view field = differing_field(old, event);
    const std::string what = "event id '" + std::string(event.client_id()) + "' (events[" + std::to_string(i) + "])";
    if (!field.empty()) return reused(what, field, "give a new event a new id");
    if (found.empty()) first_there = i;
    found.push_back(*position);
  }
  if (found.empty() || found.size() == batch.size()) {
    std::sort(found.begin(), found.end());
    return found;
  }
  return Error{Code::kIdReused,
               "event id '" + std::string(batch.event(first_there).client_id()) + "' (events[" +
                   std::to_string(first_there) + "]) exists already at position " +
                   std::to_string(found.front().value) +
                   ", but not every event of this append does; leave out the events that exist",
               {}};
}

}  // namespace chronos
