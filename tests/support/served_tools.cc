#include "tests/support/served_tools.h"

namespace chronos::test {

ServedTools::ServedTools(HttpServiceOptions options) : dispatcher_(scripted_tools(), backend_, clock_) {
  auto service = HttpService::start({dispatcher_, scripted_tools(), backend_, clock_, random_}, std::move(options));
  CHECK(service);
  service_ = std::move(*service);
}

}  // namespace chronos::test
