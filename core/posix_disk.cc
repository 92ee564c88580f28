#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <system_error>

#include "core/direct_writer.h"
#include "core/disk.h"

namespace chronos {
namespace {

constexpr mode_t kFileMode = 0600;  // history is its owner's business
constexpr mode_t kDirectoryMode = 0700;

// Requires: errno is still that of the failed call.
Error failure(std::string_view operation, const std::string& path) {
  const int number = errno;
  Error error;
  error.code = number == ENOENT ? Code::kNotFound : Code::kUnavailable;
  error.message = std::string("cannot ").append(operation).append(" '").append(path).append("': ");
  error.message.append(std::generic_category().message(number));
  return error;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

template <typename Call>
auto retried(Call call) {
  while (true) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

Result<size_t> read_from(const Descriptor& descriptor, const std::string& path, uint64_t offset, std::span<char> to) {
  size_t done = 0;
  while (done < to.size()) {
    const ssize_t got = retried([&] {
      return ::pread(descriptor.get(), to.data() + done, to.size() - done, static_cast<off_t>(offset + done));
    });
    if (got < 0) return failure("read", path);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

Descriptor open_descriptor(const std::string& path, int flags) {
  return Descriptor(retried([&] { return ::open(path.c_str(), flags | O_CLOEXEC, kFileMode); }));
}

// When a file was read last is of no use to anybody, and keeping it takes time; but only its owner may leave it out.
Descriptor open_without_times(const std::string& path) {
  Descriptor descriptor = open_descriptor(path, O_RDONLY | O_NOATIME);
  return descriptor || errno != EPERM ? std::move(descriptor) : open_descriptor(path, O_RDONLY);
}

// The parts not yet written, a system call's worth at a time.
class PendingParts {
 public:
  explicit PendingParts(std::span<const std::string_view> parts) : parts_(parts) { skip_written(); }

  bool empty() const { return next_ == parts_.size(); }

  std::span<const iovec> chunk() {
    size_t count = 0;
    size_t skip = done_of_next_;
    for (size_t i = next_; i < parts_.size() && count < chunk_.size(); i++) {
      if (parts_[i].size() > skip) {
        chunk_[count++] = {const_cast<char*>(parts_[i].data() + skip), parts_[i].size() - skip};
      }
      skip = 0;
    }
    return {chunk_.data(), count};
  }

  void written(size_t size) {
    done_of_next_ += size;
    skip_written();
  }

 private:
  void skip_written() {
    while (next_ < parts_.size() && done_of_next_ >= parts_[next_].size()) done_of_next_ -= parts_[next_++].size();
  }

  std::span<const std::string_view> parts_;
  size_t next_ = 0;
  size_t done_of_next_ = 0;
  std::array<iovec, 256> chunk_;
};

// The parts' bytes, in turn.
class PartReader {
 public:
  explicit PartReader(std::span<const std::string_view> parts) : parts_(parts) {}

  // Requires: there are so many left.
  void read(std::span<char> to) {
    while (!to.empty()) {
      const std::string_view left = parts_.front().substr(done_);
      const size_t size = std::min(left.size(), to.size());
      DirectWriter::copy(to.data(), left.substr(0, size));
      to = to.subspan(size);
      done_ += size;
      if (size == left.size()) {
        parts_ = parts_.subspan(1);
        done_ = 0;
      }
    }
  }

 private:
  std::span<const std::string_view> parts_;
  size_t done_ = 0;  // of the first of them
};

// Less goes through the page cache as fast.
constexpr uint64_t kLeastDirect = uint64_t{256} << 10;

class PosixFile final : public File {
 public:
  PosixFile(std::string path, Descriptor descriptor) : path_(std::move(path)), descriptor_(std::move(descriptor)) {}

  Result<void> write(uint64_t offset, std::span<const std::string_view> parts) override {
    PendingParts pending(parts);
    while (!pending.empty()) {
      const auto chunk = pending.chunk();
      const ssize_t written = retried([&] {
        return ::pwritev(descriptor_.get(), chunk.data(), static_cast<int>(chunk.size()), static_cast<off_t>(offset));
      });
      if (written < 0) return failure("write to", path_);
      offset += static_cast<uint64_t>(written);
      pending.written(static_cast<size_t>(written));
    }
    return {};
  }

  Result<void> write_and_sync(uint64_t offset, std::span<const std::string_view> parts) override {
    uint64_t size = 0;
    for (const std::string_view part : parts) size += part.size();
    auto written = size >= kLeastDirect && can_go_direct() ? write_direct(offset, size, parts) : write(offset, parts);
    return written ? sync() : written;
  }

  Result<size_t> read(uint64_t offset, char* to, size_t size) override {
    return read_from(descriptor_, path_, offset, {to, size});
  }

  Result<void> sync() override {
    if (retried([&] { return ::fdatasync(descriptor_.get()); }) < 0) return failure("sync", path_);
    return {};
  }

  Result<void> truncate(uint64_t size) override {
    if (retried([&] { return ::ftruncate(descriptor_.get(), static_cast<off_t>(size)); }) < 0) {
      return failure("truncate", path_);
    }
    return {};
  }

  Result<uint64_t> size() override {
    struct stat status;
    if (::fstat(descriptor_.get(), &status) < 0) return failure("tell the size of", path_);
    return static_cast<uint64_t>(status.st_size);
  }

 private:
  bool can_go_direct() {
    if (!has_tried_direct_) direct_ = DirectWriter::open(descriptor_.get());
    has_tried_direct_ = true;
    return direct_ != nullptr;
  }

  // What is not a whole block of the file, at both ends, goes through the page cache, where the rest of the block is.
  Result<void> write_direct(uint64_t offset, uint64_t size, std::span<const std::string_view> parts) {
    PartReader reader(parts);
    for (const uint64_t end = offset + size; offset < end;) {
      const uint64_t in_block = offset % DirectWriter::kAlignment;
      uint64_t next = std::min<uint64_t>(end - offset, DirectWriter::kMost);
      if (in_block != 0) {
        next = std::min(next, DirectWriter::kAlignment - in_block);
      } else if (next >= DirectWriter::kAlignment) {
        next -= next % DirectWriter::kAlignment;
      }
      const std::span<char> bytes = direct_->memory().first(next);
      reader.read(bytes);
      if (next % DirectWriter::kAlignment != 0 || !direct_->write(offset, next)) {
        const std::string_view part(bytes.data(), bytes.size());
        if (auto written = write(offset, {&part, 1}); !written) return written;
      }
      offset += next;
    }
    return {};
  }

  const std::string path_;
  const Descriptor descriptor_;
  bool has_tried_direct_ = false;
  std::unique_ptr<DirectWriter> direct_;  // null where there is none
};

class PosixSharedMemory final : public SharedMemory {
 public:
  PosixSharedMemory(void* memory, size_t size) : memory_(static_cast<char*>(memory)), size_(size) {}
  ~PosixSharedMemory() override { ::munmap(memory_, size_); }

  std::span<char> bytes() override { return {memory_, size_}; }

 private:
  char* const memory_;
  const size_t size_;
};

class PosixMappedFile final : public MappedFile {
 public:
  PosixMappedFile(Descriptor descriptor, std::string path, void* memory, size_t size)
      : descriptor_(std::move(descriptor)), path_(std::move(path)), memory_(memory), size_(size) {}
  ~PosixMappedFile() override {
    if (size_ > 0) ::munmap(memory_, size_);
  }

  std::string_view bytes() const override { return {static_cast<const char*>(memory_), size_}; }
  Result<size_t> read(uint64_t offset, char* to, size_t size) const override {
    return read_from(descriptor_, path_, offset, {to, size});
  }
  void forget() override {
    if (size_ > 0) static_cast<void>(::madvise(memory_, size_, MADV_DONTNEED));
  }

 private:
  const Descriptor descriptor_;
  const std::string path_;
  void* const memory_;
  const size_t size_;
};

// flock belongs to the open file description: another open conflicts with it in this process too, and the
// system drops it with the last descriptor.
class PosixLock final : public DirectoryLock {
 public:
  explicit PosixLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  const Descriptor descriptor_;
};

std::string parent_of(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string without_trailing_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

class PosixDisk final : public Disk {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    int flags = O_RDONLY;
    if (mode == OpenMode::kReadWrite) flags = O_RDWR;
    if (mode == OpenMode::kCreate) flags = O_RDWR | O_CREAT | O_EXCL;
    Descriptor descriptor = open_descriptor(path, flags);
    if (!descriptor) return failure(mode == OpenMode::kCreate ? "create" : "open", path);
    return std::unique_ptr<File>(std::make_unique<PosixFile>(path, std::move(descriptor)));
  }

  Result<std::unique_ptr<SharedMemory>> share(const std::string& path) override {
    const Descriptor descriptor = open_descriptor(path, O_RDWR);
    struct stat status;
    if (!descriptor || ::fstat(descriptor.get(), &status) < 0) return failure("open", path);
    const auto size = static_cast<size_t>(status.st_size);
    void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor.get(), 0);
    if (memory == MAP_FAILED) return failure("share memory with", path);
    // Pages that leave memory would have to be read again, which can fail where nobody can be told.
    static_cast<void>(::mlock(memory, size));
    return std::unique_ptr<SharedMemory>(std::make_unique<PosixSharedMemory>(memory, size));
  }

  Result<std::unique_ptr<MappedFile>> map(const std::string& path) override {
    Descriptor descriptor = open_without_times(path);
    struct stat status;
    if (!descriptor || ::fstat(descriptor.get(), &status) < 0) return failure("open", path);
    const auto size = static_cast<size_t>(status.st_size);
    if (size == 0) {
      return std::unique_ptr<MappedFile>(std::make_unique<PosixMappedFile>(std::move(descriptor), path, nullptr, 0));
    }
    void* const memory = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor.get(), 0);
    if (memory == MAP_FAILED) return failure("map", path);
    // What is read next is rarely what lies behind.
    static_cast<void>(::madvise(memory, size, MADV_RANDOM));
    return std::unique_ptr<MappedFile>(
        std::make_unique<PosixMappedFile>(std::move(descriptor), path, memory, size));
  }

  Result<std::vector<std::string>> list(const std::string& directory) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), ::closedir);
    if (!stream) return failure("list", directory);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(stream.get())) {
      const std::string name = entry->d_name;
      if (name != "." && name != ".." && !is_directory(directory + "/" + name)) names.push_back(name);
      errno = 0;
    }
    if (errno != 0) return failure("list", directory);
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<bool> exists(const std::string& path) override {
    struct stat status;
    if (::stat(path.c_str(), &status) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return failure("look for", path);
  }

  Result<void> create_directories(const std::string& directory) override {
    const std::string path = without_trailing_slashes(directory);
    if (is_directory(path)) return {};
    const std::string parent = parent_of(path);
    if (parent != path) {
      if (auto made = create_directories(parent); !made) return made;
    }
    if (::mkdir(path.c_str(), kDirectoryMode) < 0 && errno != EEXIST) return failure("create directory", path);
    if (!is_directory(path)) {
      errno = ENOTDIR;
      return failure("create directory", path);
    }
    return sync_directory(parent);
  }

  Result<void> sync_directory(const std::string& directory) override {
    const Descriptor descriptor = open_descriptor(directory, O_RDONLY | O_DIRECTORY);
    if (!descriptor) return failure("open directory", directory);
    if (retried([&] { return ::fsync(descriptor.get()); }) < 0) return failure("sync directory", directory);
    return {};
  }

  Result<void> remove(const std::string& path) override {
    if (::unlink(path.c_str()) < 0) return failure("remove", path);
    return {};
  }

  Result<bool> link(const std::string& from, const std::string& to) override {
    if (::link(from.c_str(), to.c_str()) == 0) return true;
    if (errno == EXDEV || errno == EPERM || errno == EMLINK || errno == EOPNOTSUPP) return false;
    return failure("give the name '" + to + "' to the file", from);
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) < 0) return failure("rename to '" + to + "' the file", from);
    return {};
  }

  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) override {
    Descriptor descriptor = open_descriptor(path, O_RDWR | O_CREAT);
    if (!descriptor) return failure("open lock file", path);
    if (retried([&] { return ::flock(descriptor.get(), LOCK_EX | LOCK_NB); }) < 0) {
      if (errno != EWOULDBLOCK) return failure("lock", path);
      return Error{
          .code = Code::kUnavailable,
          .message = "cannot lock '" + path + "': it is in use by another process, or opened twice by this one",
          .details = R"({"locked":true})"};
    }
    return std::unique_ptr<DirectoryLock>(std::make_unique<PosixLock>(std::move(descriptor)));
  }

 private:
  static bool is_directory(const std::string& path) {
    struct stat status;
    return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
  }
};

}  // namespace

Disk& posix_disk() {
  static PosixDisk disk;
  return disk;
}

}  // namespace chronos
