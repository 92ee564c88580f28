#include "mcp/method.h"

namespace chronos {

// Never an error for a version we do not know: the client decides whether it can live with the one we answer.
Answer answer_initialize(const MethodContext& context) {
  if (context.in_batch) {
    return Answer::refused(RpcCode::kInvalidRequest, "initialize must not be part of a batch. Send it alone.");
  }
  const Params& params = context.message.params;
  const std::string requested = string_of(params.protocol_version).value_or("");
  const std::string_view version = negotiate_legacy(requested);
  context.connection.negotiate(version, ClientCapabilities(params.capabilities));
  return Answer::done(R"({"protocolVersion":")" + std::string(version) + '"' + context.texts.initialize_end);
}

Answer answer_ping(const MethodContext&) { return Answer::done("{}"); }

Answer answer_discover(const MethodContext& context) {
  Answer answer = Answer::done(context.texts.discover);
  answer.outcome.cache = CacheHints{3'600'000, true};
  return answer;
}

}  // namespace chronos
