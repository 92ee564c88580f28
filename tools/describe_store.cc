// describe_store: what is in here, in about a page.
//
// It is the first call of an agent that knows nothing, so it is kept short on purpose: the longest lists are cut to
// what is most frequent, and say how much they leave out.
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/log.h"
#include "core/time_text.h"
#include "search/search_index.h"
#include "tools/address.h"
#include "tools/arguments.h"
#include "tools/example_fields.h"
#include "tools/json_writer.h"
#include "tools/schema_text.h"
#include "tools/table.h"
#include "tools/vector_status.h"

namespace chronos {
namespace {

constexpr std::string_view kDescription =
    "Says what is in the store: how many events and streams, the types of events each with the stream, tags and fields "
    "of an example, the busiest streams, the time range, the forks and the limits. Call it first when you do not know "
    "the store, and again with as_of to see what it held then. Use the names it shows for streams, types, tags and "
    "fields, in reads and in new events. It is an overview only: use query_events for events and get_state for the "
    "state of a stream.";

constexpr std::string_view kInput =
    R"({"type": "object", "additionalProperties": false, "properties": {@fork, @as_of}})";

constexpr std::string_view kOutput = R"({
  "type": "object",
  "required": ["events", "streams", "types", "busiest_streams", "forks", "limits", "durability", "at"],
  "properties": {
    "events": {"description": "How many events.", @count},
    "streams": {"description": "How many streams.", @count},
    "first_recorded_at": {"type": "string", "description": "When the first event was recorded."},
    "last_recorded_at": {"type": "string", "description": "When the last event was recorded."},
    "types": {
      "type": "array", "description": "Types of events, most frequent first.",
      "items": {
        "type": "object", "required": ["type", "count"],
        "properties": {
          "type": {"type": "string", "description": "The type."},
          "count": {"description": "How many.", @count},
          "stream": {"type": "string", "description": "A stream that has it: that of the newest event of the type."},
          "tags": {"type": "array", "items": {"type": "string"}, "description": "Tags of that event."},
          "fields": {
            "type": "object",
            "description": "Members of its data with their values, long ones shortened to end in 3 dots, of an array
              only the first element."},
          "more_fields": {"description": "How many members are not listed.", @count}}}},
    "more_types": {"description": "How many types are not listed.", @count},
    "busiest_streams": {
      "type": "array", "description": "Streams with most events.",
      "items": {
        "type": "object", "required": ["stream", "version"],
        "properties": {
          "stream": {"type": "string", "description": "The stream."},
          "version": {"description": "How many events it has.", @count}}}},
    "forks": {
      "type": "array", "description": "Lines of history, as they are now.",
      "items": {
        "type": "object", "required": ["fork", "head"],
        "properties": {
          "fork": {"type": "string", "description": "The fork."},
          "parent": {"type": "string", "description": "The fork it left."},
          "position": {"description": "Where it left its parent.", @position},
          "head": {"description": "Its last position.", @position}}}},
    "more_forks": {"description": "How many forks are not listed.", @count},
    "limits": {
      "type": "object",
      "additionalProperties": {@count},
      "description": "What one append may hold. Over one of them: too_large."},
    "durability": {
      "type": "array",
      "items": {"type": "string"},
      "description": "What append_events takes, the default first."},
    "main_protected": {
      "type": "boolean",
      "description": "True when append_events to main is refused: append in a fork, then merge_fork."},
    "sealed": {
      "type": "object", "required": ["segments", "bytes"],
      "description": "Events that were moved from memory into sealed files, if any.",
      "properties": {
        "segments": {"description": "How many files.", @count},
        "bytes": {"description": "Of what size together.", @count}}},
    "search_index": {
      "type": "object", "required": ["events", "behind", "segments", "bytes", "language"],
      "description": "What search_events finds events by.",
      "properties": {
        "events": {"description": "Indexed events of all forks.", @count},
        "behind": {"description": "Events that are not indexed yet. A search waits for those it needs.", @count},
        "segments": {"description": "How many pieces.", @count},
        "bytes": {"description": "Of what size together.", @count},
        "language": {"type": "string", "description": "Whose endings are taken off words."},
        "vectors": {
          "type": "object", "required": ["embedder"], "description": "Embedded events, if any are.",
          "properties": {
            "embedder": {"type": "string", "description": "The model."},
            "behind": {"description": "Not yet.", @count},
            "vectors": {"description": "How many.", @count},
            "failure": {"type": "string", "description": "Why not more, if so."}}},
        "failure": {"type": "string", "description": "Why the last attempt to write it to a file failed, if so."}}},
    "sealing_failure": {
      "type": "string",
      "description": "Why the last attempt to seal failed, if so. Appends go on until the memory is used up."},
    "read_only_reason": {"type": "string", "description": "Why the store takes no appends, if so."},
    "recovery_report": {"type": "string", "description": "What opening the store had to cut, if anything."},
    @at}})";

constexpr size_t kTypes = 30;
constexpr size_t kTags = 3;
constexpr size_t kExamplesUpToBytes = 2000;  // types after that are listed by name and count
constexpr size_t kStreams = 10;
constexpr size_t kForks = 20;

struct Counted {
  std::string name;
  uint64_t events = 0;
  Position newest;
};

bool more_frequent(const Counted& a, const Counted& b) {
  return a.events != b.events ? a.events > b.events : a.name < b.name;
}

// Keeps the `most` most frequent of the names visited; `names` is how many there were.
class MostFrequent {
 public:
  explicit MostFrequent(size_t most) : most_(most) {}

  void visit(std::string_view name, const PositionList& events) {
    names_++;
    if (kept_.size() == most_ && kept_.front().events > events.size()) return;
    kept_.push_back({std::string(name), events.size(), events[events.size() - 1]});
    // A heap with the least frequent on top.
    std::push_heap(kept_.begin(), kept_.end(), more_frequent);
    if (kept_.size() <= most_) return;
    std::pop_heap(kept_.begin(), kept_.end(), more_frequent);
    kept_.pop_back();
  }
  std::vector<Counted> sorted() const {
    std::vector<Counted> list = kept_;
    std::sort(list.begin(), list.end(), more_frequent);
    return list;
  }
  size_t names() const { return names_; }

 private:
  size_t most_;
  size_t names_ = 0;
  std::vector<Counted> kept_;
};

// Where events of the type are, what they are tagged with and what they say: the newest one, in short.
void write_example(JsonWriter& json, const Event& newest) {
  json.key("stream").string(newest.stream());
  if (newest.tag_count() > 0) {
    size_t tags = 0;
    json.key("tags").begin_array();
    newest.for_each_tag([&](std::string_view tag) {
      if (tags++ < kTags) json.string(tag);
    });
    json.end_array();
  }
  write_example_fields(json, newest.data());
}

void write_types(JsonWriter& json, const View& view) {
  MostFrequent types(kTypes);
  view.for_each_type([&](std::string_view name, const PositionList& events) { types.visit(name, events); });
  json.key("types").begin_array();
  const size_t begin = json.size();
  for (const Counted& type : types.sorted()) {
    json.begin_object();
    json.key("type").string(type.name);
    json.key("count").integer(type.events);
    if (json.size() - begin < kExamplesUpToBytes) write_example(json, view.at(type.newest));
    json.end_object();
  }
  json.end_array();
  if (types.names() > kTypes) json.key("more_types").integer(types.names() - kTypes);
}

void write_counts(JsonWriter& json, const View& view, const MostFrequent& streams) {
  json.key("events").integer(view.head().value);
  json.key("streams").integer(streams.names());
  if (view.head().value == 0) return;
  json.key("first_recorded_at").string(format_time(view.at(Position{1}).recorded_at()));
  json.key("last_recorded_at").string(format_time(view.recorded_at()));
}

void write_streams(JsonWriter& json, const MostFrequent& streams) {
  json.key("busiest_streams").begin_array();
  for (const Counted& stream : streams.sorted()) {
    json.begin_object();
    json.key("stream").string(stream.name);
    json.key("version").integer(stream.events);
    json.end_object();
  }
  json.end_array();
}

void write_forks(JsonWriter& json, const std::vector<ForkInfo>& forks) {
  json.key("forks").begin_array();
  for (size_t i = 0; i < forks.size() && i < kForks; i++) {
    json.begin_object();
    json.key("fork").string(forks[i].name);
    if (!forks[i].parent.empty()) {
      json.key("parent").string(forks[i].parent);
      json.key("position").integer(forks[i].position.value);
    }
    json.key("head").integer(forks[i].head.value);
    json.end_object();
  }
  json.end_array();
  if (forks.size() > kForks) json.key("more_forks").integer(forks.size() - kForks);
}

void write_limits(JsonWriter& json, const Limits& limits) {
  const std::pair<std::string_view, size_t> all[] = {{"event_bytes", limits.event_bytes},
                                                     {"append_events", limits.batch_events},
                                                     {"append_bytes", limits.batch_bytes},
                                                     {"conditions", limits.conditions},
                                                     {"stream_bytes", limits.stream_bytes},
                                                     {"type_bytes", limits.type_bytes},
                                                     {"id_bytes", limits.id_bytes},
                                                     {"tags", limits.tags},
                                                     {"tag_bytes", limits.tag_bytes},
                                                     {"json_depth", limits.json_depth},
                                                     {"embedding_numbers", limits.embedding_floats}};
  json.key("limits").begin_object();
  for (const auto& [name, value] : all) json.key(name).integer(value);
  json.end_object();
}

// What an operator should know, when there is something.
void write_status(JsonWriter& json, const StoreStatus& status) {
  if (status.main_protected) json.key("main_protected").boolean(true);
  if (status.segments > 0) {
    json.key("sealed").begin_object();
    json.key("segments").integer(status.segments).key("bytes").integer(status.sealed_bytes);
    json.end_object();
  }
  if (!status.sealing_failure.empty()) json.key("sealing_failure").string(status.sealing_failure);
  if (!status.read_only_reason.empty()) json.key("read_only_reason").string(status.read_only_reason);
  if (!status.recovery_report.empty()) json.key("recovery_report").string(status.recovery_report);
}

void write_index(JsonWriter& json, const Store& store, SearchIndex& search, const std::vector<ForkInfo>& forks) {
  const TextIndexStatus status = search.text()->status();
  uint64_t events = 0;
  for (const ForkInfo& fork : forks) events += fork.own_events;
  json.key("search_index").begin_object();
  json.key("events").integer(status.events);
  json.key("behind").integer(events - std::min(events, status.events));
  json.key("segments").integer(status.segments);
  json.key("bytes").integer(status.memory_bytes + status.file_bytes);
  json.key("language").string(search.settings().analyzer.language);
  const std::shared_ptr<SearchVectors> vectors = search.vectors();
  if (vectors->has_model() || vectors->index_if_made() != nullptr) {
    json.key("vectors");
    write_vector_status(json, store, *vectors, VectorDetail::kMain);
  }
  if (!status.failure.empty()) json.key("failure").string(status.failure);
  json.end_object();
}

Result<std::string> call(CallContext& context, ValidJson text) {
  static const Schema kSchema(schema_text(kInput));
  const auto arguments = Arguments::read(kSchema, text);
  if (!arguments) return arguments.error();
  const auto view = read_view(*context.store, arguments->view());
  if (!view) return view.error();
  MostFrequent streams(kStreams);
  view->for_each_stream([&](std::string_view name, const PositionList& events) { streams.visit(name, events); });
  const StoreStatus status = context.store->status();

  std::string answer;
  JsonWriter json(answer);
  json.begin_object();
  write_counts(json, *view, streams);
  write_types(json, *view);
  write_streams(json, streams);
  const std::vector<ForkInfo> forks = context.store->forks();
  write_forks(json, forks);
  write_limits(json, context.store->limits());
  json.key("durability").begin_array().string("fsync");
  if (status.allow_os_durability) json.string("os");
  json.end_array();
  write_status(json, status);
  if (context.search != nullptr) write_index(json, *context.store, *context.search, forks);
  json.key("at");
  write_at(json, *view);
  json.end_object();
  return answer;
}

}  // namespace

Tool describe_store_tool() {
  static const std::string kInputSchema = schema_text(kInput);
  static const std::string kOutputSchema = schema_text(kOutput);
  return Tool{.name = "describe_store",
              .title = "Describe the store",
              .description = kDescription,
              .input_schema = kInputSchema,
              .output_schema = kOutputSchema,
              .call = call};
}

}  // namespace chronos
