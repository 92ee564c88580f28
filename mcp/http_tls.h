// Connections inside TLS.
#pragma once

#include <memory>
#include <string>

#include "core/result.h"
#include "mcp/http_channel.h"

namespace chronos {

// Any thread.
class TlsDoor {
 public:
  // PEM files: the certificate with those that vouch for it behind it, and its key.
  static Result<std::unique_ptr<TlsDoor>> open(std::string certificate_file, std::string key_file);
  ~TlsDoor();
  TlsDoor(const TlsDoor&) = delete;
  TlsDoor& operator=(const TlsDoor&) = delete;

  // Takes the socket over.  Files that have changed are read again before, now and then; when they cannot be used, the
  // old ones stay.
  std::unique_ptr<HttpChannel> channel(int fd);

 private:
  class Files;
  explicit TlsDoor(std::unique_ptr<Files> files);
  const std::unique_ptr<Files> files_;
};

}  // namespace chronos
