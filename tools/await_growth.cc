// await_growth: for the protocol, which tells clients when a stream they listen to has grown, or a fork.  Waits for it:
// while somebody listens, it looks at one number of the store ten times a second, and at what is watched when that has
// changed.
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <vector>

#include "tools/arguments.h"
#include "tools/json_writer.h"
#include "tools/protocol_tools.h"

namespace chronos {
namespace {

constexpr std::string_view kInput = R"({
  "type": "object", "additionalProperties": false, "required": ["streams", "wait_ms"],
  "properties": {
    "streams": {
      "type": "array", "maxItems": 20000, "description": "What is watched.",
      "items": {
        "type": "object", "additionalProperties": false, "required": ["fork"],
        "properties": {
          "fork": {"type": "string", "description": "Its fork."},
          "stream": {"type": "string", "description": "Its name, absent for the fork itself."},
          "version": {
            "type": "integer", "minimum": 0,
            "description": "As it was last seen, absent when it was not. Of a fork, its head."}}}},
    "wait_ms": {
      "type": "integer", "minimum": 0, "maximum": 60000,
      "description": "How long to wait for one of them to grow."}}})";

constexpr std::string_view kOutput = R"({
  "type": "object", "required": ["grown"],
  "properties": {
    "grown": {
      "type": "array", "description": "Those that are not as they were last seen.",
      "items": {
        "type": "object", "required": ["index", "version"],
        "properties": {
          "index": {"type": "integer", "description": "Which of the streams."},
          "version": {"type": "integer", "description": "As it is now, 0 when there is none."}}}}}})";

constexpr uint64_t kNotSeen = UINT64_MAX;

struct Watched {
  Address address;
  std::string stream;
  uint64_t version;
};

uint64_t version_of(const Store& store, const Watched& watched) {
  const auto view = store.view(watched.address);
  if (!view) return 0;
  return watched.stream.empty() ? view->head().value : view->stream(watched.stream).size();
}

constexpr std::chrono::milliseconds kLook{100};

void rest(const std::stop_token& cancelled) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, cancelled, kLook, [] { return false; });
}

// Returns when the store has more than `seen` records, or not: after so long, or when cancelled.
void await_records(const Store& store, uint64_t seen, std::chrono::milliseconds& left,
                   const std::stop_token& cancelled) {
  do {
    rest(cancelled);
    left -= kLook;
  } while (left.count() > 0 && store.records() == seen && !cancelled.stop_requested());
}

// The answer, when there is something to tell.
bool write_grown(const Store& store, const std::vector<Watched>& all, std::string* answer) {
  answer->clear();
  JsonWriter json(*answer);
  json.begin_object().key("grown").begin_array();
  bool has_any = false;
  for (size_t i = 0; i < all.size(); i++) {
    const uint64_t version = version_of(store, all[i]);
    if (version == all[i].version) continue;
    json.begin_object().key("index").integer(i).key("version").integer(version).end_object();
    has_any = true;
  }
  json.end_array().end_object();
  return has_any;
}

Result<std::string> call(CallContext& context, ValidJson text) {
  static const Schema kSchema(kInput);
  const auto arguments = Arguments::read(kSchema, text);
  if (!arguments) return arguments.error();
  std::vector<Watched> all;
  for (const auto& item : *arguments->view().find("streams")) {
    const ArgumentsView one(item);
    Watched watched;
    watched.address.fork = one.text("fork");
    watched.stream = one.text("stream");
    watched.version = one.integer("version", kNotSeen);
    all.push_back(std::move(watched));
  }
  std::chrono::milliseconds left(arguments->view().integer("wait_ms", 0));
  std::string answer;
  while (true) {
    const uint64_t seen = context.store->records();  // before the look
    if (write_grown(*context.store, all, &answer) || left.count() <= 0 || context.cancelled.stop_requested()) break;
    await_records(*context.store, seen, left, context.cancelled);
  }
  return answer;
}

}  // namespace

Tool await_growth_tool() {
  return Tool{.name = "await_growth",
              .title = "Wait until a stream grows",
              .description = "Waits until one of some streams has grown.",
              .input_schema = kInput,
              .output_schema = kOutput,
              .call = call};
}

}  // namespace chronos
