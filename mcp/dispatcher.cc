#include "mcp/dispatcher.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/batch.h"
#include "core/valid_json.h"
#include "mcp/client_answers.h"
#include "mcp/json_rpc.h"
#include "mcp/progress.h"
#include "mcp/revision.h"

namespace chronos {
namespace {

// Of questions to a client about one request.
constexpr int kMostRounds = 16;

std::string_view missing_id(Era era) { return era == Era::kModern ? "" : "null"; }

// What makes two requests the same one, sent again: who asks, and all that is asked for, whatever the order of members.
std::string identity_of(const Message& message, const Principal& principal) {
  const Params& params = message.params;
  const auto arguments = nlohmann::json::parse(params.arguments, nullptr, false);
  return principal.name + "\n" + message.method + "\n" + std::string(params.name) + "\n" + std::string(params.uri) +
         "\n" + (arguments.is_object() ? arguments.dump() : "{}");
}

std::string log_entry(LogLevel level, std::string_view logger, std::string_view data) {
  std::string text = R"({"jsonrpc":"2.0","method":"notifications/message","params":{"level":")";
  text.append(log_level_name(level)).append(R"(","logger":)");
  append_json_string(text, logger);
  return text.append(",\"data\":").append(data).append("}}");
}

Outcome not_declared(Capability capability) {
  return Outcome::failed(RpcCode::kMissingCapability,
                         "The request needs a client with the capability '" +
                             std::string(capability_name(capability)) + "'. Declare it.",
                         required_capability(capability));
}

}  // namespace

int Accepted::status() const {
  bool answers = waiting_ > 0;
  for (const Part& part : parts_) answers |= !part.reply.empty();
  if (!answers) return kHttpAccepted;
  return is_batch_ ? kHttpOk : parts_.front().status;
}

Dispatcher::Dispatcher(Parts parts)
    : parts_(parts),
      texts_(parts.offer.catalog()),
      states_(parts.clock, parts.random),
      tasks_(parts.subscriptions, parts.clock, parts.random,
             [this](Outcome outcome) { return texts_.finished(Era::kModern, std::move(outcome)); }) {}

Accepted Dispatcher::accept(Connection& connection, std::string_view line) {
  const LineOrError read = read_line(line, kMostLevels);
  if (!read.error) return accept(connection, read.line, nullptr);
  Accepted accepted;
  const std::string_view id = missing_id(connection.era_of_unreadable());
  accepted.parts_.push_back({error_reply(id, *read.error), nullptr, kHttpBadRequest});
  return accepted;
}

Accepted Dispatcher::accept(Connection& connection, const IncomingLine& line, const Message* message) {
  Accepted accepted;
  if (line.is_batch && !allows_batches(connection.negotiated())) {
    const RpcError error{RpcCode::kInvalidRequest, "Batches are not part of this protocol version. Send one message.",
                         ""};
    const std::string_view id = missing_id(connection.era_of_unreadable());
    accepted.parts_.push_back({error_reply(id, error), nullptr, kHttpBadRequest});
    return accepted;
  }
  accepted.is_batch_ = line.is_batch;
  accepted.parts_.reserve(line.messages.size());
  for (const std::string_view text : line.messages) {
    Message taken = message != nullptr ? *message : read_message(text);
    taken.too_deep = line.too_deep;
    accepted.parts_.push_back(accept_message(connection, taken, line.is_batch));
    if (accepted.parts_.back().waiting != nullptr) ++accepted.waiting_;
  }
  return accepted;
}

Accepted::Part Dispatcher::accept_message(Connection& connection, const Message& message, bool in_batch) {
  switch (message.kind) {
    case Message::Kind::kRequest: return accept_request(connection, message, in_batch);
    case Message::Kind::kNotification: accept_notification(connection, message); return {};
    case Message::Kind::kResponse:
      connection.take_response(message.id, message.result, message.response_error);
      return {};
    case Message::Kind::kInvalid: break;
  }
  const std::string_view id = message.id.empty() ? missing_id(connection.era_of_unreadable()) : message.id;
  return {error_reply(id, message.error), nullptr, kHttpBadRequest};
}

Accepted::Part Dispatcher::accept_request(Connection& connection, const Message& message, bool in_batch) {
  const auto refuse = [&](const RpcError& error, int status) {
    return Accepted::Part{error_reply(message.id, error), nullptr, status};
  };
  const EraDecision decision = decide_era(message);
  const bool is_modern = decision.era == Era::kModern;
  if (is_modern) connection.saw_modern();
  if (decision.error) return refuse(*decision.error, kHttpBadRequest);
  const Method* method = find_method(message.method, decision.era, parts_.offer.catalog());
  if (method == nullptr) {
    return refuse({RpcCode::kMethodNotFound, "Method '" + message.method + "' is not offered.", ""},
                  is_modern ? kHttpNotFound : kHttpOk);
  }
  auto waiting = std::make_unique<Accepted::Waiting>();
  Request& request = waiting->request;
  request.principal = connection.principal();
  request.client =
      is_modern ? ClientCapabilities(message.params.meta.client_capabilities) : connection.client();
  Answer answer = method->answer({message, decision.era, request.client, connection, texts_, parts_.offer,
                                  parts_.subscriptions, tasks_, in_batch});
  if (!answer.work) {
    return {texts_.reply(message.id, decision.era, std::move(answer.outcome)), nullptr, answer.status};
  }
  waiting->log_level = connection.log_level();
  if (is_modern) {
    const std::optional<std::string> level = string_of(message.params.meta.log_level);
    waiting->log_level = log_level_named(level.value_or(""));
    if (!message.params.meta.log_level.empty() && !waiting->log_level) {
      return refuse({RpcCode::kInvalidParams, "The log level in _meta must be one of RFC 5424, like 'info'.", ""},
                    kHttpOk);
    }
    if (answer.can_ask) {
      waiting->message = message;
      if (auto error = take_answers(*waiting)) return refuse(*error, kHttpOk);
    }
  }
  waiting->id = message.id;
  waiting->era = decision.era;
  waiting->work = std::move(answer.work);
  if (is_id(message.params.meta.progress_token)) waiting->progress_token = message.params.meta.progress_token;
  switch (connection.begin(message.id, answer.kind, &request.cancelled)) {
    case Connection::Begun::kYes: break;
    case Connection::Begun::kIdIsTaken:
      return refuse({RpcCode::kInvalidRequest, "A request with this id is still running. Use another id.", ""},
                    kHttpBadRequest);
    case Connection::Begun::kTooManyListens:
      return refuse({RpcCode::kInternalError, "This connection listens often enough. End one of them first.", ""},
                    kHttpOk);
  }
  return {"", std::move(waiting), kHttpOk};
}

// What the client gives back with a request that it sends again.
std::optional<RpcError> Dispatcher::take_answers(Accepted::Waiting& waiting) const {
  const Params& params = waiting.message.params;
  std::optional<ClientAnswers> answers = read_client_answers(params.input_responses);
  if (!answers) return RpcError{RpcCode::kInvalidParams, "params.inputResponses must be an object.", ""};
  waiting.request.answers = std::move(*answers);
  if (params.request_state.empty()) return std::nullopt;
  const std::string identity = identity_of(waiting.message, waiting.request.principal);
  Result<std::string> state = states_.open(identity, string_of(params.request_state).value_or(""));
  if (!state) return RpcError{RpcCode::kInvalidParams, state.error().message, ""};
  waiting.request.state = std::move(*state);
  return std::nullopt;
}

void Dispatcher::accept_notification(Connection& connection, const Message& message) {
  if (message.method == "notifications/cancelled") {
    connection.cancel(message.params.request_id);
  } else if (message.method == "notifications/initialized") {
    const Catalog& catalog = parts_.offer.catalog();
    connection.follow_lists(parts_.subscriptions, catalog.tools_change, catalog.prompts_change,
                            catalog.resources_change);
    parts_.offer.prepare();
  }
}

std::string Dispatcher::run(Connection& connection, Accepted accepted, MessageSink& sink) {
  std::string batch;
  for (Accepted::Part& part : accepted.parts_) {
    std::string reply = part.waiting == nullptr ? std::move(part.reply) : run_one(connection, *part.waiting, sink);
    if (!accepted.is_batch_) return reply;
    if (reply.empty()) continue;
    batch.append(batch.empty() ? "[" : ",").append(reply);
  }
  if (!batch.empty()) batch.append("]");
  return batch;
}

std::string Dispatcher::run_one(Connection& connection, Accepted::Waiting& waiting, MessageSink& sink) {
  Request& request = waiting.request;
  std::shared_ptr<Progress> progress;  // shared: a backend may keep its copy of the function beyond the call
  if (!waiting.progress_token.empty()) {
    progress = std::make_shared<Progress>(waiting.progress_token, sink, parts_.clock, request.cancelled);
    request.progress = [progress](double done, double total, std::string_view message) {
      progress->report(done, total, message);
    };
  }
  if (waiting.log_level) {
    request.log = [&sink, least = *waiting.log_level](LogLevel level, std::string_view logger, std::string_view data) {
      if (level >= least) sink.send(log_entry(level, logger, data));
    };
  }
  request.close_stream = [&sink] { sink.close(); };
  request.send = [&sink](std::string_view message) { sink.send(message); };
  Outcome outcome = find_outcome(connection, waiting, sink);
  if (progress != nullptr) progress->close();
  std::string reply = texts_.reply(waiting.id, waiting.era, std::move(outcome));
  return connection.finish(waiting.id) ? reply : "";
}

Outcome Dispatcher::find_outcome(Connection& connection, Accepted::Waiting& waiting, MessageSink& sink) {
  Request& request = waiting.request;
  for (int round = 0; round < kMostRounds; round++) {
    Outcome outcome = waiting.work(request);
    if (outcome.questions.empty() || outcome.error) return outcome;
    for (const Question& question : outcome.questions) {
      if (!request.client.has(question.needs)) return not_declared(question.needs);
    }
    if (waiting.era == Era::kModern) return put_questions(waiting, outcome);
    request.answers.clear();
    request.state = std::move(outcome.state);
    for (const Question& question : outcome.questions) {
      Result<std::string> answer =
          connection.ask({question_method(question.needs), question.params}, sink, request.cancelled);
      if (!answer) return Outcome::failed(RpcCode::kInternalError, answer.error().message);
      request.answers.emplace(question.key, std::move(*answer));
    }
  }
  return Outcome::failed(RpcCode::kInternalError, "The request asks too many questions.");
}

// The client answers by sending its request again.
Outcome Dispatcher::put_questions(const Accepted::Waiting& waiting, const Outcome& outcome) const {
  std::string text = R"({"inputRequests":{)";
  for (const Question& question : outcome.questions) {
    if (text.back() != '{') text.append(",");
    append_json_string(text, question.key);
    text.append(R"(:{"method":")").append(question_method(question.needs)).append(R"(","params":)");
    text.append(question.params).append("}");
  }
  text.append("}");
  if (!outcome.state.empty()) {
    const std::string identity = identity_of(waiting.message, waiting.request.principal);
    text.append(R"(,"requestState":")").append(states_.seal(identity, outcome.state)).append("\"");
  }
  Outcome asked = Outcome::of(text + "}");
  asked.result_type = "input_required";
  return asked;
}

std::string Dispatcher::too_long(const Connection& connection, size_t limit_bytes) const {
  return error_reply(missing_id(connection.era_of_unreadable()),
                     {RpcCode::kInvalidRequest,
                      "The message is longer than " + std::to_string(limit_bytes) + " bytes. Send smaller ones.", ""});
}

}  // namespace chronos
