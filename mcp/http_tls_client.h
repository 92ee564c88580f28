// TLS towards a server whose name is known: its certificate must be that name's, by an authority the system trusts.
#pragma once

#include <memory>
#include <string>

#include "mcp/http_channel.h"

namespace chronos {

// Takes over the socket.  Null when the system has no TLS to offer.
std::unique_ptr<HttpChannel> make_tls_client(int fd, const std::string& host);

}  // namespace chronos
