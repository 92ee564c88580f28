#include "tests/support/http_session.h"

namespace chronos::test {

HttpSession::HttpSession(HttpServiceOptions options) : dispatcher_(scripted_tools(), backend_, clock_) {
  auto service = HttpService::start({dispatcher_, scripted_tools(), backend_, clock_, random_}, std::move(options));
  CHECK(service);
  service_ = std::move(*service);
}

}  // namespace chronos::test
