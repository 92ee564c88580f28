#include "mcp/method.h"

namespace chronos {
namespace {

constexpr size_t kMostUriBytes = 4096;

std::optional<std::string> uri_of(const MethodContext& context) {
  std::optional<std::string> uri = string_of(context.message.params.uri);
  if (uri && uri->size() > kMostUriBytes) return std::nullopt;
  return uri;
}

Answer no_uri() {
  return Answer::refused(RpcCode::kInvalidParams,
                         "params.uri must be the URI of a resource, a string of at most " +
                             std::to_string(kMostUriBytes) + " bytes.");
}

}  // namespace

Answer answer_resources_read(const MethodContext& context) {
  std::optional<std::string> uri = uri_of(context);
  if (!uri) return no_uri();
  Offer& offer = context.offer;
  const bool is_modern = context.era == Era::kModern;
  return Answer::run(
      [&offer, is_modern, uri = std::move(*uri)](Request& request) {
        Outcome outcome = offer.read_resource(uri, request);
        if (is_modern && outcome.error && outcome.error->code == RpcCode::kResourceNotFound) {
          outcome.error->code = RpcCode::kInvalidParams;
        }
        return outcome;
      },
      RunKind::kRead, true);
}

Answer answer_resources_subscribe(const MethodContext& context) {
  const std::optional<std::string> uri = uri_of(context);
  if (!uri) return no_uri();
  // Clients subscribe to whatever they have read: what never changes is accepted, too.
  if (!context.offer.can_subscribe(*uri)) return Answer::done("{}");
  // Now, so that an unsubscribe that follows takes effect after it.
  if (!context.connection.subscribe(context.subscriptions, *uri)) {
    return Answer::refused(RpcCode::kInternalError, "There are too many subscriptions. End some of them first.");
  }
  return Answer::run([&offer = context.offer, uri = *uri](Request& request) {
    offer.watch({uri}, request);
    return Outcome();
  });
}

Answer answer_resources_unsubscribe(const MethodContext& context) {
  const std::optional<std::string> uri = uri_of(context);
  if (!uri) return no_uri();
  context.connection.unsubscribe(*uri);
  return Answer::done("{}");
}

}  // namespace chronos
