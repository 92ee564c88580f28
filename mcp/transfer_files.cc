#include "mcp/transfer_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace chronos {
namespace {

Error failure(std::string_view operation, const std::string& path) {
  const int code = errno;
  const std::string name = path.empty() ? "standard output" : "'" + path + "'";
  return Error{Code::kUnavailable,
               "cannot " + std::string(operation) + " " + name + ": " + std::generic_category().message(code), ""};
}

std::string unfinished(const std::string& path) { return path + ".part"; }

}  // namespace

Result<void> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      return Error{Code::kUnavailable, "cannot write the output: " + std::generic_category().message(errno), ""};
    }
    text.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

Result<void> require_store(Disk& disk, const std::string& directory) {
  auto exists = disk.exists(directory + "/log");
  if (!exists) return exists.error();
  if (*exists) return {};
  return Error{Code::kNotFound, "there is no store in '" + directory + "'; name its directory by --data DIR", ""};
}

Result<OutputFile> OutputFile::open(const std::string& path) {
  if (path == "-") return OutputFile("", STDOUT_FILENO);
  const int fd = ::open(unfinished(path).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return failure("create", unfinished(path));
  return OutputFile(path, fd);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::exchange(other.path_, "")), fd_(std::exchange(other.fd_, -1)) {}

OutputFile::~OutputFile() {
  if (path_.empty()) return;
  ::close(fd_);
  ::unlink(unfinished(path_).c_str());
}

Result<void> OutputFile::finish() {
  if (path_.empty()) return {};
  if (::fsync(fd_) < 0) return failure("sync", unfinished(path_));
  if (std::rename(unfinished(path_).c_str(), path_.c_str()) < 0) return failure("rename to", path_);
  ::close(std::exchange(fd_, -1));
  path_.clear();
  return {};
}

}  // namespace chronos
