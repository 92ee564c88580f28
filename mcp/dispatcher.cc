#include "mcp/dispatcher.h"

#include <memory>
#include <utility>

#include "core/batch.h"
#include "mcp/json_rpc.h"
#include "mcp/progress.h"
#include "mcp/revision.h"

namespace chronos {
namespace {

// What a message wraps around the data of an event: the envelope, params, arguments, the list of events, the event.
constexpr size_t kEnvelopeLevels = 8;

// Statuses of HTTP.
constexpr int kOk = 200;
constexpr int kAccepted = 202;
constexpr int kBadRequest = 400;
constexpr int kNotFound = 404;

std::string_view missing_id(Era era) { return era == Era::kModern ? "" : "null"; }

}  // namespace

int Accepted::status() const {
  bool answers = calls_ > 0;
  for (const Part& part : parts_) answers |= !part.reply.empty();
  if (!answers) return kAccepted;
  return is_batch_ ? kOk : parts_.front().status;
}

Dispatcher::Dispatcher(std::span<const Tool> tools, ToolBackend& backend, Clock& clock)
    : texts_(tools), tools_(tools), backend_(backend), clock_(clock) {}

Accepted Dispatcher::accept(Connection& connection, std::string_view line) {
  Accepted accepted;
  LineOrError read = read_line(line, Limits{}.json_depth + kEnvelopeLevels);
  if (!read.error && read.line.is_batch && !allows_batches(connection.negotiated())) {
    read.error =
        RpcError{RpcCode::kInvalidRequest, "Batches are not part of this protocol version. Send one message.", ""};
  }
  if (read.error) {
    accepted.parts_.push_back({error_reply(missing_id(connection.era_of_unreadable()), *read.error), {}, kBadRequest});
    return accepted;
  }
  accepted.is_batch_ = read.line.is_batch;
  accepted.parts_.reserve(read.line.messages.size());
  for (const std::string_view text : read.line.messages) {
    accepted.parts_.push_back(accept_message(connection, text, read.line.is_batch, read.line.too_deep));
    if (accepted.parts_.back().call.tool != nullptr) ++accepted.calls_;
  }
  return accepted;
}

Accepted::Part Dispatcher::accept_message(Connection& connection, std::string_view text, bool in_batch, bool too_deep) {
  Message message = read_message(text);
  message.too_deep = too_deep;
  switch (message.kind) {
    case Message::Kind::kRequest: return accept_request(connection, message, in_batch);
    case Message::Kind::kNotification: accept_notification(connection, message); return {};
    case Message::Kind::kResponse: return {};
    case Message::Kind::kInvalid: break;
  }
  const std::string_view id = message.id.empty() ? missing_id(connection.era_of_unreadable()) : message.id;
  return {error_reply(id, message.error), {}, kBadRequest};
}

Accepted::Part Dispatcher::accept_request(Connection& connection, const Message& message, bool in_batch) {
  const auto refuse = [&](const RpcError& error, int status) {
    return Accepted::Part{error_reply(message.id, error), {}, status};
  };
  const EraDecision decision = decide_era(message);
  if (decision.era == Era::kModern) connection.saw_modern();
  if (decision.error) return refuse(*decision.error, kBadRequest);
  const Method* method = find_method(message.method);
  if (method == nullptr || !(decision.era == Era::kModern ? method->modern : method->legacy)) {
    return refuse({RpcCode::kMethodNotFound, "Method '" + message.method + "' is not offered.", ""},
                  decision.era == Era::kModern ? kNotFound : kOk);
  }
  Answer answer = method->answer({message, decision.era, connection, texts_, tools_, backend_, in_batch});
  if (answer.error) return refuse(*answer.error, kOk);
  if (answer.call.tool == nullptr) return {result_reply(message.id, answer.result), {}};
  if (!connection.begin(message.id, answer.call.tool->read_only, &answer.call.cancelled)) {
    return refuse({RpcCode::kInvalidRequest, "A request with this id is still running. Use another id.", ""},
                  kBadRequest);
  }
  return {"", std::move(answer.call)};
}

void Dispatcher::accept_notification(Connection& connection, const Message& message) {
  if (message.method == "notifications/cancelled") {
    connection.cancel(message.params.request_id);
  } else if (message.method == "notifications/initialized") {
    backend_.prepare();
  }
}

std::string Dispatcher::run(Connection& connection, Accepted accepted, MessageSink& sink) {
  std::string batch;
  for (Accepted::Part& part : accepted.parts_) {
    std::string reply = part.call.tool == nullptr ? std::move(part.reply) : run_call(connection, part.call, sink);
    if (!accepted.is_batch_) return reply;
    if (reply.empty()) continue;
    batch.append(batch.empty() ? "[" : ",").append(reply);
  }
  if (!batch.empty()) batch.append("]");
  return batch;
}

std::string Dispatcher::run_call(Connection& connection, const CallStart& start, MessageSink& sink) {
  ToolCall call;
  call.tool = start.tool;
  call.arguments = ValidJson::trusted(start.arguments);
  call.principal = connection.principal();
  call.cancelled = start.cancelled;
  std::shared_ptr<Progress> progress;  // shared: a backend may keep its copy of the function beyond the call
  if (!start.progress_token.empty()) {
    progress = std::make_shared<Progress>(start.progress_token, sink, clock_, start.cancelled);
    call.progress = [progress](double done, double total, std::string_view message) {
      progress->report(done, total, message);
    };
  }
  Result<std::string> answer = Error{Code::kUnavailable, "The call was cancelled before it began. Send it again.", ""};
  if (!start.cancelled.stop_requested()) answer = backend_.call(call);
  if (progress != nullptr) progress->close();
  std::string reply = result_reply(start.id, tool_result(answer, start.era, texts_));
  return connection.finish(start.id) ? reply : "";
}

std::string Dispatcher::too_long(const Connection& connection, size_t limit_bytes) const {
  return error_reply(missing_id(connection.era_of_unreadable()),
                     {RpcCode::kInvalidRequest,
                      "The message is longer than " + std::to_string(limit_bytes) + " bytes. Send smaller ones.", ""});
}

}  // namespace chronos
