// Everything the store asks of a file system, so that the simulator can stand in for it: cut the power,
// tear writes, fail the Nth operation.
//
// Two implementations: posix_disk() (core/posix_disk.cc) and SimulatedDisk (tests/support/simulated_disk.h).
// Failures carry the operation, the path and the system's reason; Code is kUnavailable unless said otherwise.
// A Disk may be used from any thread; a File from one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace chronos {

class File {
 public:
  virtual ~File() = default;
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // Writes the parts one after the other from `offset` on, growing the file as needed.  On failure any prefix,
  // or torn piece, of them may be in the file.
  virtual Result<void> write(uint64_t offset, std::span<const std::string_view> parts) = 0;
  // Reads up to `size` bytes; fewer only at the end of the file.
  virtual Result<size_t> read(uint64_t offset, char* to, size_t size) = 0;
  // Returns after everything written so far, and the file's size, survive a power cut.
  virtual Result<void> sync() = 0;
  // The same as write and then sync; much of it may be faster so.
  virtual Result<void> write_and_sync(uint64_t offset, std::span<const std::string_view> parts) {
    if (auto written = write(offset, parts); !written) return written;
    return sync();
  }
  virtual Result<void> truncate(uint64_t size) = 0;
  virtual Result<uint64_t> size() = 0;
};

// The bytes of a file as memory.  What is written to it is what the file holds, for everybody, at once, and survives
// the death of the process; a power cut may leave any older bytes in place of any of them.
class SharedMemory {
 public:
  virtual ~SharedMemory() = default;
  virtual std::span<char> bytes() = 0;
};

// The bytes of a file that nobody writes any more, as memory.  Any thread.
class MappedFile {
 public:
  virtual ~MappedFile() = default;
  // Valid as long as the object.
  virtual std::string_view bytes() const = 0;
  // Copies some of them without bringing them into this process's memory; fewer only at the end of the file.
  virtual Result<size_t> read(uint64_t offset, char* to, size_t size) const = 0;
  // Lets the system take back the memory; it is brought in again when it is read again.
  virtual void forget() = 0;
};

// Held as long as the object lives; released by the system when the process dies, however it dies.
class DirectoryLock {
 public:
  virtual ~DirectoryLock() = default;
};

enum class OpenMode {
  kRead,       // must exist
  kReadWrite,  // must exist
  kCreate,     // must not exist; its name survives a power cut only after sync_directory
};

class Disk {
 public:
  virtual ~Disk() = default;

  // kNotFound when the mode asks for a file that is not there.
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  // The whole file, which must exist, have its bytes on the disk and keep its size.
  virtual Result<std::unique_ptr<SharedMemory>> share(const std::string& path) = 0;
  // The whole file, as it is now.  It may be removed while it is mapped.
  virtual Result<std::unique_ptr<MappedFile>> map(const std::string& path) = 0;
  // File names (not paths) in the directory, sorted; kNotFound when there is no such directory.
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
  virtual Result<bool> exists(const std::string& path) = 0;
  // With all parents, each made to survive a power cut.
  virtual Result<void> create_directories(const std::string& directory) = 0;
  // Returns after creations, removals and renames in the directory survive a power cut.
  virtual Result<void> sync_directory(const std::string& directory) = 0;
  virtual Result<void> remove(const std::string& path) = 0;
  // A second name, which must be free, for a file that nobody writes any more.  False where that cannot be: on another
  // device, or where files have one name.
  virtual Result<bool> link(const std::string& from, const std::string& to) = 0;
  // Atomically replaces `to`.
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  // Takes the exclusive lock of the file at `path`, created if absent, without waiting: kUnavailable
  // with the details {"locked":true} when another process, or another open in this one, holds it.
  virtual Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) = 0;
};

// The machine's file system.
Disk& posix_disk();

}  // namespace chronos
