// Who comes over HTTP: from what a request says about itself to the principal that it acts as, or to the refusal that
// is its answer.  docs/ACCESS.md is the page for operators.
//
// On a loopback address everybody is local until the store has a file of tokens, or an issuer is configured; from then
// on, and on any other address, each request needs a token.  Changes of the tokens are seen within a tenth of a second.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/clock.h"
#include "core/disk.h"
#include "core/principal.h"
#include "core/result.h"
#include "mcp/access_options.h"
#include "mcp/denied_log.h"
#include "mcp/digest.h"
#include "mcp/oauth.h"
#include "mcp/rate_limit.h"
#include "mcp/token_file.h"
#include "tools/tool.h"

namespace chronos {

// What is known before the body is read.  Views live as long as the call.
struct RequestFacts {
  std::optional<std::string_view> authorization;  // the value of the header
  size_t authorization_headers = 0;               // how many of them came
  std::string_view method;                        // "POST"
  std::string_view path;                          // "/mcp"
  std::string_view query;                         // what follows the '?'
  std::string_view peer;                          // "127.0.0.1:51234"
  bool is_forwarded = false;                      // has a Forwarded or X-Forwarded-For header: a proxy stands before us
  uint64_t body_bytes = 0;                        // as Content-Length says; 0 when it does not
};

// How a request may go on.
struct Admission {
  Principal principal;
  std::optional<uint64_t> max_request_bytes = {};  // a longer body is answered with 413, whatever Content-Length said
  std::optional<Sha256> token = {};                // of the file
  bool is_oauth = false;                           // its token is the issuer's
  std::optional<Timestamp> expires_at = {};
};

// The answer to a request that goes no further.
struct AccessRefusal {
  int status = 401;                                  // 400, 401, 403, 413, 429, 503
  std::string www_authenticate = {};                 // the header's value; no header when empty
  std::optional<uint32_t> retry_after_seconds = {};  // Retry-After
  Error error = {};                                  // the body: error_json()
};

// Safe to call from any thread.
class HttpAccess {
 public:
  struct Place {
    Disk& disk;
    Clock& clock;
    std::string directory;  // of the data
  };
  // `host` is the address to listen at.  kPermissionDenied, saying what to do, for one that others reach when there is
  // nothing to tell them by; kInvalidArgument for an issuer that cannot be.  Requires: disk and clock outlive it.
  static Result<std::unique_ptr<HttpAccess>> open(const AccessOptions& options, const Place& place,
                                                  std::string_view host);

  // Refusals are written to the log of denied calls.
  std::variant<Admission, AccessRefusal> admit(const RequestFacts& facts);

  // Whether a stream that was admitted may go on: its token was neither revoked nor changed, and is not over.
  bool is_still_good(const Admission& admission);

  // The answer to a call of a tool that asks for more than the scopes of an OAuth token: 403, naming those it takes.
  // nullopt for everybody else, whom the store refuses in the call's own answer.
  std::optional<AccessRefusal> refuse_tool(const RequestFacts& facts, const Admission& admission, const Tool& tool);

  // The document for GET `path`, when an issuer is configured and it is one that clients look for one at (RFC 9728).
  std::optional<std::string> metadata(std::string_view path) const;

  // The store refused a call of somebody who was let in (kPermissionDenied): for the log.
  void note_denied(const Principal& principal, std::string_view tool, const Error& error);

 private:
  struct Table {
    bool exists = false;
    std::vector<Token> tokens;
    std::optional<Error> failure;  // nobody is let in as long as the file cannot be read
  };

  HttpAccess(const AccessOptions& options, const Place& place, bool is_loopback, std::unique_ptr<OAuth> oauth);
  std::shared_ptr<const Table> table();
  bool is_open(const Table& table) const;
  std::variant<Admission, AccessRefusal> decide(const RequestFacts& facts);
  std::variant<Admission, AccessRefusal> admit_token(const Table& table, std::string_view token,
                                                     const RequestFacts& facts);
  std::variant<Admission, AccessRefusal> admit_oauth(std::string_view token);
  AccessRefusal unauthenticated(std::string message, std::string_view problem = {}) const;
  AccessRefusal lacking_scope(std::string message, Role needed) const;
  std::optional<AccessRefusal> too_often(const std::string& name, std::optional<uint32_t> per_minute);

  const AccessOptions options_;
  const Place place_;
  const bool is_loopback_;
  const std::unique_ptr<OAuth> oauth_;  // null without an issuer
  DeniedLog denied_;
  RateLimit rates_;

  std::mutex mutex_;  // guards all below
  std::shared_ptr<const Table> table_;
  std::optional<std::string> text_;  // of the file, when the table was made
  Timestamp looked_at_;
};

// What an Authorization header holds: nullopt when it is of another scheme than Bearer, kInvalidArgument when it is
// malformed.
Result<std::optional<std::string_view>> bearer_token(std::string_view header);

}  // namespace chronos
