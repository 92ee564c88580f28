// A request is admitted in this order: how many Authorization headers, is a token needed at all, which one is it, is it
// over, how often and how much does it send.  What costs something comes after what proves that the caller is known.
//
// The file of tokens is read again when a tenth of a second has passed since the last time: a revoked token ends at
// once for people, and a store with a thousand requests a second does not read it a thousand times.
#include "mcp/http_access.h"

#include <algorithm>
#include <utility>

#include "mcp/http_gate.h"
#include "mcp/json_web_token.h"

namespace chronos {
namespace {

constexpr int64_t kLookAgainMicroseconds = 100'000;
constexpr std::string_view kHowToGetOne =
    "send the header 'Authorization: Bearer TOKEN' with a token of 'chronos token create'";

bool equal_ignoring_case(std::string_view left, std::string_view right) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  return left.size() == right.size() && std::equal(left.begin(), left.end(), right.begin(),
                                                   [&](char l, char r) { return lower(l) == lower(r); });
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// token68 of RFC 9110.
bool is_token_text(std::string_view text) {
  const size_t padding = text.find_last_not_of('=');
  if (padding == std::string_view::npos) return false;
  return std::all_of(text.begin(), text.begin() + static_cast<ptrdiff_t>(padding) + 1, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~+/").find(c) != std::string_view::npos;
  });
}

bool has_token(std::string_view query) {
  return query.starts_with("access_token=") || query.find("&access_token=") != std::string_view::npos;
}

AccessRefusal bad_request(std::string message) {
  return {400, "Bearer error=\"invalid_request\"", {}, {Code::kInvalidArgument, std::move(message), ""}};
}

}  // namespace

Result<std::optional<std::string_view>> bearer_token(std::string_view header) {
  header = trimmed(header);
  const size_t space = header.find_first_of(" \t");
  const std::string_view scheme = header.substr(0, space);
  if (!equal_ignoring_case(scheme, "Bearer")) return std::optional<std::string_view>();
  const std::string_view token = space == std::string_view::npos ? "" : trimmed(header.substr(space));
  if (token.size() > kMostTokenBytes || !is_token_text(token)) {
    return Error{Code::kInvalidArgument,
                 "the Authorization header must be 'Bearer', a space and one token of at most 16384 letters, digits "
                 "and -._~+/=",
                 ""};
  }
  return std::optional(token);
}

HttpAccess::HttpAccess(const AccessOptions& options, const Place& place, bool is_loopback,
                       std::unique_ptr<OAuth> oauth)
    : options_(options),
      place_(place),
      is_loopback_(is_loopback),
      oauth_(std::move(oauth)),
      denied_(place.disk, place.directory, place.clock),
      looked_at_{INT64_MIN} {}

Result<std::unique_ptr<HttpAccess>> HttpAccess::open(const AccessOptions& options, const Place& place,
                                                     std::string_view host) {
  std::unique_ptr<OAuth> oauth;
  if (!options.oauth.issuer.empty()) {
    auto opened = OAuth::open(options.oauth, place.disk, place.clock);
    if (!opened) return opened.error();
    oauth = *std::move(opened);
  }
  std::unique_ptr<HttpAccess> access(new HttpAccess(options, place, is_loopback_name(host), std::move(oauth)));
  const auto table = access->table();
  if (table->failure) return *table->failure;
  if (table->exists || access->oauth_ || access->is_open(*table)) return access;
  return Error{Code::kPermissionDenied,
               "others reach '" + std::string(host) +
                   "', and this store has no tokens to tell them by; make one with 'chronos token create --name NAME "
                   "--role writer', or listen on 127.0.0.1, or let everybody in with --insecure",
               ""};
}

std::shared_ptr<const HttpAccess::Table> HttpAccess::table() {
  const std::lock_guard lock(mutex_);
  const Timestamp now = place_.clock.now();
  if (table_ != nullptr && now >= looked_at_ && now.value - looked_at_.value < kLookAgainMicroseconds) return table_;
  looked_at_ = now;
  auto text = read_token_file(place_.disk, place_.directory);
  if (text && table_ != nullptr && !table_->failure && *text == text_) return table_;
  auto fresh = std::make_shared<Table>();
  if (!text) {
    fresh->failure = text.error();
  } else if (*text) {
    fresh->exists = true;
    auto tokens = parse_tokens(**text);
    if (tokens) {
      fresh->tokens = *std::move(tokens);
    } else {
      fresh->failure = tokens.error();
    }
  }
  text_ = text ? *std::move(text) : std::nullopt;
  table_ = std::move(fresh);
  return table_;
}

bool HttpAccess::is_open(const Table& table) const {
  return !table.failure && !table.exists && oauth_ == nullptr && (is_loopback_ || options_.let_everybody_in);
}

AccessRefusal HttpAccess::unauthenticated(std::string message, std::string_view problem) const {
  AccessRefusal refusal;
  refusal.www_authenticate = "Bearer realm=\"chronos\"";
  if (oauth_) refusal.www_authenticate += ", " + oauth_->challenge(scopes_of(Role::kWriter));
  if (!problem.empty()) {
    refusal.www_authenticate += ", error=\"invalid_token\", error_description=\"" + std::string(problem) + "\"";
  }
  refusal.error = {Code::kUnauthenticated, std::move(message), ""};
  return refusal;
}

std::variant<Admission, AccessRefusal> HttpAccess::admit(const RequestFacts& facts) {
  auto decided = decide(facts);
  if (const auto* refusal = std::get_if<AccessRefusal>(&decided)) {
    denied_.note({refusal->status, code_name(refusal->error.code), refusal->error.message, "", facts.peer,
                  facts.method, facts.path, ""});
  }
  return decided;
}

std::variant<Admission, AccessRefusal> HttpAccess::decide(const RequestFacts& facts) {
  if (facts.authorization_headers > 1) return bad_request("there are several Authorization headers; send one");
  if (has_token(facts.query)) {
    return bad_request("a token in the address is seen by everybody on the way; send it in the Authorization header");
  }
  const auto table = this->table();
  if (table->failure) {
    return AccessRefusal{503, "", 1, {Code::kUnavailable, "nobody is let in: " + table->failure->message, ""}};
  }
  if (is_open(*table)) {
    if (options_.let_everybody_in || !facts.is_forwarded) return Admission{.principal = local_principal()};
    return unauthenticated(
        "this request came through a proxy, and without tokens only programs of this machine are let in; make a token "
        "with 'chronos token create'");
  }
  if (!facts.authorization) return unauthenticated("this server needs a token; " + std::string(kHowToGetOne));
  const auto token = bearer_token(*facts.authorization);
  if (!token) return bad_request(token.error().message);
  if (!*token) return unauthenticated("this server takes bearer tokens only; " + std::string(kHowToGetOne));
  if (oauth_ && !(*token)->starts_with(kTokenPrefix)) return admit_oauth(**token);
  return admit_token(*table, **token, facts);
}

std::variant<Admission, AccessRefusal> HttpAccess::admit_token(const Table& table, std::string_view token,
                                                               const RequestFacts& facts) {
  const Sha256 digest = sha256(token);
  const Token* found = nullptr;
  for (const Token& known : table.tokens) {
    if (equal_in_constant_time(known.digest, digest)) found = &known;
  }
  if (found == nullptr) {
    return unauthenticated("this token is not known, or was revoked; ask for a new one", "unknown token");
  }
  const Timestamp now = place_.clock.now();
  if (found->expires_at && *found->expires_at <= now) {
    return unauthenticated("the token of '" + found->principal.name + "' has expired; ask for a new one", "expired");
  }
  if (auto refusal = too_often(found->principal.name, found->calls_per_minute)) return *std::move(refusal);
  if (found->max_request_bytes && facts.body_bytes > *found->max_request_bytes) {
    return AccessRefusal{413,
                         "",
                         {},
                         {Code::kTooLarge,
                          "the request has " + std::to_string(facts.body_bytes) + " bytes, and '" +
                              found->principal.name + "' may send " + std::to_string(*found->max_request_bytes) +
                              "; send it in parts",
                          ""}};
  }
  return Admission{found->principal, found->max_request_bytes, digest, false, found->expires_at};
}

std::variant<Admission, AccessRefusal> HttpAccess::admit_oauth(std::string_view token) {
  auto decided = oauth_->admit(token);
  if (auto* grant = std::get_if<OAuthGrant>(&decided)) {
    if (auto refusal = too_often(grant->principal.name, options_.oauth.calls_per_minute)) return *std::move(refusal);
    return Admission{std::move(grant->principal), {}, {}, true, grant->expires_at};
  }
  const auto& refused = std::get<OAuthRefusal>(decided);
  if (refused.is_unavailable) {
    return AccessRefusal{
        503, "", 5, {Code::kUnavailable, "tokens cannot be checked now; try again. " + refused.reason, ""}};
  }
  if (refused.lacks_scope) return lacking_scope(refused.reason, Role::kReader);
  return unauthenticated(refused.reason + "; get a new one of '" + options_.oauth.issuer + "'", refused.reason);
}

std::optional<AccessRefusal> HttpAccess::too_often(const std::string& name, std::optional<uint32_t> per_minute) {
  if (!per_minute) return std::nullopt;
  const auto seconds = rates_.refuse(name, *per_minute, place_.clock.now());
  if (!seconds) return std::nullopt;
  return AccessRefusal{429,
                       "",
                       seconds,
                       {Code::kRateLimited,
                        "'" + name + "' may call " + std::to_string(*per_minute) + " times a minute; wait " +
                            std::to_string(*seconds) + " seconds",
                        ""}};
}

AccessRefusal HttpAccess::lacking_scope(std::string message, Role needed) const {
  const std::string scopes = scopes_of(needed);
  return {403,
          "Bearer realm=\"chronos\", error=\"insufficient_scope\", " + oauth_->challenge(scopes),
          {},
          {Code::kPermissionDenied, std::move(message) + "; get one with the scopes " + scopes,
           "{\"required_role\":\"" + std::string(role_name(needed)) + "\"}"}};
}

// A preview of a merge only looks, so merge_fork is left to the store.
std::optional<AccessRefusal> HttpAccess::refuse_tool(const RequestFacts& facts, const Admission& admission,
                                                     const Tool& tool) {
  if (!admission.is_oauth || tool.read_only || admission.principal.role >= Role::kWriter) return std::nullopt;
  if (tool.name == "merge_fork") return std::nullopt;
  auto refusal = lacking_scope("the token of '" + admission.principal.name + "' lets it only read", Role::kWriter);
  denied_.note({refusal.status, code_name(refusal.error.code), refusal.error.message, admission.principal.name,
                facts.peer, facts.method, facts.path, tool.name});
  return refusal;
}

std::optional<std::string> HttpAccess::metadata(std::string_view path) const {
  return oauth_ ? oauth_->metadata(path) : std::nullopt;
}

bool HttpAccess::is_still_good(const Admission& admission) {
  const auto table = this->table();
  if (admission.expires_at && *admission.expires_at <= place_.clock.now()) return false;
  if (admission.is_oauth) return true;
  if (!admission.token) return is_open(*table);
  return !table->failure && std::any_of(table->tokens.begin(), table->tokens.end(), [&](const Token& known) {
    return known.digest == *admission.token && known.principal == admission.principal;
  });
}

void HttpAccess::note_denied(const Principal& principal, std::string_view tool, const Error& error) {
  denied_.note({403, code_name(error.code), error.message, principal.name, "", "", "", tool});
}

}  // namespace chronos
