#include "tests/support/served_tools.h"

namespace chronos::test {

ServedTools::ServedTools(HttpServiceOptions options) {
  ScriptedServer& parts = server_parts_;
  auto service = HttpService::start({parts.dispatcher, scripted_tools(), backend_, parts.clock, parts.random},
                                    std::move(options));
  CHECK(service);
  service_ = std::move(*service);
}

}  // namespace chronos::test
