// A certificate for localhost that vouches for itself, and its key, as PEM.
#pragma once

#include <string>

namespace chronos::test {

struct TlsCertificate {
  std::string certificate;
  std::string key;
};
// A new one; `name` is what it is issued to.
TlsCertificate make_certificate(const std::string& name);

}  // namespace chronos::test
