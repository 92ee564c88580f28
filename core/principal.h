// Who acts on a store, and what they may change there.
//
// Every principal may read all of the store; roles limit writing.  Its name is recorded as the `actor` of what it does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chronos {

// Each may do what those before it may.
enum class Role : uint8_t {
  kReader,  // nothing but read
  kWriter,  // append; create forks, and discard its own
  kMerger,  // merge
  kAdmin,   // discard the forks of others; what belongs to the operator: protect main, back up, settings
};

// "reader", "writer", "merger", "admin"
std::string_view role_name(Role role);
std::optional<Role> role_named(std::string_view name);

// Made without anything it is nobody, who may only read.
struct Principal {
  std::string name;
  Role role = Role::kReader;
  std::vector<std::string> streams;  // it appends to streams that begin with one of these; empty: to any
  bool forks_only = false;           // it does not append to main, nor merge into it

  bool operator==(const Principal&) const = default;
};

// Whoever may run this program on the data directory may do everything with it.
inline Principal local_principal(std::string name = "local") { return {std::move(name), Role::kAdmin, {}, false}; }

}  // namespace chronos
