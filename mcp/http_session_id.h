// Ids of legacy sessions, which say themselves what they are: the revision that was negotiated, what the client can do,
// and, signed, that this store gave them to this principal.  So a session survives a restart, and being forgotten.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/disk.h"
#include "core/result.h"

namespace chronos {

struct SessionFacts {
  std::string_view version;   // a text of kLegacyVersions
  uint32_t capabilities = 0;  // of the client, as a set of bits
};

// Immutable: any thread.
class SessionIds {
 public:
  // Requires: `key` has kKeyBytes bytes.
  static constexpr size_t kKeyBytes = 32;
  explicit SessionIds(std::string key) : key_(std::move(key)) {}

  // A new one, of letters, digits and '.', that cannot be guessed.
  std::string make(const SessionFacts& facts, std::string_view principal, Random& random) const;
  // nullopt when it was not made with this key for this principal.
  std::optional<SessionFacts> read(std::string_view id, std::string_view principal) const;

 private:
  std::string signature(std::string_view text, std::string_view principal) const;
  const std::string key_;
};

// A key that nobody else has.
std::string random_session_key(Random& random);
// The key of the store in `directory`, made on first use (docs/FORMAT.md): the same in every process.
Result<std::string> session_key_of(Disk& disk, const std::string& directory, Random& random);

}  // namespace chronos
