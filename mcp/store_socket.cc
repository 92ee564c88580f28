#include "mcp/store_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace chronos {
namespace {

Error socket_failure(std::string_view operation, const std::string& directory) {
  const int code = errno;
  return Error{Code::kUnavailable,
               "cannot " + std::string(operation) + " '" + directory + "/" + kSocketName +
                   "': " + std::generic_category().message(code),
               ""};
}

// The socket's address.  A path too long for one is reached through the descriptor of its directory, which
// must stay open while the address is used.
class SocketAddress {
 public:
  explicit SocketAddress(const std::string& directory) {
    address_.sun_family = AF_UNIX;
    std::string path = directory + "/" + kSocketName;
    if (path.size() >= sizeof address_.sun_path) {
      directory_ = ::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
      path = "/proc/self/fd/" + std::to_string(directory_) + "/" + kSocketName;
    }
    std::memcpy(address_.sun_path, path.c_str(), path.size() + 1);
  }
  ~SocketAddress() {
    if (directory_ >= 0) ::close(directory_);
  }
  SocketAddress(const SocketAddress&) = delete;
  SocketAddress& operator=(const SocketAddress&) = delete;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  static socklen_t size() { return sizeof(sockaddr_un); }

 private:
  sockaddr_un address_{};
  int directory_ = -1;
};

}  // namespace

Result<int> listen_in(const std::string& directory) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return socket_failure("make a socket for", directory);
  const SocketAddress address(directory);
  remove_socket(directory);
  // The mode of the socket becomes that of the file: there is no moment in which others could connect.
  if (::fchmod(fd, 0600) < 0 || ::bind(fd, address.get(), SocketAddress::size()) < 0 || ::listen(fd, 128) < 0) {
    const Error error = socket_failure("listen on", directory);
    ::close(fd);
    return error;
  }
  return fd;
}

Result<int> connect_in(const std::string& directory) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return socket_failure("make a socket for", directory);
  const SocketAddress address(directory);
  int connected;
  do {
    connected = ::connect(fd, address.get(), SocketAddress::size());
  } while (connected < 0 && errno == EINTR);
  if (connected == 0 && is_same_user(fd)) return fd;
  const bool is_foreign = connected == 0 || errno == EACCES || errno == EPERM;
  ::close(fd);
  if (!is_foreign) return -1;
  return Error{Code::kPermissionDenied,
               "the store in '" + directory + "' is in use by another user's process; use a directory of your own", ""};
}

bool is_same_user(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return false;
  return peer.uid == ::geteuid() || peer.uid == 0;
}

void remove_socket(const std::string& directory) { ::unlink((directory + "/" + kSocketName).c_str()); }

}  // namespace chronos
