// A client of HTTP inside TLS that is not our own work (cpp-httplib's).  It believes any certificate.
#pragma once

#include <cstdint>
#include <string>

namespace chronos::test {

// The body of the answer to a POST of `body`, which must be 200; "" otherwise.
std::string post_inside_tls(uint16_t port, const std::string& path, const std::string& body, int times = 1);

}  // namespace chronos::test
