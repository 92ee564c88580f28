// Whom `chronos serve` lets in, as the command line says it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace chronos {

struct OAuthOptions {
  std::string issuer;    // as its tokens and metadata name it; empty: no tokens of an issuer
  std::string audience;  // what they must be for: the address of this server, as clients know it
  std::string keys;      // a file or an address; empty: as the issuer's metadata say
  std::optional<uint32_t> calls_per_minute;  // of each subject
};

struct AccessOptions {
  bool let_everybody_in = false;  // without tokens on any address
  OAuthOptions oauth = {};
};

}  // namespace chronos
