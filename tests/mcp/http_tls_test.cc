#include "mcp/http_tls.h"

#include <memory>
#include <string>

#include "mcp/http_server.h"
#include "tests/support/http_client.h"
#include "tests/support/http_tls_client.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/tls_certificate.h"

// Last: its CHECK is the one meant here.
#include "tests/support/catch.h"

namespace chronos {
namespace {

using test::make_certificate;
using test::post_inside_tls;

// Answers each request with its body, inside TLS.
class TlsEcho {
 public:
  explicit TlsEcho(HttpLimits limits = {}) {
    write_files(make_certificate("localhost"));
    auto door = open();
    REQUIRE(door);
    door_ = std::move(*door);
    HttpServer::Options options;
    options.limits = limits;
    options.make_channel = [this](int fd) { return door_->channel(fd); };
    auto server = HttpServer::start(std::move(options), [](HttpExchange& exchange) {
      if (auto body = exchange.read_body(size_t{10} << 20)) exchange.answer_json(200, std::move(*body));
    });
    REQUIRE(server);
    server_ = std::move(*server);
  }

  uint16_t port() const { return server_->port(); }
  void write_files(const test::TlsCertificate& made) const {
    directory_.write("cert.pem", made.certificate);
    directory_.write("key.pem", made.key);
  }
  Result<std::unique_ptr<TlsDoor>> open() const {
    return TlsDoor::open(directory_.path("cert.pem"), directory_.path("key.pem"));
  }

 private:
  test::ScratchDirectory directory_;
  std::unique_ptr<TlsDoor> door_;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace

TEST_CASE("calls inside TLS are answered, many on one connection, large ones too", "[http][threads]") {
  const TlsEcho served;
  CHECK(post_inside_tls(served.port(), "/", "{}", 20) == "{}");
  const std::string large(3'000'000, 'x');
  CHECK(post_inside_tls(served.port(), "/", large) == large);
}

TEST_CASE("who does not speak TLS, or too slowly, is let go", "[http][threads]") {
  const TlsEcho served;
  test::HttpClient plain(served.port());
  plain.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(plain.receive().status == 0);
  CHECK(post_inside_tls(served.port(), "/", "{}") == "{}");
  const TlsEcho hasty({.head_time = std::chrono::milliseconds(50)});
  test::HttpClient slow(hasty.port());
  slow.send(std::string("\x16\x03\x01", 3));
  CHECK(slow.receive().status == 0);
}

TEST_CASE("certificates that cannot be used are refused", "[http]") {
  const TlsEcho served;
  CHECK(served.open());
  served.write_files({make_certificate("localhost").certificate, make_certificate("other").key});
  CHECK(!served.open());
  served.write_files({"", ""});
  CHECK(!served.open());
}

}  // namespace chronos
