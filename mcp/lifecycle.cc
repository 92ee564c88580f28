#include "mcp/method.h"

namespace chronos {

// Never an error for a version we do not know: the client decides whether it can live with the one we answer.
Answer answer_initialize(const MethodContext& context) {
  if (context.in_batch) {
    return {"", RpcError{RpcCode::kInvalidRequest, "initialize must not be part of a batch. Send it alone.", ""}, {}};
  }
  const std::string requested = string_of(context.message.params.protocol_version).value_or("");
  const std::string_view version = negotiate_legacy(requested);
  context.connection.negotiate(version);
  return {R"({"protocolVersion":")" + std::string(version) + '"' + context.texts.legacy_initialize_end, {}, {}};
}

Answer answer_ping(const MethodContext&) { return {"{}", {}, {}}; }

Answer answer_discover(const MethodContext& context) { return {context.texts.modern_discover, {}, {}}; }

}  // namespace chronos
