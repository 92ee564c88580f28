#include "core/principal.h"

namespace chronos {
namespace {

constexpr std::string_view kNames[] = {"reader", "writer", "merger", "admin"};

}  // namespace

std::string_view role_name(Role role) { return kNames[static_cast<uint8_t>(role)]; }

std::optional<Role> role_named(std::string_view name) {
  for (uint8_t i = 0; i <= static_cast<uint8_t>(Role::kAdmin); i++) {
    if (kNames[i] == name) return static_cast<Role>(i);
  }
  return std::nullopt;
}

}  // namespace chronos
