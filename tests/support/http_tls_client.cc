#include "tests/support/http_tls_client.h"

#include <httplib.h>

namespace chronos::test {

std::string post_inside_tls(uint16_t port, const std::string& path, const std::string& body, int times) {
  httplib::SSLClient client("127.0.0.1", port);
  client.enable_server_certificate_verification(false);
  client.set_keep_alive(true);
  client.set_read_timeout(60, 0);
  std::string answer;
  for (int i = 0; i < times; i++) {
    const auto result = client.Post(path.c_str(), httplib::Headers{}, body, "application/json");
    if (!result || result->status != 200) return "";
    answer = result->body;
  }
  return answer;
}

}  // namespace chronos::test
