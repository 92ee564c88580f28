#include "mcp/http_tools.h"

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/served_tools.h"

// Last: its CHECK is the one meant here.
#include "tests/support/catch.h"

namespace chronos {
namespace {

using nlohmann::json;
using test::HttpReply;
using test::ServedTools;

std::string code_of(const HttpReply& reply) { return json::parse(reply.body)["error"]["code"]; }

}  // namespace

TEST_CASE("tools are listed and called without MCP", "[http]") {
  ServedTools session;
  auto client = session.client();
  const json list = json::parse(client->get("/v1/tools").body);
  CHECK(list["tools"].size() == scripted_tools().size());
  CHECK(list["tools"][0]["name"] == "echo");

  const HttpReply echo = client->post("/v1/tools/echo", R"({"a":[1, 2.50]})");
  CHECK(echo.status == 200);
  CHECK(echo.header("content-type") == "application/json");
  CHECK(echo.body == R"({"echo":{"a":[1, 2.50]}})");
  CHECK(client->post("/v1/tools/echo", "").body == R"({"echo":{}})");
  CHECK(client->post("/v1/tools/echo", "{}", "Content-Type: application/json; charset=utf-8\r\n").status == 200);
}

TEST_CASE("a plain call's error has the status of its code", "[http]") {
  ServedTools session;
  auto client = session.client();
  const HttpReply failed = client->post("/v1/tools/fail", "{}");
  CHECK(failed.status == 404);
  CHECK(code_of(failed) == "not_found");
  CHECK(client->post("/v1/tools/nothing", "{}").status == 404);
  CHECK(client->post("/v1/tools/", "{}").status == 404);
  CHECK(client->post("/v1/tools/echo/", "{}").status == 404);
  CHECK(client->post("/v1/tools/..%2fecho", "{}").status == 404);
  CHECK(client->post("/v1/tools/../tools/echo", "{}").status == 404);
  CHECK(client->post("//v1/tools/echo", "{}").status == 404);
  CHECK(client->post("/v1/tools/echo", "{").status == 400);
  CHECK(client->post("/v1/tools/echo", "[]").status == 400);
  CHECK(client->post("/v1/tools/echo", "{\"a\":\"\xff\"}").status == 400);
  CHECK(client->post("/v1/tools/echo", "{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}").status == 413);
  CHECK(client->post("/v1/tools/echo", "{}", "Content-Type: text/plain\r\n").status == 415);
  const HttpReply got = client->get("/v1/tools/echo");
  CHECK(got.status == 405);
  CHECK(got.header("allow") == "POST");
  CHECK(client->get("/v1/tools").status == 200);

  CHECK(http_status(Code::kConflict) == 409);
  CHECK(http_status(Code::kIdReused) == 409);
  CHECK(http_status(Code::kTooLarge) == 413);
  CHECK(http_status(Code::kPermissionDenied) == 403);
  CHECK(http_status(Code::kUnauthenticated) == 401);
  CHECK(http_status(Code::kRateLimited) == 429);
  CHECK(http_status(Code::kUnavailable) == 503);
  CHECK(http_status(Code::kCorrupt) == 500);
}

}  // namespace chronos
