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

BatchHead head_of(const ImportHead& import, const std::string& request_id) {
  BatchHead head;
  head.fork = import.fork;
  head.principal = import.principal;
  head.request_id = request_id;
  return head;
}

class BatchEncoder final : public ImportTarget::Encoder {
 public:
  BatchEncoder(const Limits& limits, const ImportHead& head) : head_(head), builder_(limits) {}
  void begin(const std::string& request_id) override { builder_.begin(head_of(head_, request_id)); }
  Result<void> add(const NewEvent& event) override { return builder_.add(event); }
  Result<EncodedBlock> finish() override {
    auto batch = builder_.finish();
    if (!batch) return batch.error();
    EncodedBlock block;
    block.batch = std::move(*batch);
    return block;
  }

 private:
  const ImportHead& head_;
  BatchBuilder builder_;
};

class CallEncoder final : public ImportTarget::Encoder {
 public:
  CallEncoder(const Limits& limits, const ImportHead& head) : head_(head), checker_(limits) {}
  void begin(const std::string& request_id) override;
  Result<void> add(const NewEvent& event) override;
  Result<EncodedBlock> finish() override;

 private:
  const ImportHead& head_;
  BatchBuilder checker_;   // of names and sizes, so that a wrong line is told from its neighbours
  std::string arguments_;  // open at its end
  bool is_first_ = true;
};

}  // namespace

// --- the engine in this process ---

StoreImportTarget::StoreImportTarget(Store& store, ImportHead head)
    : store_(store), head_(std::move(head)), settler_([this] { settle_all(); }) {}

StoreImportTarget::~StoreImportTarget() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  settler_.join();
}

std::unique_ptr<ImportTarget::Encoder> StoreImportTarget::encoder() const {
  return std::make_unique<BatchEncoder>(store_.limits(), head_);
}

Result<bool> StoreImportTarget::knows(const std::string& request_id) {
  BatchBuilder builder(store_.limits());
  BatchHead probe = head_of(head_, request_id);
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

Result<bool> StoreImportTarget::commit(EncodedBlock block) {
  auto staged = store_.stage(std::move(block.batch));
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
  is_awaited_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return failure_ || settled_ == staged_; });
  is_awaited_ = false;
  if (failure_) return *failure_;
  return {};
}

// The second thread: always settles all that is staged; what gathers meanwhile is the next group.
void StoreImportTarget::settle_all() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ending_ || settled_ != staged_; });
    if (settled_ == staged_ || failure_) return;
    changed_.wait_for(lock, kGroupTime,
                      [this] { return ending_ || is_awaited_ || store_.bytes_in_flight() >= kGroupBytes; });
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
    : backend_(backend), head_(std::move(head)) {}

std::unique_ptr<ImportTarget::Encoder> ForwardedImportTarget::encoder() const {
  return std::make_unique<CallEncoder>(limits_, head_);
}

Result<std::string> ForwardedImportTarget::append(std::string& arguments) {
  arguments.reserve(arguments.size() + kSimdPadding);
  ToolCall call;
  call.tool = find_tool("append_events");
  call.arguments = ValidJson::trusted(arguments);
  call.principal = head_.principal;
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

void CallEncoder::begin(const std::string& request_id) {
  checker_.begin(BatchHead{});
  arguments_.clear();
  JsonWriter json(arguments_);
  json.begin_object().key("fork").string(head_.fork).key("request_id").string(request_id).key("events").begin_array();
  is_first_ = true;
}

Result<void> CallEncoder::add(const NewEvent& event) {
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

Result<EncodedBlock> CallEncoder::finish() {
  EncodedBlock block;
  block.call = std::move(arguments_);
  block.call += "]}";
  return block;
}

Result<bool> ForwardedImportTarget::commit(EncodedBlock block) {
  auto answer = append(block.call);
  if (!answer) return answer.error();
  return answer->find("\"replayed\":true") != std::string::npos;
}

}  // namespace chronos
