#include "mcp/revision.h"

#include <algorithm>
#include <iterator>

#include "core/valid_json.h"

namespace chronos {
namespace {

constexpr std::string_view kVersionKey = "io.modelcontextprotocol/protocolVersion";
constexpr std::string_view kCapabilitiesKey = "io.modelcontextprotocol/clientCapabilities";

RpcError missing_key(std::string_view key, std::string_view what) {
  return {RpcCode::kInvalidParams, "params._meta must have '" + std::string(key) + "', " + std::string(what) + ".", ""};
}

RpcError unsupported_version(std::string_view token, const std::string& version) {
  std::string data = R"({"supported":[)";
  append_json_string(data, kModernVersion);
  data.append(R"(],"requested":)").append(token).append("}");
  return {RpcCode::kUnsupportedVersion,
          "Protocol version '" + version + "' is not supported in _meta; send " + std::string(kModernVersion) +
              ", or use initialize for an older one.",
          std::move(data)};
}

}  // namespace

std::string_view negotiate_legacy(std::string_view requested) {
  const auto* known = std::find(std::begin(kLegacyVersions), std::end(kLegacyVersions), requested);
  return known == std::end(kLegacyVersions) ? kLegacyVersions[0] : *known;
}

bool allows_batches(std::string_view legacy_version) {
  return legacy_version == "2025-03-26" || legacy_version == "2024-11-05";
}

EraDecision decide_era(const Message& message) {
  const RequestMeta& meta = message.params.meta;
  if (meta.protocol_version.empty()) {
    const bool is_modern_only = message.method == "server/discover" || message.method == "subscriptions/listen";
    if (is_modern_only)
      return {Era::kModern, missing_key(kVersionKey, "a string, and " + std::string(kCapabilitiesKey))};
    return {Era::kLegacy, std::nullopt};
  }
  const std::optional<std::string> version = string_of(meta.protocol_version);
  if (!version) return {Era::kModern, missing_key(kVersionKey, "a string")};
  if (*version != kModernVersion) return {Era::kModern, unsupported_version(meta.protocol_version, *version)};
  if (!is_object(meta.client_capabilities)) return {Era::kModern, missing_key(kCapabilitiesKey, "an object")};
  return {Era::kModern, std::nullopt};
}

}  // namespace chronos
