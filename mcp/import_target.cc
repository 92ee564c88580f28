#include "mcp/import_target.h"

#include <utility>

#include "core/log.h"
#include "core/time_text.h"
#include "core/valid_json.h"
#include "tools/json_writer.h"

namespace chronos {
namespace {

// A condition that never holds asks the store about a request id without writing anything: the id is looked up
// before conditions are.
Condition never() {
  Condition condition;
  condition.kind = Condition::Kind::kHead;
  condition.position = Position{kMaxPosition};
  return condition;
}

constexpr std::string_view kProbeName = "import";

}  // namespace

// --- the engine in this process ---

StoreImportTarget::StoreImportTarget(Store& store, ImportHead head)
    : store_(store), head_(std::move(head)), builder_(store.limits()), settler_([this] { settle_all(); }) {}

StoreImportTarget::~StoreImportTarget() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  settler_.join();
}

BatchHead StoreImportTarget::head(const std::string& request_id) const {
  BatchHead head;
  head.fork = head_.fork;
  head.actor = head_.actor;
  head.request_id = request_id;
  return head;
}

Result<bool> StoreImportTarget::knows(const std::string& request_id) {
  BatchBuilder builder(store_.limits());
  BatchHead probe = head(request_id);
  probe.conditions.push_back(never());
  builder.begin(std::move(probe));
  NewEvent event;
  event.stream = kProbeName;
  event.type = kProbeName;
  event.data = "{}";
  if (auto added = builder.add(event); !added) return added.error();
  auto batch = builder.finish();
  if (!batch) return batch.error();
  auto staged = store_.stage(std::move(*batch));
  if (staged) return !staged->outcome.conflict.has_value();
  if (staged.error().code == Code::kIdReused) return true;
  return staged.error();
}

void StoreImportTarget::begin(const std::string& request_id) { builder_.begin(head(request_id)); }

Result<bool> StoreImportTarget::commit() {
  auto batch = builder_.finish();
  if (!batch) return batch.error();
  auto staged = store_.stage(std::move(*batch));
  if (!staged) return staged.error();
  std::unique_lock lock(mutex_);
  staged_ = std::max(staged_, staged->ticket);
  changed_.notify_all();
  changed_.wait(lock,
                [this] { return failure_ || settled_ == staged_ || store_.bytes_in_flight() <= kMaxBytesInFlight; });
  if (failure_) return *failure_;
  return staged->outcome.appended && staged->outcome.appended->replayed;
}

Result<void> StoreImportTarget::finish() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return failure_ || settled_ == staged_; });
  if (failure_) return *failure_;
  return {};
}

// The second thread: always settles all that is staged, so that what gathers meanwhile is the next group.
void StoreImportTarget::settle_all() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ending_ || settled_ != staged_; });
    if (settled_ == staged_ || failure_) return;
    const Lsn ticket = staged_;
    lock.unlock();
    auto settled = store_.settle(ticket);
    lock.lock();
    if (settled) {
      settled_ = ticket;
    } else {
      failure_ = settled.error();
    }
    changed_.notify_all();
  }
}

// --- the engine in another process ---

ForwardedImportTarget::ForwardedImportTarget(ToolBackend& backend, ImportHead head)
    : backend_(backend), head_(std::move(head)), checker_(limits_) {}

Result<std::string> ForwardedImportTarget::append(std::string& arguments) {
  arguments.reserve(arguments.size() + kSimdPadding);
  ToolCall call;
  call.tool = find_tool("append_events");
  call.arguments = ValidJson::trusted(arguments);
  call.actor = head_.actor;
  return backend_.call(call);
}

Result<bool> ForwardedImportTarget::knows(const std::string& request_id) {
  std::string arguments;
  JsonWriter json(arguments);
  json.begin_object().key("fork").string(head_.fork).key("request_id").string(request_id);
  json.key("conditions").begin_array().begin_object().key("head").integer(kMaxPosition).end_object().end_array();
  json.key("events").begin_array().begin_object().key("stream").string(kProbeName).key("type").string(kProbeName);
  json.key("data").raw("{}").end_object().end_array().end_object();
  auto answer = append(arguments);
  if (answer || answer.error().code == Code::kIdReused) return true;
  if (answer.error().code == Code::kConflict) return false;
  return answer.error();
}

void ForwardedImportTarget::begin(const std::string& request_id) {
  checker_.begin(BatchHead{});
  arguments_.clear();
  JsonWriter json(arguments_);
  json.begin_object().key("fork").string(head_.fork).key("request_id").string(request_id).key("events").begin_array();
  is_first_ = true;
}

Result<void> ForwardedImportTarget::add(const NewEvent& event) {
  if (auto checked = checker_.add(event); !checked) return checked.error();
  if (!is_first_) arguments_ += ',';
  is_first_ = false;
  JsonWriter json(arguments_);
  json.begin_object().key("stream").string(event.stream).key("type").string(event.type).key("data").raw(event.data);
  if (!event.metadata.empty()) json.key("metadata").raw(event.metadata);
  if (!event.id.empty()) json.key("id").string(event.id);
  if (!event.correlation_id.empty()) json.key("correlation_id").string(event.correlation_id);
  if (!event.causation_id.empty()) json.key("causation_id").string(event.causation_id);
  if (event.valid_at) json.key("valid_at").string(format_time(*event.valid_at));
  if (!event.tags.empty()) {
    json.key("tags").begin_array();
    for (std::string_view tag : event.tags) json.string(tag);
    json.end_array();
  }
  if (!event.embedding.empty()) {
    json.key("embedding").begin_array();
    for (float number : event.embedding) json.number(number);
    json.end_array();
  }
  json.end_object();
  return {};
}

Result<bool> ForwardedImportTarget::commit() {
  arguments_ += "]}";
  auto answer = append(arguments_);
  if (!answer) return answer.error();
  return answer->find("\"replayed\":true") != std::string::npos;
}

}  // namespace chronos
