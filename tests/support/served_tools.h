// An HttpService with scripted tools, and clients of it.
#pragma once

#include <memory>
#include <string_view>

#include "core/clock.h"
#include "mcp/dispatcher.h"
#include "mcp/http_service.h"
#include "tests/support/http_client.h"
#include "tests/support/scripted_tools.h"

namespace chronos::test {

// Random numbers that repeat.
class CountingRandom final : public Random {
 public:
  uint64_t next() override { return ++last_ * 0x9e3779b97f4a7c15u; }

 private:
  std::atomic<uint64_t> last_ = 0;
};

class ServedTools {
 public:
  explicit ServedTools(HttpServiceOptions options = {});

  ScriptedBackend& backend() { return backend_; }
  HttpService& service() { return *service_; }
  uint16_t port() const { return service_->port(); }
  std::unique_ptr<HttpClient> client() const { return std::make_unique<HttpClient>(port()); }

 private:
  ScriptedBackend backend_;
  StillClock clock_;
  CountingRandom random_;
  Dispatcher dispatcher_;
  std::unique_ptr<HttpService> service_;
};

}  // namespace chronos::test
