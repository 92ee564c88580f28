#include "tools/vector_status.h"

#include <algorithm>
#include <memory>
#include <string>

namespace chronos {

namespace {

// How many events the forks have, and up to where main is indexed.  Looks at the files that there are, and waits for
// nothing.
struct Reach {
  uint64_t events = 0;
  Position main_to;
};
Reach reach_of(const Store& store, VectorIndex& index) {
  Reach reach;
  for (const ForkInfo& fork : store.forks()) {
    reach.events += fork.own_events;
    const auto view = store.view({fork.name, {}, {}});
    if (!view) continue;
    const Position to = index.cover(*view, [](uint64_t) { return false; }).indexed_to;
    if (fork.parent.empty()) reach.main_to = to;
  }
  return reach;
}

}  // namespace

void write_vector_status(JsonWriter& json, const Store& store, SearchVectors& vectors, VectorDetail detail) {
  json.begin_object().key("embedder").string(text_of(vectors.setting()));
  std::shared_ptr<VectorIndex> index = vectors.index_if_made();
  std::string failure;
  if (vectors.has_model()) {
    const auto made = vectors.index();
    if (made) index = *made;
    if (!made) failure = made.error().message;
  }
  if (index != nullptr) {
    const Reach reach = reach_of(store, *index);
    const VectorIndexStatus status = index->status();
    json.key("behind").integer(reach.events - std::min(reach.events, status.events));
    json.key("vectors").integer(status.vectors);
    if (detail == VectorDetail::kAll) {
      json.key("model").string(status.identity);
      json.key("events").integer(status.events);
      json.key("main_to").integer(reach.main_to.value);
      json.key("segments").integer(status.segments);
      json.key("graphs").integer(status.graphs);
      json.key("memory_bytes").integer(status.memory_bytes);
      json.key("file_bytes").integer(status.file_bytes);
    }
    failure = status.failure;
  }
  if (!failure.empty()) json.key("failure").string(failure);
  json.end_object();
}

}  // namespace chronos
