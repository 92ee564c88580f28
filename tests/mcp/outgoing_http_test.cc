// Posting to endpoints that answer well, badly, slowly, too much and not at all.
#include "mcp/outgoing_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <string>
#include <thread>

#include "tests/support/catch.h"

namespace chronos::test {
namespace {

// Takes one connection, reads a request, and does what it is told with the socket.
class OneAnswer {
 public:
  using Answer = std::function<void(int fd)>;
  explicit OneAnswer(Answer answer) : listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listening_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listening_, 4) == 0);
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/v1/embeddings";
    thread_ = std::thread([this, answer = std::move(answer)] {
      const int fd = ::accept(listening_, nullptr, nullptr);
      if (fd < 0) return;
      std::array<char, 4096> buffer;
      while (request.find("\r\n\r\n{}") == std::string::npos) {
        const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (got <= 0) break;
        request.append(buffer.data(), static_cast<size_t>(got));
      }
      answer(fd);
      ::close(fd);
    });
  }
  ~OneAnswer() { end(); }
  // Then request can be looked at.
  void end() {
    if (!thread_.joinable()) return;
    ::shutdown(listening_, SHUT_RDWR);
    thread_.join();
    ::close(listening_);
  }

  std::string url;
  std::string request;

 private:
  const int listening_;
  std::thread thread_;
};

void say(int fd, const std::string& text) { static_cast<void>(::send(fd, text.data(), text.size(), MSG_NOSIGNAL)); }

Result<HttpResponse> post(const std::string& url, const std::stop_token& stop = {},
                          std::chrono::milliseconds timeout = std::chrono::seconds(60)) {
  HttpRequest request;
  request.url = url;
  request.headers = {{"Authorization", "Bearer x"}};
  request.body = "{}";
  request.timeout = timeout;
  request.max_response_bytes = 1000;
  return OutgoingHttp().post(request, stop);
}

Result<HttpResponse> answered(const std::string& text) {
  OneAnswer endpoint([&text](int fd) { say(fd, text); });
  return post(endpoint.url);
}

std::string problem(const Result<HttpResponse>& response) {
  REQUIRE_FALSE(response);
  CHECK(response.error().code == Code::kUnavailable);
  return response.error().message;
}

// Until the other end has gone.
void wait_for_end(int fd) {
  std::array<char, 64> buffer;
  while (::recv(fd, buffer.data(), buffer.size(), 0) > 0) {
  }
}

}  // namespace

TEST_CASE("a reply is read in every framing", "[embedder][http][threads]") {
  OneAnswer endpoint([](int fd) { say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more"); });
  const auto response = post(endpoint.url);
  REQUIRE(response);
  CHECK(response->status == 200);
  CHECK(response->body == "hello");
  endpoint.end();
  CHECK(endpoint.request.starts_with("POST /v1/embeddings HTTP/1.1\r\nHost: 127.0.0.1:"));
  CHECK(endpoint.request.find("\r\nAuthorization: Bearer x\r\n") != std::string::npos);
  CHECK(endpoint.request.ends_with("\r\nContent-Length: 2\r\n\r\n{}"));

  CHECK(answered("HTTP/1.0 200 OK\r\n\r\nto the end")->body == "to the end");
  CHECK(answered("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n4\r\nwiki\r\n6\r\npedia.\r\n0\r\n\r\n")->body ==
        "wikipedia.");
  CHECK(answered("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n")->status == 204);
  const auto busy = answered("HTTP/1.1 429 Too Many\r\nretry-after:  7\r\nContent-Length: 2\r\n\r\nno");
  REQUIRE(busy);
  CHECK(busy->status == 429);
  CHECK(busy->retry_after == std::chrono::seconds(7));
}

TEST_CASE("what is no reply is told apart", "[embedder][http][threads]") {
  CHECK(problem(answered("")).find("closed the connection") != std::string::npos);
  CHECK(problem(answered("SSH-2.0-OpenSSH\r\n\r\n")).find("does not speak HTTP") != std::string::npos);
  CHECK(problem(answered("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n")).find("HTTP") != std::string::npos);
  CHECK(problem(answered("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut")).find("closed") != std::string::npos);
  CHECK(problem(answered("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")).find("chunks") !=
        std::string::npos);
  CHECK(problem(answered("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n")).find("more than 1000") !=
        std::string::npos);
  CHECK(problem(answered("HTTP/1.1 200 OK\r\n\r\n" + std::string(5000, 'x'))).find("more than 1000") !=
        std::string::npos);
  CHECK(problem(answered("HTTP/1.1 200 OK\r\nX: " + std::string(200'000, 'x'))).find("head is too long") !=
        std::string::npos);
}

TEST_CASE("an endpoint that never answers, or slowly, is given up in time", "[embedder][http][threads]") {
  const std::chrono::milliseconds soon(100);
  OneAnswer silent(wait_for_end);
  CHECK(problem(post(silent.url, {}, soon)).find("time was up") != std::string::npos);
  OneAnswer slow([](int fd) {
    say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nx");
    wait_for_end(fd);
  });
  CHECK(problem(post(slow.url, {}, soon)).find("time was up") != std::string::npos);
}

TEST_CASE("a stop ends a request at once", "[embedder][http][threads]") {
  std::stop_source stop;
  OneAnswer endpoint([&stop](int fd) {
    stop.request_stop();
    wait_for_end(fd);
  });
  CHECK(problem(post(endpoint.url, stop.get_token())).find("stopped") != std::string::npos);
}

TEST_CASE("nobody there, and what is no URL", "[embedder][http][threads]") {
  std::string url;
  {
    OneAnswer gone([](int) {});
    url = gone.url;
  }
  CHECK(problem(post(url)).find("gave no answer") != std::string::npos);
  for (const std::string wrong : {"", "localhost:80", "ftp://x/", "http://", "http://a b/", "http://x:99999/",
                                  "http://user@x/", "http://x/\r\nHost: y"}) {
    const auto parsed = parse_http_url(wrong);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Code::kInvalidArgument);
  }
  const auto parsed = parse_http_url("https://[::1]:8443/v1/embeddings?x=1#part");
  REQUIRE(parsed);
  CHECK(parsed->is_secure);
  CHECK(parsed->host == "::1");
  CHECK(parsed->port == "8443");
  CHECK(parsed->authority == "[::1]:8443");
  CHECK(parsed->target == "/v1/embeddings?x=1");
  CHECK(parse_http_url("http://ollama")->port == "80");
  CHECK(parse_http_url("http://ollama")->target == "/");
}

}  // namespace chronos::test
