// Access by tokens of an OAuth issuer: from a token to the principal it makes, and what clients are told about where to
// get one (RFC 6750, RFC 9728).
//
// Safe to call from any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/clock.h"
#include "core/disk.h"
#include "core/principal.h"
#include "core/result.h"
#include "mcp/access_options.h"
#include "mcp/issuer_keys.h"

namespace chronos {

struct OAuthGrant {
  Principal principal;  // named "oauth:SUBJECT", of the highest role that a scope of the token stands for
  Timestamp expires_at;
};

// A token that lets nobody in.
struct OAuthRefusal {
  bool is_unavailable = false;  // the keys cannot be had: nobody knows whether it is good
  bool lacks_scope = false;     // it is good, and none of its scopes is ours
  std::string reason = {};
};

class OAuth {
 public:
  // kInvalidArgument for an issuer, audience or keys that cannot be.  Requires: disk and clock outlive it.
  static Result<std::unique_ptr<OAuth>> open(const OAuthOptions& options, Disk& disk, Clock& clock);

  std::variant<OAuthGrant, OAuthRefusal> admit(std::string_view token);

  // The parameters of a WWW-Authenticate header: where the metadata are, and `scope`.
  std::string challenge(std::string_view scope) const;
  // The document at `path`, /.well-known/oauth-protected-resource or that with the path of the audience behind it;
  // nullopt for any other path.
  std::optional<std::string> metadata(std::string_view path) const;

  const OAuthOptions& options() const { return options_; }

 private:
  OAuth(const OAuthOptions& options, std::unique_ptr<IssuerKeys> keys, Clock& clock);

  const OAuthOptions options_;
  const std::unique_ptr<IssuerKeys> keys_;
  Clock& clock_;
  std::string origin_;  // of the audience
  std::string path_;    // of the audience, "" when it is the root
  std::string metadata_;
};

// The scopes that stand for a role and those before it: "chronos:read chronos:write".
std::string scopes_of(Role role);

}  // namespace chronos
