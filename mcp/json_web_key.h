// Public keys as a JSON Web Key Set has them (RFC 7517), and the signatures they verify (RFC 7518): RS256, RS384,
// RS512, PS256, PS384, PS512, ES256, ES384, ES512.  Nothing else: not "none", not HS256 and its like.
//
// Immutable; any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

struct evp_pkey_st;

namespace chronos {

class KeySet {
 public:
  static constexpr size_t kMostBytes = size_t{256} << 10;
  static constexpr size_t kMostKeys = 64;

  // The keys in it that can verify a signature; others are passed over.  kInvalidArgument when there are none, or the
  // text is no key set, too long or too deep.
  static Result<KeySet> parse(std::string_view text);

  size_t size() const { return keys_.size(); }
  // Whether a key of that id is there; of any id when `id` is empty.
  bool has(std::string_view id) const;
  // Whether a key with that id (any, when `id` is empty) made `signature` of `signed_text` by `algorithm`.
  bool verify(std::string_view id, std::string_view algorithm, std::string_view signed_text,
              std::string_view signature) const;

 private:
  struct Key {
    std::string id;
    std::string algorithm;  // that it is for; empty: any that fits
    std::string curve;      // "P-256"; empty for RSA
    std::shared_ptr<evp_pkey_st> key;  // shared by the copies of the set
  };
  std::vector<Key> keys_;
};

// Whether it is one of the algorithms above.
bool is_signature_algorithm(std::string_view name);

}  // namespace chronos
