// A request of a client while it is answered, and what becomes of it.
//
// What is offered may ask the client something first (elicitation, sampling, roots): it answers with questions, and is
// called again when they are answered.  How the questions travel is not its business: as requests of ours in the legacy
// era, as an input_required result in the modern one, as the inputRequests of a task.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/principal.h"
#include "mcp/client_capabilities.h"
#include "mcp/json_rpc.h"

namespace chronos {

// RFC 5424, as MCP names them.
enum class LogLevel : uint8_t { kDebug, kInfo, kNotice, kWarning, kError, kCritical, kAlert, kEmergency };
std::optional<LogLevel> log_level_named(std::string_view name);
std::string_view log_level_name(LogLevel level);

// By the key of their question: raw JSON.
using ClientAnswers = std::map<std::string, std::string, std::less<>>;

struct Request {
  Principal principal;
  ClientCapabilities client;
  std::stop_token cancelled;
  ClientAnswers answers;  // to the questions of the last Outcome, those that came
  std::string state;      // what that Outcome left there

  // Each may be null: then nobody wants to know.  Any thread, not after the request was answered.
  std::function<void(double done, double total, std::string_view message)> progress;
  std::function<void(LogLevel level, std::string_view logger, std::string_view data)> log;  // data: JSON
  std::function<void()> close_stream;                     // MessageSink::close
  std::function<void(std::string_view message)> send;     // a message of the protocol itself, as it is
};

struct Question {
  std::string key;
  Capability needs = Capability::kElicitation;  // which also says the method
  std::string params;                           // JSON object
};
// "elicitation/create" and the like.
std::string_view question_method(Capability needs);

// For how long, and for whom, a client may keep a result.
struct CacheHints {
  uint64_t ttl_ms = 0;
  bool is_public = false;
};

// What became of a request: an error, questions, or else a result.
struct Outcome {
  std::string result = "{}";  // a JSON object, without what an era adds
  std::string_view result_type = "complete";
  std::string meta;  // members for _meta of a modern result, each with a comma behind it
  std::optional<CacheHints> cache;
  std::optional<RpcError> error;
  std::vector<Question> questions;
  std::string state;  // of the work so far, for the next call

  static Outcome of(std::string result) {
    Outcome made;
    made.result = std::move(result);
    return made;
  }
  static Outcome failed(RpcCode code, std::string message, std::string data = "") {
    Outcome made;
    made.error = RpcError{code, std::move(message), std::move(data)};
    return made;
  }
  static Outcome ask(std::vector<Question> questions, std::string state = "") {
    Outcome made;
    made.questions = std::move(questions);
    made.state = std::move(state);
    return made;
  }
};

// The rest of answering a request, on any thread; called again for each round of questions.
using Work = std::function<Outcome(Request& request)>;

}  // namespace chronos
