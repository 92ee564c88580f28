#include "mcp/http_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <climits>
#include <filesystem>
#include <mutex>
#include <utility>

#include "core/check.h"

namespace chronos {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct FreeContext {
  void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
};
struct FreeSession {
  void operator()(SSL* session) const { ::SSL_free(session); }
};
using Context = std::shared_ptr<SSL_CTX>;

std::string last_problem() {
  std::array<char, 256> text{};
  ::ERR_error_string_n(::ERR_get_error(), text.data(), text.size());
  ::ERR_clear_error();
  return text.data();
}

Result<Context> load(const std::string& certificate_file, const std::string& key_file) {
  ::ERR_clear_error();
  Context context(::SSL_CTX_new(::TLS_server_method()), FreeContext());
  CHECK(context != nullptr);
  ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  ::SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  ::SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  if (::SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) != 1) {
    return Error{Code::kInvalidArgument, "cannot use '" + certificate_file + "' as a certificate: " + last_problem(),
                 ""};
  }
  if (::SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      ::SSL_CTX_check_private_key(context.get()) != 1) {
    return Error{Code::kInvalidArgument, "cannot use '" + key_file + "' as the key of it: " + last_problem(), ""};
  }
  return context;
}

class TlsChannel final : public HttpChannel {
 public:
  TlsChannel(int fd, Context context)
      : HttpChannel(fd), context_(std::move(context)), session_(::SSL_new(context_.get())) {
    CHECK(session_ != nullptr);
    ::SSL_set_fd(session_.get(), fd);
  }

  bool prepare(SteadyTime until) override {
    return run(until, [this] { return ::SSL_accept(session_.get()); }) > 0;
  }

  ssize_t read(char* to, size_t size, SteadyTime until) override {
    const int most = static_cast<int>(std::min<size_t>(size, INT_MAX));
    return run(until, [&] { return ::SSL_read(session_.get(), to, most); });
  }

  bool write(std::string_view bytes, milliseconds stall) override {
    while (!bytes.empty()) {
      const int most = static_cast<int>(std::min<size_t>(bytes.size(), INT_MAX));
      const int put = run(steady_clock::now() + stall, [&] { return ::SSL_write(session_.get(), bytes.data(), most); });
      if (put <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(put));
    }
    return true;
  }

  bool has_pending() const override {
    const std::lock_guard lock(mutex_);
    return ::SSL_pending(session_.get()) > 0;
  }

  void finish() override {
    {
      const std::lock_guard lock(mutex_);
      ::ERR_clear_error();
      if (!is_broken_) ::SSL_shutdown(session_.get());
    }
    HttpChannel::finish();
  }

 private:
  // Tries until it works; 0 at the end, -1 when it failed or took too long.
  template <typename Step>
  int run(SteadyTime until, const Step& step) {
    while (true) {
      short events = POLLIN;
      {
        const std::lock_guard lock(mutex_);
        if (is_broken_) return -1;
        ::ERR_clear_error();
        const int done = step();
        if (done > 0) return done;
        const int why = ::SSL_get_error(session_.get(), done);
        if (why == SSL_ERROR_ZERO_RETURN) return 0;
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
          is_broken_ = true;  // nothing may be asked of it any more
          return -1;
        }
        if (why == SSL_ERROR_WANT_WRITE) events = POLLOUT;
      }
      if (!wait(events, until)) return -1;
    }
  }

  const Context context_;
  const std::unique_ptr<SSL, FreeSession> session_;
  mutable std::mutex mutex_;  // guards the session, which one thread at a time may use
  bool is_broken_ = false;
};

}  // namespace

class TlsDoor::Files {
 public:
  Files(std::string certificate, std::string key, Context context)
      : certificate_(std::move(certificate)), key_(std::move(key)), context_(std::move(context)), written_(written()) {}

  Context current() {
    constexpr std::chrono::seconds kBetween{1};
    const std::lock_guard lock(mutex_);
    if (steady_clock::now() < next_look_) return context_;
    next_look_ = steady_clock::now() + kBetween;
    const auto now_written = written();
    if (now_written == written_) return context_;
    // Perhaps only one of the two is there yet: then again at the next look.
    if (auto loaded = load(certificate_, key_)) {
      context_ = std::move(*loaded);
      written_ = now_written;
    }
    return context_;
  }

 private:
  using Times = std::pair<std::filesystem::file_time_type, std::filesystem::file_time_type>;
  Times written() const {
    std::error_code ignored;
    const auto certificate = std::filesystem::last_write_time(certificate_, ignored);
    return {certificate, std::filesystem::last_write_time(key_, ignored)};
  }

  const std::string certificate_;
  const std::string key_;
  std::mutex mutex_;  // guards all below
  Context context_;
  Times written_;
  SteadyTime next_look_;
};

TlsDoor::TlsDoor(std::unique_ptr<Files> files) : files_(std::move(files)) {}
TlsDoor::~TlsDoor() = default;

Result<std::unique_ptr<TlsDoor>> TlsDoor::open(std::string certificate_file, std::string key_file) {
  auto context = load(certificate_file, key_file);
  if (!context) return context.error();
  auto files = std::make_unique<Files>(std::move(certificate_file), std::move(key_file), std::move(*context));
  return std::unique_ptr<TlsDoor>(new TlsDoor(std::move(files)));
}

std::unique_ptr<HttpChannel> TlsDoor::channel(int fd) { return std::make_unique<TlsChannel>(fd, files_->current()); }

}  // namespace chronos
