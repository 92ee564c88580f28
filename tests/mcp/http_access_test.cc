#include "mcp/http_access.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "mcp/noted_backend.h"
#include "tests/support/catch.h"
#include "tests/support/chance.h"
#include "tests/support/served_tools.h"
#include "tests/support/manual_clock.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {
namespace {

using Json = nlohmann::json;

constexpr const char* kDirectory = "/store";

struct Door {
  Door() { REQUIRE(disk.create_directories(kDirectory)); }

  std::string create(const std::string& name, NewToken wanted = {}) {
    wanted.principal.name = name;
    auto token = create_token(disk, kDirectory, clock, chance, wanted);
    REQUIRE(token);
    return *token;
  }
  Result<std::unique_ptr<HttpAccess>> try_open(const std::string& host = "127.0.0.1", AccessOptions options = {}) {
    return HttpAccess::open(options, {disk, clock, kDirectory}, host);
  }
  void open(const std::string& host = "127.0.0.1", AccessOptions options = {}) {
    auto opened = try_open(host, options);
    REQUIRE(opened);
    access = *std::move(opened);
  }
  std::variant<Admission, AccessRefusal> knock(std::string_view authorization = {}, uint64_t body_bytes = 0) {
    RequestFacts facts;
    if (!authorization.empty()) {
      facts.authorization = authorization;
      facts.authorization_headers = 1;
    }
    facts.method = "POST";
    facts.path = "/mcp";
    facts.peer = "127.0.0.1";
    facts.body_bytes = body_bytes;
    return access->admit(facts);
  }
  Admission let_in(const std::string& token) {
    auto decided = knock("Bearer " + token);
    if (const auto* refusal = std::get_if<AccessRefusal>(&decided)) FAIL(refusal->error.message);
    return std::get<Admission>(decided);
  }
  AccessRefusal kept_out(std::string_view authorization = {}, uint64_t body_bytes = 0) {
    auto decided = knock(authorization, body_bytes);
    REQUIRE(std::holds_alternative<AccessRefusal>(decided));
    return std::get<AccessRefusal>(decided);
  }
  void wait() { clock.advance(100'000); }  // until the file is looked at again

  SimulatedDisk disk;
  ManualClock clock;
  Chance chance{3};
  std::unique_ptr<HttpAccess> access;
};

std::vector<Json> lines_of(SimulatedDisk& disk, const std::string& path) {
  std::vector<Json> lines;
  std::istringstream text(disk.contents(path));
  for (std::string line; std::getline(text, line);) lines.push_back(Json::parse(line));
  return lines;
}

}  // namespace

TEST_CASE("Without tokens everybody of this machine is local, and nobody listens to others", "[access]") {
  Door door;
  for (const char* host : {"127.0.0.1", "127.8.8.8", "localhost", "::1"}) {
    door.open(host);
    CHECK(std::get<Admission>(door.knock()).principal == local_principal());
    door.access.reset();
  }
  for (const char* host : {"0.0.0.0", "::", "192.168.1.2", "127.evil.example", "example.org"}) {
    const auto refused = door.try_open(host);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::kPermissionDenied);
    CHECK(refused.error().message.find("chronos token create") != std::string::npos);
  }
  door.open("0.0.0.0", {.let_everybody_in = true});
  CHECK(std::get<Admission>(door.knock()).principal == local_principal());
}

TEST_CASE("What came through a proxy is not of this machine", "[access]") {
  Door door;
  door.open();
  RequestFacts facts;
  facts.is_forwarded = true;
  const auto decided = door.access->admit(facts);
  REQUIRE(std::holds_alternative<AccessRefusal>(decided));
  CHECK(std::get<AccessRefusal>(decided).status == 401);
}

TEST_CASE("With tokens each request needs one", "[access]") {
  Door door;
  NewToken wanted;
  wanted.principal.role = Role::kMerger;
  wanted.principal.streams = {"order-"};
  const std::string ann = door.create("ann", wanted);
  door.open("0.0.0.0");
  const Admission admission = door.let_in(ann);
  CHECK(admission.principal == Principal{"ann", Role::kMerger, {"order-"}, false});
  CHECK(std::holds_alternative<Admission>(door.knock("bearer \t " + ann + " ")));

  const AccessRefusal without = door.kept_out();
  CHECK(without.status == 401);
  CHECK(without.www_authenticate == "Bearer realm=\"chronos\"");
  CHECK(without.error.code == Code::kUnauthenticated);
  CHECK(door.kept_out("Basic YTpi").status == 401);
  for (const std::string& malformed :
       std::vector<std::string>{"Bearer", "Bearer " + ann + " x", "Bearer a,b", "Bearer \"" + ann + "\"", "Bearer ===",
                                "Bearer " + std::string(16'385, 'a')}) {
    CHECK(door.kept_out(malformed).status == 400);
  }
}

TEST_CASE("A token with any byte changed is no token", "[access]") {
  Door door;
  const std::string ann = door.create("ann");
  door.create("bob");
  door.open();
  for (size_t at = 0; at < ann.size(); at++) {
    std::string forged = ann;
    forged[at] = forged[at] == 'A' ? 'B' : 'A';
    const AccessRefusal refusal = door.kept_out("Bearer " + forged);
    CHECK(refusal.status == 401);
    CHECK(refusal.www_authenticate.find("error=\"invalid_token\"") != std::string::npos);
  }
  CHECK(door.kept_out("Bearer " + ann.substr(0, ann.size() - 1)).status == 401);
  CHECK(door.kept_out("Bearer " + ann + "A").status == 401);
  CHECK(door.kept_out("Bearer " + hex_of(sha256(ann))).status == 401);  // what the file has lets nobody in
}

TEST_CASE("Tokens in the address and several headers are refused", "[access]") {
  Door door;
  const std::string ann = door.create("ann");
  door.open();
  const std::string query = "a=b&access_token=" + ann;
  RequestFacts facts;
  facts.query = query;
  CHECK(std::get<AccessRefusal>(door.access->admit(facts)).status == 400);
  const std::string header = "Bearer " + ann;
  facts = {};
  facts.authorization = header;
  facts.authorization_headers = 2;
  CHECK(std::get<AccessRefusal>(door.access->admit(facts)).status == 400);
}

TEST_CASE("A running server sees tokens come, go, change and end", "[access]") {
  Door door;
  door.open();
  const Admission local = std::get<Admission>(door.knock());
  CHECK(door.access->is_still_good(local));

  NewToken wanted;
  wanted.lifetime_seconds = 60;
  const std::string ann = door.create("ann", wanted);
  const std::string bob = door.create("bob");
  door.wait();
  CHECK(door.kept_out().status == 401);
  CHECK_FALSE(door.access->is_still_good(local));
  const Admission of_ann = door.let_in(ann);
  const Admission of_bob = door.let_in(bob);

  REQUIRE(revoke_token(door.disk, kDirectory, "bob"));
  door.wait();
  CHECK(door.kept_out("Bearer " + bob).status == 401);
  CHECK_FALSE(door.access->is_still_good(of_bob));
  CHECK(door.access->is_still_good(of_ann));

  door.clock.advance(60'000'000);
  const AccessRefusal expired = door.kept_out("Bearer " + ann);
  CHECK(expired.status == 401);
  CHECK(expired.www_authenticate.find("expired") != std::string::npos);
  CHECK_FALSE(door.access->is_still_good(of_ann));

  // Nobody gets in without tokens any more, until the file is gone.
  REQUIRE(revoke_token(door.disk, kDirectory, "ann"));
  door.wait();
  CHECK(door.kept_out().status == 401);
  REQUIRE(door.disk.remove("/store/tokens"));
  door.wait();
  CHECK(std::holds_alternative<Admission>(door.knock()));
}

TEST_CASE("A damaged file of tokens lets nobody in", "[access]") {
  Door door;
  const std::string ann = door.create("ann");
  door.open();
  door.let_in(ann);
  door.disk.flip_bit("/store/tokens", 10, 0);
  door.wait();
  const AccessRefusal refusal = door.kept_out("Bearer " + ann);
  CHECK(refusal.status == 503);
  CHECK(refusal.error.code == Code::kUnavailable);
  CHECK_FALSE(door.try_open());
  door.disk.flip_bit("/store/tokens", 10, 0);
  door.wait();
  door.let_in(ann);
}

TEST_CASE("A token may call so often a minute, and send so much", "[access]") {
  Door door;
  NewToken wanted;
  wanted.calls_per_minute = 3;
  wanted.max_request_bytes = 1000;
  const std::string ann = door.create("ann", wanted);
  const std::string bob = door.create("bob");
  door.open();
  for (int i = 0; i < 3; i++) CHECK(door.let_in(ann).max_request_bytes == 1000U);
  const AccessRefusal often = door.kept_out("Bearer " + ann);
  CHECK(often.status == 429);
  CHECK(often.retry_after_seconds == 20U);
  CHECK(often.error.code == Code::kRateLimited);
  door.let_in(bob);
  door.clock.advance(19'500'000);
  CHECK(door.kept_out("Bearer " + ann).retry_after_seconds == 1U);
  door.clock.advance(1'100'000);
  const AccessRefusal large = door.kept_out("Bearer " + ann, 1001);
  CHECK(large.status == 413);
  CHECK(large.error.code == Code::kTooLarge);
}

TEST_CASE("Names beyond number do not fill the memory of rate limits", "[access]") {
  RateLimit rates;
  Timestamp now{1'000'000};
  CHECK_FALSE(rates.refuse("busy", 1, now));
  for (size_t i = 0; i < 2 * RateLimit::kMostNames; i++) {
    CHECK_FALSE(rates.refuse("name-" + std::to_string(i), 60, now));
    now.value += 1000;
  }
  // A clock that is set back neither fills nor breaks anything.
  CHECK_FALSE(rates.refuse("late", 1, now));
  CHECK(rates.refuse("late", 1, Timestamp{0}) == 60U);
}

TEST_CASE("What is refused is written down, without tokens, and never without limit", "[access]") {
  Door door;
  const std::string ann = door.create("ann");
  door.open();
  door.kept_out();
  door.kept_out("Bearer " + ann + "x");
  door.access->note_denied({"ann", Role::kReader, {}, false}, "append_events",
                           {Code::kPermissionDenied, "'ann' is a reader \x1b[31m", ""});
  const auto lines = lines_of(door.disk, "/store/denied.ndjson");
  REQUIRE(lines.size() == 3);
  CHECK(lines[0]["status"] == 401);
  CHECK(lines[0]["method"] == "POST");
  CHECK(lines[0]["peer"] == "127.0.0.1");
  CHECK(lines[1]["code"] == "unauthenticated");
  CHECK(lines[2]["tool"] == "append_events");
  CHECK(lines[2]["principal"] == "ann");
  CHECK(lines[2]["reason"] == "'ann' is a reader ?[31m");
  CHECK(door.disk.contents("/store/denied.ndjson").find(ann) == std::string::npos);

  for (int i = 0; i < 1000; i++) door.kept_out();
  door.clock.advance(1'000'000);
  door.kept_out();
  const auto many = lines_of(door.disk, "/store/denied.ndjson");
  CHECK(many.size() == static_cast<size_t>(DeniedLog::kBurst) + 1);
  CHECK(many.back()["not_written_before"] == 1000 - (static_cast<int>(DeniedLog::kBurst) - 3));
}

TEST_CASE("The log of denied calls begins again when it is full, and goes on after a restart", "[access]") {
  SimulatedDisk disk;
  ManualClock clock;
  REQUIRE(disk.create_directories(kDirectory));
  const std::string reason(1000, 'r');
  const auto fill = [&](int lines) {
    DeniedLog log(disk, kDirectory, clock);
    for (int i = 0; i < lines; i++) {
      log.note({401, "unauthenticated", reason, "", reason, reason, reason, ""});
      clock.advance(1'000'000);
    }
  };
  fill(10);
  fill(10);
  CHECK(lines_of(disk, "/store/denied.ndjson").size() == 20);
  fill(3000);
  CHECK(disk.contents("/store/denied.ndjson").size() <= DeniedLog::kFileBytes);
  CHECK(disk.contents("/store/denied.1.ndjson").size() <= DeniedLog::kFileBytes);
  CHECK(disk.contents("/store/denied.1.ndjson").size() > DeniedLog::kFileBytes / 2);

  // Two at once have a file each.
  DeniedLog first(disk, kDirectory, clock);
  DeniedLog second(disk, kDirectory, clock);
  first.note({401, "", "first", "", "", "", "", ""});
  second.note({401, "", "second", "", "", "", "", ""});
  CHECK(disk.contents("/store/denied-2.ndjson").find("second") != std::string::npos);
}

TEST_CASE("Over HTTP, tokens are asked for where they are needed", "[access][threads]") {
  Door door;
  const std::string ann = door.create("ann");
  NewToken little;
  little.max_request_bytes = 20;
  const std::string bob = door.create("bob", little);
  door.open();
  HttpServiceOptions options;
  options.access = door.access.get();
  ServedTools session(options);
  const auto client = session.client();
  const auto with = [](const std::string& token) { return "Authorization: Bearer " + token + "\r\n"; };
  CHECK(client->get("/health").status == 200);
  const HttpReply without = client->get("/v1/tools");
  CHECK(without.status == 401);
  CHECK(without.header("www-authenticate") == "Bearer realm=\"chronos\"");
  CHECK(Json::parse(without.body)["error"]["code"] == "unauthenticated");
  CHECK(client->get("/v1/tools", with(ann)).status == 200);
  CHECK(client->get("/v1/tools", with(ann) + with(ann)).status == 400);
  CHECK(session.client()->get("/v1/tools", with("x" + ann)).status == 401);
  const std::string json = "Content-Type: application/json\r\n";
  CHECK(session.client()->post("/v1/tools/echo", R"({"a":"0123456789"})", json + with(bob)).status == 200);
  CHECK(session.client()->post("/v1/tools/echo", R"({"a":"0123456789abc"})", json + with(bob)).status == 413);
  CHECK(session.client()->post("/v1/tools/echo", R"({"a":"0123456789abc"})", json + with(ann)).status == 200);
  // Chunks do not say at first how many they are.
  const auto chunked = [&](const std::string& path, const std::string& token) {
    const auto sender = session.client();
    sender->send("POST " + path + " HTTP/1.1\r\nHost: localhost\r\n" + json + with(token) +
                 "Accept: application/json, text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" +
                 "d\r\n{\"a\":\"0123456\r\nc\r\n789abcdefg\"}\r\n0\r\n\r\n");
    return sender->receive().status;
  };
  for (const char* path : {"/mcp", "/v1/tools/echo"}) {
    CAPTURE(path);
    CHECK(chunked(path, bob) == 413);
    CHECK(chunked(path, ann) != 413);
  }
}

TEST_CASE("A stream ends when its token is revoked, and that of another goes on", "[access][threads]") {
  ScratchDirectory scratch;  // the server reads the file while the test writes it: no disk of one thread
  ManualClock clock;
  Chance chance{4};
  const auto create = [&](const char* name) {
    NewToken wanted;
    wanted.principal.name = name;
    auto token = create_token(posix_disk(), scratch.path(), clock, chance, wanted);
    REQUIRE(token);
    return *token;
  };
  const std::string ann = create("ann");
  const std::string bob = create("bob");
  auto access = HttpAccess::open({}, {posix_disk(), clock, scratch.path()}, "127.0.0.1");
  REQUIRE(access);
  HttpServiceOptions options;
  options.access = access->get();
  options.limits.comment_after = std::chrono::milliseconds(1);
  ServedTools session(options);
  const std::string accept = "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n";
  const auto listen = [&](const std::string& token) {
    const std::string with = accept + "Authorization: Bearer " + token + "\r\n";
    const HttpReply begun = session.client()->post(
        "/mcp",
        R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},)"
        R"("clientInfo":{"name":"t","version":"1"}}})",
        with);
    auto client = session.client();
    const std::string session_line = "Mcp-Session-Id: " + begun.header("mcp-session-id") + "\r\n";
    client->send(HttpClient::request("GET", "/mcp", "", with + session_line));
    CHECK(client->receive_head().header("content-type") == "text/event-stream");
    return client;
  };
  const auto anns = listen(ann);
  const auto bobs = listen(bob);
  REQUIRE(revoke_token(posix_disk(), scratch.path(), "bob"));
  clock.advance(1'000'000);
  while (bobs->receive_part()) {  // comments, until it ends
  }
  CHECK(anns->receive_part());
  CHECK(session.client()->get("/v1/tools", "Authorization: Bearer " + ann + "\r\n").status == 200);
}

}  // namespace chronos::test
