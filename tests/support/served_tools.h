// An HttpService with scripted tools, and clients of it.
#pragma once

#include <memory>
#include <string_view>

#include "mcp/http_service.h"
#include "tests/support/http_client.h"
#include "tests/support/scripted_tools.h"

namespace chronos::test {

class ServedTools {
 public:
  explicit ServedTools(HttpServiceOptions options = {});

  ScriptedBackend& backend() { return backend_; }
  HttpService& service() { return *service_; }
  uint16_t port() const { return service_->port(); }
  std::unique_ptr<HttpClient> client() const { return std::make_unique<HttpClient>(port()); }

 private:
  ScriptedBackend backend_;
  ScriptedServer server_parts_{backend_};
  std::unique_ptr<HttpService> service_;
};

}  // namespace chronos::test
