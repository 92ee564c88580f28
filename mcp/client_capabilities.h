// What a client said it can do, as far as a server asks for it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace chronos {

enum class Capability : uint8_t { kElicitation, kSampling, kRoots, kTasks };

class ClientCapabilities {
 public:
  ClientCapabilities() = default;
  // Of an object as initialize or _meta have it; anything else is a client that can do nothing.
  explicit ClientCapabilities(std::string_view json);
  // As bits() gave them.
  static ClientCapabilities from_bits(uint32_t bits);

  bool has(Capability capability) const { return (bits_ & bit(capability)) != 0; }
  // All of it in one number, to be kept elsewhere.
  uint32_t bits() const { return bits_; }

 private:
  static uint32_t bit(Capability capability) { return uint32_t{1} << static_cast<uint32_t>(capability); }
  uint32_t bits_ = 0;
};

inline constexpr std::string_view kTasksExtension = "io.modelcontextprotocol/tasks";

// The name a client declares it by: "elicitation".
std::string_view capability_name(Capability capability);
// {"requiredCapabilities":{"sampling":{}}}
std::string required_capability(Capability capability);

}  // namespace chronos
