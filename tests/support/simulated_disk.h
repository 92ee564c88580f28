// A disk in memory that loses power, tears writes, fails the Nth operation and fills up, as a seed decides.
//
// It keeps apart what is durable from what only the running system sees: per file the synced bytes and the writes
// and truncations since; per directory the synced names and the creations, removals and renames since.  The same
// seed and the same operations give the same disk.  Any thread may use it; nothing here ever waits.
//
// Shared memory is one write of all its bytes, made when the power goes: torn like others.
//
// Harsher than real disks where they differ among themselves: a file's sync does not save its name; a failed sync
// has lost what it was to save, as page caches do, although a later sync "succeeds".
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/disk.h"

namespace chronos::test {

class SimulatedDisk final : public Disk {
 public:
  // `seed` decides what a failing write leaves behind.
  explicit SimulatedDisk(uint64_t seed = 1);
  ~SimulatedDisk() override;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<std::unique_ptr<SharedMemory>> share(const std::string& path) override;
  Result<std::unique_ptr<MappedFile>> map(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Result<bool> exists(const std::string& path) override;
  Result<void> create_directories(const std::string& directory) override;
  Result<void> sync_directory(const std::string& directory) override;
  Result<void> remove(const std::string& path) override;
  Result<bool> link(const std::string& from, const std::string& to) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) override;

  // --- faults ---
  // Each unsynced write is kept, lost, or torn into 512-byte sectors that are kept one by one; sizes grow without
  // bytes; unsynced names are kept or lost.  Every File and DirectoryLock is dead from now on; faults and planted
  // bugs stay as they are set, except that a pending fail_after is forgotten.
  void power_cut(uint64_t seed);
  // The process dies, the machine does not: like power_cut, but nothing is lost.
  void kill();

  enum class Failing { kOnce, kFromThenOn };
  // The `n`th operation from now fails (1: the next).  A failing write may leave a torn part of its bytes.
  void fail_after(uint64_t n, Failing failing = Failing::kOnce);
  void stop_failing();
  // Whether a fail_after has struck.
  bool has_failed() const;
  // Files may grow by this many bytes in all, then writes fail with "no space left on device".
  void refuse_links(bool refuse);  // as between two devices
  void set_free_bytes(std::optional<uint64_t> bytes);
  // Calls of Disk and File so far, failed ones included.
  uint64_t operation_count() const;

  // --- planted bugs ---
  void ignore_sync(bool ignore);            // File::sync does nothing
  void ignore_directory_sync(bool ignore);  // sync_directory does nothing

  // --- the bytes, behind everybody's back; what is put here is durable ---
  std::map<std::string, std::string> files() const;  // by path, as the running system sees them
  std::string contents(const std::string& path) const;
  void put(const std::string& path, std::string_view bytes);
  void flip_bit(const std::string& path, size_t byte, unsigned bit);
  void cut(const std::string& path, size_t size);
  // Inserts a copy of the `size` bytes at `from` before the byte at `to`.
  struct Region {
    size_t from;
    size_t size;
    size_t to;
  };
  void duplicate(const std::string& path, Region region);

  struct Machine;  // everything that Files and locks share with the disk

 private:
  const std::shared_ptr<Machine> machine_;  // shared with Files and locks, which may outlive the disk
};

}  // namespace chronos::test
