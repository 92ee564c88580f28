#include "mcp/client_capabilities.h"

#include <nlohmann/json.hpp>

namespace chronos {

ClientCapabilities::ClientCapabilities(std::string_view json) {
  if (json.size() <= 2) return;  // {}
  const auto object = nlohmann::json::parse(json, nullptr, false);
  if (!object.is_object()) return;
  for (const Capability capability : {Capability::kElicitation, Capability::kSampling, Capability::kRoots}) {
    const auto found = object.find(capability_name(capability));
    if (found != object.end() && found->is_object()) bits_ |= bit(capability);
  }
  const auto extensions = object.find("extensions");
  if (extensions != object.end() && extensions->is_object() && extensions->contains(kTasksExtension)) {
    bits_ |= bit(Capability::kTasks);
  }
}

ClientCapabilities ClientCapabilities::from_bits(uint32_t bits) {
  ClientCapabilities made;
  made.bits_ = bits & (2 * bit(Capability::kTasks) - 1);
  return made;
}

std::string_view capability_name(Capability capability) {
  switch (capability) {
    case Capability::kElicitation: return "elicitation";
    case Capability::kSampling: return "sampling";
    case Capability::kRoots: return "roots";
    case Capability::kTasks: return kTasksExtension;
  }
  return "";
}

std::string required_capability(Capability capability) {
  std::string name = "{\"" + std::string(capability_name(capability)) + "\":{}}";
  if (capability == Capability::kTasks) name = "{\"extensions\":" + name + "}";
  return "{\"requiredCapabilities\":" + name + "}";
}

}  // namespace chronos
