#include "mcp/http_head.h"

#include <string>

#include "tests/support/catch.h"

namespace chronos {
namespace {

HttpHead good(const std::string& text) {
  HttpHead head;
  REQUIRE(find_head_end(text, 0) == text.size());
  const auto refusal = read_head(text, head);
  if (refusal) FAIL(refusal->message);
  return head;
}

int status_of(const std::string& text) {
  HttpHead head;
  CAPTURE(text);
  const auto refusal = read_head(text, head);
  return refusal ? refusal->status : 200;
}

std::string get_with(const std::string& lines) { return "GET / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n"; }
std::string post_with(const std::string& lines) { return "POST / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n"; }

// Fed byte by byte, then whole, then in two parts: the same every time.
bool is_chunked_body(const std::string& body) {
  const auto feed = [&](size_t part) {
    ChunkCheck check;
    for (size_t at = 0; at < body.size(); at += part) {
      if (check.is_complete() || !check.take(std::string_view(body).substr(at, part))) return false;
    }
    return check.is_complete();
  };
  const bool result = feed(1);
  CHECK(feed(body.size()) == result);
  CHECK(feed(body.size() / 2 + 1) == result);
  return result;
}

}  // namespace

TEST_CASE("a head is taken apart as it was sent", "[http]") {
  const HttpHead head = good(
      "POST /v1/tools/x?a=b%20c&d HTTP/1.1\r\nHost: localhost:80\r\nMcp-Name: \t a%20b \r\nAccept: application/json\r\n"
      "accept: text/event-stream;q=0.5\r\nContent-Length: 12\r\nX-Empty:\r\n\r\n");
  CHECK(head.method == "POST");
  CHECK(head.path == "/v1/tools/x");
  CHECK(head.query == "a=b%20c&d");
  CHECK(head.header("mcp-name") == "a%20b");
  CHECK(head.header("x-empty").empty());
  CHECK(head.find("x-empty") != nullptr);
  CHECK(head.find("x-other") == nullptr);
  CHECK(head.content_length == 12);
  CHECK(head.has_body());
  CHECK(head.keeps_alive);
  CHECK(head.lists("accept", "text/event-stream"));
  CHECK(head.lists("accept", "APPLICATION/json"));
  CHECK(!head.lists("accept", "text/html"));
}

TEST_CASE("the end of a head is found wherever it was cut", "[http]") {
  const std::string text = get_with("X-A: 1\r\n") + "rest";
  const size_t end = text.size() - 4;
  for (size_t cut = 0; cut <= text.size(); cut++) {
    CAPTURE(cut);
    const std::string_view part = std::string_view(text).substr(0, cut);
    CHECK(find_head_end(part, 0) == (cut >= end ? end : 0));
    if (cut >= end) CHECK(find_head_end(part, end - 1) == end);
  }
  CHECK(find_head_end("GET / HTTP/1.1\nHost", 0) == 15);
}

TEST_CASE("the connection goes on as the version and the client say", "[http]") {
  CHECK(good(get_with("")).keeps_alive);
  CHECK(!good(get_with("Connection: close\r\n")).keeps_alive);
  CHECK(!good(get_with("Connection: x, Close\r\n")).keeps_alive);
  CHECK(!good("GET / HTTP/1.0\r\n\r\n").keeps_alive);
  CHECK(good("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keeps_alive);
  CHECK(!good("GET / HTTP/1.0\r\n\r\n").knows_chunks);
}

TEST_CASE("what two readers could read differently is refused", "[http]") {
  CHECK(status_of(post_with("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n")) == 400);
  CHECK(status_of(post_with("Content-Length: 1\r\nContent-Length: 1\r\n")) == 400);
  CHECK(status_of(post_with("Content-Length: 1, 1\r\n")) == 400);
  for (const char* length : {"-1", "+1", "0x10", "1 ", " ", "", "1a", "99999999999999999999", "\x31\x30\x00"}) {
    if (std::string(length) == "1 " || std::string(length) == "10") continue;  // blanks around are no part of it
    CHECK(status_of(post_with("Content-Length: " + std::string(length) + "\r\n")) == 400);
  }
  CHECK(status_of(post_with("Transfer-Encoding: gzip, chunked\r\n")) == 501);
  CHECK(status_of(post_with("Transfer-Encoding: identity\r\n")) == 501);
  CHECK(status_of(post_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")) == 400);
  CHECK(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == 400);
  CHECK(status_of(post_with("")) == 411);
  CHECK(status_of(get_with("Content-Length: 1\r\n")) == 400);
  CHECK(status_of(get_with("Transfer-Encoding: chunked\r\n")) == 400);
  CHECK(status_of(get_with("Content-Length: 0\r\n")) == 200);
  CHECK(status_of(post_with("Content-Length: 1\r\nContent-Encoding: gzip\r\n")) == 415);
  CHECK(status_of(get_with("Expect: a-miracle\r\n")) == 417);
}

TEST_CASE("malformed heads are refused", "[http]") {
  CHECK(status_of("\r\n") == 400);
  CHECK(status_of("GET /\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\nHost: a\n\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\r\nHost : a\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n") == 505);
  CHECK(status_of("GET / FTP\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("G(T / HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of(get_with("X: a\x01b\r\n")) == 400);
  CHECK(status_of(get_with("X: a\x7f\r\n")) == 400);
  CHECK(status_of(get_with(std::string("X: a\0b\r\n", 8))) == 400);
  CHECK(status_of(get_with("X: a\rb\r\n")) == 400);
  CHECK(status_of(get_with("no colon\r\n")) == 400);
  CHECK(status_of(get_with("Authorization: a\r\nAuthorization: b\r\n")) == 400);
  CHECK(status_of("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n") == 414);
  std::string many;
  for (int i = 0; i < 101; i++) many += "X-" + std::to_string(i) + ": 1\r\n";
  CHECK(status_of(get_with(many)) == 431);
}

TEST_CASE("chunks are followed strictly", "[http]") {
  CHECK(is_chunked_body("0\r\n\r\n"));
  CHECK(is_chunked_body("3\r\nabc\r\n0\r\n\r\n"));
  CHECK(is_chunked_body("00a\r\n0123456789\r\nA\r\n0123456789\r\n000\r\n\r\n"));
  for (const char* wrong :
       {"", "\r\n", "3\r\nabc0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n", "0x3\r\nabc\r\n0\r\n\r\n", "-1\r\na\r\n0\r\n\r\n",
        "+3\r\nabc\r\n0\r\n\r\n", " 3\r\nabc\r\n0\r\n\r\n", "3 \r\nabc\r\n0\r\n\r\n", "3;x=y\r\nabc\r\n0\r\n\r\n",
        "3\nabc\n0\n\n", "0\r\nTrailer: x\r\n\r\n", "0000000000003\r\nabc\r\n0\r\n\r\n", "ffffffffffffffff\r\n",
        "3\r\nabc\r\n0\r\n\r", "g\r\n"}) {
    CAPTURE(wrong);
    CHECK(!is_chunked_body(wrong));
  }
}

TEST_CASE("a query is decoded, and must be UTF-8", "[http]") {
  const auto query = read_query("a=b%20c&d&e=%C3%A9+x&&=y&a=2");
  REQUIRE(query);
  CHECK(*query == HttpHeaders{{"a", "b c"}, {"d", ""}, {"e", "\xc3\xa9 x"}, {"", "y"}, {"a", "2"}});
  CHECK(read_query("")->empty());
  CHECK(!read_query("a=%"));
  CHECK(!read_query("a=%2"));
  CHECK(!read_query("a=%zz"));
  CHECK(!read_query("a=%ff"));
}

}  // namespace chronos
