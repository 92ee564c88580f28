#include "mcp/token_file.h"

#include <cstdlib>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/chance.h"
#include "tests/support/child_process.h"
#include "tests/support/manual_clock.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {
namespace {

constexpr const char* kDirectory = "/store";

struct TokenPlace {
  TokenPlace() { REQUIRE(disk.create_directories(kDirectory)); }
  Result<std::string> create(const NewToken& wanted) { return create_token(disk, kDirectory, clock, chance, wanted); }
  std::vector<Token> tokens() {
    const auto text = read_token_file(disk, kDirectory);
    REQUIRE(text);
    REQUIRE(*text);
    auto parsed = parse_tokens(**text);
    REQUIRE(parsed);
    return *std::move(parsed);
  }
  SimulatedDisk disk;
  ManualClock clock;
  Chance chance{7};
};

NewToken wanted(const std::string& name, Role role = Role::kWriter) {
  NewToken token;
  token.principal.name = name;
  token.principal.role = role;
  return token;
}

}  // namespace

TEST_CASE("Tokens are kept as hashes, with all that was said of them", "[access]") {
  TokenPlace place;
  NewToken full = wanted("ann@example.org", Role::kMerger);
  full.principal.streams = {"order-", "\xc3\xa9t\xc3\xa9-"};
  full.principal.forks_only = true;
  full.lifetime_seconds = 3600;
  full.calls_per_minute = 60;
  full.max_request_bytes = 65'536;
  const auto ann = place.create(full);
  const auto ray = place.create(wanted("ray", Role::kReader));
  REQUIRE(ann);
  REQUIRE(ray);
  CHECK(*ann != *ray);
  CHECK(ann->size() == kTokenPrefix.size() + 43);
  CHECK(ann->starts_with(kTokenPrefix));

  const auto tokens = place.tokens();
  REQUIRE(tokens.size() == 2);
  CHECK(tokens[0].principal == full.principal);
  CHECK(tokens[0].digest == sha256(*ann));
  CHECK(tokens[0].expires_at == Timestamp{place.clock.now().value + 3'600'000'000});
  CHECK(tokens[0].calls_per_minute == 60U);
  CHECK(tokens[0].max_request_bytes == 65'536U);
  CHECK(tokens[1].principal == Principal{"ray", Role::kReader, {}, false});
  CHECK_FALSE(tokens[1].expires_at);
  for (const auto& [path, bytes] : place.disk.files()) {
    CHECK(bytes.find(ann->substr(kTokenPrefix.size())) == std::string::npos);
  }
}

TEST_CASE("Names of tokens are checked, unique, and free again when one was revoked", "[access]") {
  TokenPlace place;
  for (const char* name : {"", "a b", "a/b", "oauth:ann", "local", "store", "\xc3\xa9"}) {
    const auto refused = place.create(wanted(name));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::kInvalidArgument);
  }
  CHECK_FALSE(place.create(wanted(std::string(65, 'a'))));
  NewToken control = wanted("ann");
  control.principal.streams = {"a\nb"};
  CHECK_FALSE(place.create(control));
  control.principal.streams = {""};
  CHECK_FALSE(place.create(control));

  REQUIRE(place.create(wanted("ann")));
  const auto twice = place.create(wanted("ann"));
  REQUIRE_FALSE(twice);
  CHECK(twice.error().code == Code::kConflict);
  const auto unknown = revoke_token(place.disk, kDirectory, "bob");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == Code::kNotFound);
  CHECK(unknown.error().message.find("known: ann") != std::string::npos);
  REQUIRE(revoke_token(place.disk, kDirectory, "ann"));
  CHECK(place.tokens().empty());
  CHECK(place.create(wanted("ann")));
}

TEST_CASE("A file of tokens that is not whole is refused, whatever byte is wrong", "[access]") {
  TokenPlace place;
  NewToken full = wanted("ann");
  full.principal.streams = {"order-"};
  full.lifetime_seconds = 60;
  REQUIRE(place.create(full));
  const std::string text = **read_token_file(place.disk, kDirectory);
  for (size_t at = 0; at < text.size(); at++) {
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    const auto parsed = parse_tokens(changed);
    if (parsed) FAIL("byte " << at << " may be anything");
    CHECK_FALSE(parse_tokens(text.substr(0, at)));
  }
  const auto newer = parse_tokens(R"({"format":"chronos tokens","version":2,"xxh3":"0"})"
                                  "\n");
  REQUIRE_FALSE(newer);
  CHECK(newer.error().code == Code::kInvalidArgument);
}

TEST_CASE("A power cut leaves the tokens of before or those of after", "[access]") {
  for (uint64_t n = 1; n < 40; n++) {
    TokenPlace place;
    REQUIRE(place.create(wanted("ann")));
    place.disk.fail_after(n, SimulatedDisk::Failing::kFromThenOn);
    const bool made = place.create(wanted("bob")).has_value();
    const bool is_over = !place.disk.has_failed();
    place.disk.power_cut(n);
    place.disk.stop_failing();
    const auto tokens = place.tokens();
    REQUIRE((tokens.size() == 1 || tokens.size() == 2));
    CHECK(tokens[0].principal.name == "ann");
    if (made) CHECK(tokens.size() == 2);
    CHECK(place.create(wanted("carl")));
    if (is_over) return;
  }
  FAIL("still failing");
}

TEST_CASE("chronos token creates, lists and revokes", "[access][processes]") {
  const ScratchDirectory scratch;
  const std::string data = scratch.path("store");
  const auto token = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {CHRONOS_BINARY, "token"});
    arguments.insert(arguments.end(), {"--data", data});
    return run_program(arguments);
  };
  CHECK(token({"list"}).output.empty());
  const auto made = token({"create", "--name", "ann", "--role", "writer", "--streams", "order-", "--streams", "cart-",
                           "--forks-only", "--expires", "30d", "--calls-per-minute", "60", "--max-request", "64KiB"});
  CHECK(made.exit_code == 0);
  CHECK(made.output.starts_with(kTokenPrefix));
  CHECK(made.output.size() == kTokenPrefix.size() + 44);
  const auto listed = token({"list"});
  CHECK(listed.exit_code == 0);
  for (const char* part :
       {"ann", "writer", "streams order-*, streams cart-*", "forks only", "60 calls", "65536 bytes"}) {
    CHECK(listed.output.find(part) != std::string::npos);
  }
  CHECK(listed.output.find("chronos_") == std::string::npos);
  const auto path = std::filesystem::path(data) / "tokens";
  CHECK(std::filesystem::status(path).permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  CHECK(token({"create", "--name", "ann", "--role", "reader"}).exit_code == 1);
  CHECK(token({"create", "--name", "bob", "--role", "king"}).exit_code == 2);
  CHECK(token({"create", "--name", "bob"}).exit_code == 2);
  CHECK(token({"revoke", "bob"}).exit_code == 1);
  CHECK(token({"revoke", "ann"}).exit_code == 0);
  CHECK(token({"list"}).output.empty());
}

}  // namespace chronos::test
