#include "mcp/http_tls_client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <utility>

namespace chronos {
namespace {

struct FreeTls {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* connection) const { SSL_free(connection); }
};

class TlsClient : public HttpChannel {
 public:
  TlsClient(int fd, std::unique_ptr<SSL_CTX, FreeTls> context, std::unique_ptr<SSL, FreeTls> connection)
      : HttpChannel(fd), context_(std::move(context)), connection_(std::move(connection)) {}

  bool prepare(SteadyTime until) override {
    return go_on(until, [this] { return SSL_connect(connection_.get()); }) > 0;
  }
  ssize_t read(char* to, size_t size, SteadyTime until) override {
    const int most = static_cast<int>(std::min<size_t>(size, INT_MAX));
    return go_on(until, [&] { return SSL_read(connection_.get(), to, most); });
  }
  bool write(std::string_view bytes, std::chrono::milliseconds stall) override {
    while (!bytes.empty()) {
      const int most = static_cast<int>(std::min<size_t>(bytes.size(), INT_MAX));
      const ssize_t put = go_on(std::chrono::steady_clock::now() + stall,
                                [&] { return SSL_write(connection_.get(), bytes.data(), most); });
      if (put <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(put));
    }
    return true;
  }
  bool has_pending() const override { return SSL_pending(connection_.get()) > 0; }
  void finish() override { SSL_shutdown(connection_.get()); }

 private:
  // Until `step` did something: what it says; 0 at the end, -1 when it failed or time was up.
  template <typename Step>
  int go_on(SteadyTime until, Step step) {
    while (true) {
      ERR_clear_error();
      const int done = step();
      if (done > 0) return done;
      switch (SSL_get_error(connection_.get(), done)) {
        case SSL_ERROR_ZERO_RETURN: return 0;
        case SSL_ERROR_WANT_READ:
          if (!wait(POLLIN, until)) return -1;
          break;
        case SSL_ERROR_WANT_WRITE:
          if (!wait(POLLOUT, until)) return -1;
          break;
        default: return -1;
      }
    }
  }

  const std::unique_ptr<SSL_CTX, FreeTls> context_;
  const std::unique_ptr<SSL, FreeTls> connection_;
};

}  // namespace

std::unique_ptr<HttpChannel> make_tls_client(int fd, const std::string& host) {
  std::unique_ptr<SSL_CTX, FreeTls> context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr || SSL_CTX_set_default_verify_paths(context.get()) != 1 ||
      SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1) {
    ::close(fd);
    return nullptr;
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  std::unique_ptr<SSL, FreeTls> connection(SSL_new(context.get()));
  if (connection == nullptr || SSL_set_fd(connection.get(), fd) != 1 ||
      SSL_set1_host(connection.get(), host.c_str()) != 1 ||
      SSL_set_tlsext_host_name(connection.get(), host.c_str()) != 1) {
    ::close(fd);
    return nullptr;
  }
  return std::make_unique<TlsClient>(fd, std::move(context), std::move(connection));
}

}  // namespace chronos
