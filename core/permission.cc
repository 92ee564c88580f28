#include "core/permission.h"

#include <algorithm>
#include <string>

#include "core/valid_json.h"

namespace chronos {
namespace {

constexpr std::string_view kMain = "main";

std::string quoted(std::string_view name) { return "'" + std::string(name) + "'"; }

bool may_write(const Principal& principal, std::string_view stream) {
  return std::any_of(principal.streams.begin(), principal.streams.end(),
                     [stream](const std::string& prefix) { return stream.starts_with(prefix); });
}

Error wrong_stream(const Principal& principal, std::string_view stream, std::string_view what) {
  std::string allowed;
  std::string details = "{\"stream\":";
  append_json_string(details, stream);
  details += ",\"allowed\":[";
  for (const std::string& prefix : principal.streams) {
    if (!allowed.empty()) details += ',';
    allowed += (allowed.empty() ? "" : ", ") + quoted(prefix);
    append_json_string(details, prefix);
  }
  return Error{Code::kPermissionDenied,
               quoted(principal.name) + " may not " + std::string(what) + " events of stream " + quoted(stream) +
                   ", only of streams that begin with " + allowed + "; use one of those, or ask an admin for the right",
               details + "]}"};
}

Error main_is_closed(const Principal& principal, std::string_view advice) {
  return Error{Code::kPermissionDenied,
               quoted(principal.name) + " may append to forks, not to main; " + std::string(advice),
               R"({"fork":"main"})"};
}

Result<void> may_write_streams(const Principal& principal, const Batch& batch, std::string_view what) {
  if (principal.streams.empty()) return {};
  for (size_t i = 0; i < batch.size(); i++) {
    const std::string_view stream = batch.event(i).stream();
    if (!may_write(principal, stream)) return wrong_stream(principal, stream, what);
  }
  return {};
}

}  // namespace

Result<void> require_role(const Principal& principal, Role role, std::string_view what) {
  if (principal.role >= role) return {};
  return Error{Code::kPermissionDenied,
               quoted(principal.name) + " is a " + std::string(role_name(principal.role)) + " and may not " +
                   std::string(what) + "; that takes the role " + std::string(role_name(role)) +
                   (role == Role::kAdmin ? "" : " or more") + ", which an admin can give",
               "{\"role\":\"" + std::string(role_name(principal.role)) + "\",\"required_role\":\"" +
                   std::string(role_name(role)) + "\"}"};
}

Result<void> may_append(const Batch& batch) {
  const Principal& principal = batch.head.principal;
  if (auto ok = require_role(principal, Role::kWriter, "append"); !ok) return ok;
  if (principal.forks_only && batch.head.fork == kMain) {
    return main_is_closed(principal, "make a fork with create_fork and append there, somebody else merges it");
  }
  return may_write_streams(principal, batch, "append");
}

Result<void> may_merge(const Principal& principal, std::string_view target, std::span<const Batch> batches) {
  if (auto ok = require_role(principal, Role::kMerger, "merge"); !ok) return ok;
  if (principal.forks_only && target == kMain) {
    return main_is_closed(principal, "merge into a fork, or ask somebody with the right to merge into main");
  }
  for (const Batch& batch : batches) {
    if (auto ok = may_write_streams(principal, batch, "merge"); !ok) return ok;
  }
  return {};
}

Result<void> may_discard(const Principal& principal, std::string_view fork, std::string_view owner) {
  if (auto ok = require_role(principal, Role::kWriter, "discard forks"); !ok) return ok;
  if (principal.role == Role::kAdmin || principal.name == owner) return {};
  return Error{Code::kPermissionDenied,
               "fork " + quoted(fork) + " was made by " + quoted(owner) + ", and " + quoted(principal.name) +
                   " may discard only its own; ask " + quoted(owner) + " or an admin",
               "{\"role\":\"" + std::string(role_name(principal.role)) + "\",\"required_role\":\"admin\"}"};
}

}  // namespace chronos
