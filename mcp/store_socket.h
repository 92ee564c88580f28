// The Unix socket `chronos.sock` in the data directory, by which processes find the one that runs the engine.
//
// Only processes of the same user (or root) are let in.  The path may be longer than a socket address holds.
#pragma once

#include <string>

#include "core/result.h"

namespace chronos {

inline constexpr const char* kSocketName = "chronos.sock";

// A listening socket, mode 0600, in place of whatever had its name.
// Requires: the caller has the store's lock, so that nobody else listens there.
Result<int> listen_in(const std::string& directory);

// A connected socket, or -1 when nobody listens.  kPermissionDenied when the socket is another user's.
Result<int> connect_in(const std::string& directory);

// Whether the other end of a connection is the same user's, or root's.
bool is_same_user(int socket);

// No longer to be found.  Requires: as for listen_in.
void remove_socket(const std::string& directory);

}  // namespace chronos
