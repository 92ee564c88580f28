// Tokens of an issuer at the door: from the keys it publishes to the principal of a request.
#include "mcp/oauth.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "mcp/http_access.h"
#include "tests/support/catch.h"
#include "tests/support/chance.h"
#include "tests/support/served_tools.h"
#include "tests/support/manual_clock.h"
#include "tests/support/scripted_issuer.h"
#include "tests/support/simulated_disk.h"
#include "tests/support/token_signer.h"

namespace chronos::test {
namespace {

using Json = nlohmann::json;

constexpr const char* kIssuer = "https://issuer.example";
constexpr const char* kAudience = "https://chronos.example/mcp";

const TokenSigner& signer() {
  static const TokenSigner kSigner = TokenSigner::ec("P-256");
  return kSigner;
}

struct Guarded {
  Guarded() {
    REQUIRE(disk.create_directories("/store"));
    disk.put("/keys.json", key_set({signer().jwk({{"kid", "k1"}})}));
    options.oauth = {kIssuer, kAudience, "/keys.json", {}};
  }
  void open() {
    auto opened = HttpAccess::open(options, {disk, clock, "/store"}, "0.0.0.0");
    if (!opened) FAIL(opened.error().message);
    access = *std::move(opened);
  }
  std::string token(const Json& more, const TokenSigner& by = signer(), const std::string& kid = "k1") {
    Json claims = {{"iss", options.oauth.issuer},
                   {"aud", kAudience},
                   {"sub", "ann"},
                   {"exp", clock.now().value / 1'000'000 + 600}};
    claims.update(more);
    return by.token({{"alg", "ES256"}, {"kid", kid}}, claims);
  }
  std::variant<Admission, AccessRefusal> knock(const std::string& token) {
    const std::string header = "Bearer " + token;
    RequestFacts facts;
    if (!token.empty()) facts.authorization = header;
    return access->admit(facts);
  }
  AccessRefusal kept_out(const std::string& token) {
    const auto decided = knock(token);
    REQUIRE(std::holds_alternative<AccessRefusal>(decided));
    return std::get<AccessRefusal>(decided);
  }

  SimulatedDisk disk;
  ManualClock clock;
  AccessOptions options;
  std::unique_ptr<HttpAccess> access;
};

constexpr const char* kWhere =
    R"(resource_metadata="https://chronos.example/.well-known/oauth-protected-resource/mcp")";

}  // namespace

TEST_CASE("Scopes of a token are its role, its subject the name", "[oauth]") {
  Guarded guarded;
  guarded.open();
  const std::pair<const char*, Role> all[] = {{"chronos:read", Role::kReader},
                                              {"chronos:read chronos:write", Role::kWriter},
                                              {"openid chronos:merge", Role::kMerger},
                                              {"chronos:admin", Role::kAdmin}};
  for (const auto& [scope, role] : all) {
    for (const Json& claim : {Json({{"scope", scope}}), Json({{"scp", scope}}), Json({{"scp", {"x", scope}}})}) {
      const auto decided = guarded.knock(guarded.token(claim));
      REQUIRE(std::holds_alternative<Admission>(decided));
      const auto& admission = std::get<Admission>(decided);
      CHECK(admission.principal == Principal{"oauth:ann", role, {}, false});
      CHECK(admission.is_oauth);
      CHECK(guarded.access->is_still_good(admission));
    }
  }
}

TEST_CASE("Without a good token of the issuer a client is told where to get one", "[oauth]") {
  Guarded guarded;
  guarded.open();
  const AccessRefusal without = guarded.kept_out("");
  CHECK(without.status == 401);
  CHECK(without.www_authenticate ==
        std::string("Bearer realm=\"chronos\", ") + kWhere + ", scope=\"chronos:read chronos:write\"");
  const AccessRefusal expired = guarded.kept_out(guarded.token({{"exp", 1}, {"scope", "chronos:read"}}));
  CHECK(expired.status == 401);
  CHECK(expired.www_authenticate.find("error=\"invalid_token\", error_description=\"the token has expired\"") !=
        std::string::npos);
  for (const Json& wrong : {Json({{"aud", "https://other.example"}}), Json({{"iss", "https://evil.example"}})}) {
    CHECK(guarded.kept_out(guarded.token(wrong)).status == 401);
  }
  CHECK(guarded.kept_out("garbage").status == 401);
  const AccessRefusal useless = guarded.kept_out(guarded.token({{"scope", "openid chronos:reader"}}));
  CHECK(useless.status == 403);
  CHECK(useless.error.code == Code::kPermissionDenied);
  CHECK(useless.www_authenticate == std::string("Bearer realm=\"chronos\", error=\"insufficient_scope\", ") + kWhere +
                                        ", scope=\"chronos:read\"");
}

TEST_CASE("A tool that asks for more than the scopes is refused before it runs", "[oauth]") {
  Guarded guarded;
  guarded.open();
  const auto reader = std::get<Admission>(guarded.knock(guarded.token({{"scope", "chronos:read"}})));
  const auto writer = std::get<Admission>(guarded.knock(guarded.token({{"scope", "chronos:write"}})));
  const auto refused = [&](const Admission& admission, const char* tool) {
    return guarded.access->refuse_tool({}, admission, *find_tool(tool));
  };
  CHECK_FALSE(refused(reader, "query_events"));
  CHECK_FALSE(refused(reader, "merge_fork"));  // may only look
  CHECK_FALSE(refused(writer, "append_events"));
  const auto refusal = refused(reader, "append_events");
  REQUIRE(refusal);
  CHECK(refusal->status == 403);
  CHECK(refusal->www_authenticate.find("scope=\"chronos:read chronos:write\"") != std::string::npos);
  const Admission of_file{{"ray", Role::kReader, {}, false}};
  CHECK_FALSE(refused(of_file, "append_events"));
}

TEST_CASE("Tokens of the file and of the issuer go side by side, each within its limits", "[oauth]") {
  Guarded guarded;
  guarded.options.oauth.calls_per_minute = 2;
  Chance chance{5};
  NewToken wanted;
  wanted.principal.name = "ray";
  const auto ray = create_token(guarded.disk, "/store", guarded.clock, chance, wanted);
  REQUIRE(ray);
  guarded.open();
  CHECK(std::get<Admission>(guarded.knock(*ray)).principal.name == "ray");
  const std::string ann = guarded.token({{"scope", "chronos:read"}});
  CHECK(std::holds_alternative<Admission>(guarded.knock(ann)));
  CHECK(std::holds_alternative<Admission>(guarded.knock(ann)));
  CHECK(guarded.kept_out(ann).status == 429);
  CHECK(std::holds_alternative<Admission>(guarded.knock(guarded.token({{"scope", "chronos:read"}, {"sub", "bob"}}))));
  CHECK(guarded.kept_out(std::string(kTokenPrefix) + "x").status == 401);

  const auto bob = std::get<Admission>(guarded.knock(guarded.token({{"scope", "chronos:read"}, {"sub", "bob"}})));
  guarded.clock.advance(700'000'000);
  CHECK_FALSE(guarded.access->is_still_good(bob));
}

TEST_CASE("A new key in the file is found when the first token names it", "[oauth][threads]") {
  Guarded guarded;
  guarded.open();
  const TokenSigner fresh = TokenSigner::ec("P-256");
  const std::string token = guarded.token({{"scope", "chronos:read"}}, fresh, "k2");
  guarded.disk.put("/keys.json", key_set({fresh.jwk({{"kid", "k2"}})}));
  while (!std::holds_alternative<Admission>(guarded.knock(token))) {
  }
  CHECK(guarded.kept_out(guarded.token({{"scope", "chronos:read"}})).status == 401);
}

TEST_CASE("An issuer, audience or file of keys that cannot be is refused at the start", "[oauth]") {
  const auto refused = [](const OAuthOptions& oauth) {
    Guarded guarded;
    guarded.options.oauth = oauth;
    const auto opened = HttpAccess::open(guarded.options, {guarded.disk, guarded.clock, "/store"}, "127.0.0.1");
    return !opened && opened.error().code == Code::kInvalidArgument;
  };
  CHECK(refused({kIssuer, "chronos", "/keys.json", {}}));
  CHECK(refused({kIssuer, "https://x/\"", "/keys.json", {}}));
  CHECK(refused({kIssuer, kAudience, "/missing.json", {}}));
  CHECK(refused({"issuer", kAudience, "", {}}));
  CHECK(refused({"http://issuer.example", kAudience, "", {}}));
  CHECK(refused({kIssuer, kAudience, "http://issuer.example/keys", {}}));
  Guarded guarded;
  guarded.disk.put("/keys.json", "<html>");
  CHECK_FALSE(HttpAccess::open(guarded.options, {guarded.disk, guarded.clock, "/store"}, "127.0.0.1"));
}

TEST_CASE("Keys come by the issuer's metadata, and an issuer in trouble lets nobody in", "[oauth][threads]") {
  ScriptedIssuer issuer([](const std::string&) { return std::string("garbage"); });
  const std::string url = issuer.url();
  SimulatedDisk disk;
  IssuerKeys::Options options;
  options.issuer = url;
  options.retry = std::chrono::milliseconds(1);
  options.refresh = std::chrono::milliseconds(1);
  options.least_pause = std::chrono::milliseconds(0);
  options.patience = std::chrono::seconds(60);
  const auto keys = IssuerKeys::open(options, disk);
  REQUIRE(keys);
  CHECK((*keys)->keys_for("k1") == nullptr);
  CHECK((*keys)->failure().find("cannot be had") != std::string::npos);

  // Metadata of somebody else, or without keys, are not taken.
  std::string metadata = R"({"issuer":"https://other.example","jwks_uri":")" + url + R"(/jwks"})";
  const std::string set = key_set({signer().jwk({{"kid", "k1"}})});
  const auto answer = [&](const std::string& path) {
    if (path == "/jwks") return ScriptedIssuer::ok(set);
    if (path == "/.well-known/openid-configuration") return ScriptedIssuer::ok(metadata);
    return std::string("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}");
  };
  issuer.set_answer(answer);
  CHECK((*keys)->keys_for("k1") == nullptr);
  issuer.set_answer([&, url](const std::string& path) {
    if (path == "/jwks") return ScriptedIssuer::ok(set);
    return ScriptedIssuer::ok(R"({"issuer":")" + url + R"(","jwks_uri":")" + url + R"(/jwks"})");
  });
  std::shared_ptr<const KeySet> found;
  while (found == nullptr) found = (*keys)->keys_for("k1");
  CHECK(found->has("k1"));

  // What it answers later does not take the keys away.
  issuer.set_answer([](const std::string&) { return ScriptedIssuer::ok("{\"keys\":[]}"); });
  const auto still = (*keys)->keys_for("unknown");
  REQUIRE(still != nullptr);
  CHECK(still->has("k1"));
}

TEST_CASE("An issuer that says nothing does not hold up whoever comes, or the end", "[oauth][threads]") {
  const ScriptedIssuer issuer([](const std::string&) { return std::string(ScriptedIssuer::kSilence); });
  SimulatedDisk disk;
  IssuerKeys::Options options;
  options.issuer = issuer.url();
  options.patience = std::chrono::milliseconds(10);
  const auto keys = IssuerKeys::open(options, disk);
  REQUIRE(keys);
  CHECK((*keys)->keys_for("k1") == nullptr);
}

TEST_CASE("Unknown keys are asked for once in a while, not once a token", "[oauth][threads]") {
  const std::string set = key_set({signer().jwk({{"kid", "k1"}})});
  const ScriptedIssuer issuer([&](const std::string&) { return ScriptedIssuer::ok(set); });
  SimulatedDisk disk;
  IssuerKeys::Options options;
  options.issuer = kIssuer;
  options.keys = issuer.url() + "/jwks";
  options.patience = std::chrono::seconds(60);
  const auto keys = IssuerKeys::open(options, disk);
  REQUIRE(keys);
  std::shared_ptr<const KeySet> first;
  while (first == nullptr) first = (*keys)->keys_for("");
  for (int i = 0; i < 100; i++) CHECK((*keys)->keys_for("k" + std::to_string(i + 2)) != nullptr);
  CHECK(issuer.requests() <= 3);  // the first, perhaps one for whoever waited for it, one for k2
}

TEST_CASE("Over HTTP, clients find where tokens come from, and everything else is JSON", "[oauth][threads]") {
  Guarded guarded;
  guarded.open();
  HttpServiceOptions options;
  options.access = guarded.access.get();
  ServedTools session(options);
  const auto client = session.client();
  for (const char* path : {"/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"}) {
    const HttpReply reply = client->get(path);
    CHECK(reply.status == 200);
    const Json document = Json::parse(reply.body);
    CHECK(document["resource"] == kAudience);
    CHECK(document["authorization_servers"] == Json::array({kIssuer}));
    CHECK(document["bearer_methods_supported"] == Json::array({"header"}));
    CHECK(document["scopes_supported"].size() == 4);
  }
  const HttpReply other = client->get("/.well-known/oauth-authorization-server");
  CHECK(other.status == 404);
  CHECK(Json::parse(other.body).contains("error"));
  CHECK(client->get("/v1/tools").status == 401);
  const std::string good = "Authorization: Bearer " + guarded.token({{"scope", "chronos:read"}}) + "\r\n";
  CHECK(session.client()->get("/v1/tools", good).status == 200);
  // The scripted tools write as far as they say, which is what counts.
  const std::string json = "Content-Type: application/json\r\n";
  const HttpReply more = session.client()->post("/v1/tools/write", "{}", json + good);
  CHECK(more.status == 403);
  CHECK(more.header("www-authenticate").find("insufficient_scope") != std::string::npos);
  CHECK(session.client()->post("/v1/tools/echo", "{}", json + good).status == 200);
}

}  // namespace chronos::test
