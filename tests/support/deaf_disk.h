// A disk whose failures are not reported: what stands on it goes on after a failed write or sync, as if errors were
// ignored.  A planted bug: whoever tests durability must find it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/disk.h"

namespace chronos::test {

class DeafDisk : public Disk {
 public:
  explicit DeafDisk(Disk& disk) : disk_(disk) {}

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    auto opened = disk_.open(path, mode);
    if (!opened) return opened.error();
    return std::unique_ptr<File>(std::make_unique<DeafFile>(*std::move(opened)));
  }
  Result<std::unique_ptr<SharedMemory>> share(const std::string& path) override { return disk_.share(path); }
  Result<std::unique_ptr<MappedFile>> map(const std::string& path) override { return disk_.map(path); }
  Result<std::vector<std::string>> list(const std::string& directory) override { return disk_.list(directory); }
  Result<bool> exists(const std::string& path) override { return disk_.exists(path); }
  Result<void> create_directories(const std::string& path) override { return disk_.create_directories(path); }
  Result<void> sync_directory(const std::string& directory) override { return disk_.sync_directory(directory); }
  Result<void> remove(const std::string& path) override { return disk_.remove(path); }
  Result<bool> link(const std::string& from, const std::string& to) override { return disk_.link(from, to); }
  Result<void> rename(const std::string& from, const std::string& to) override { return disk_.rename(from, to); }
  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) override { return disk_.lock(path); }

 protected:
  Disk& disk() { return disk_; }

  class DeafFile : public File {
   public:
    explicit DeafFile(std::unique_ptr<File> file) : file_(std::move(file)) {}
    Result<void> write(uint64_t offset, std::span<const std::string_view> parts) override {
      static_cast<void>(file_->write(offset, parts));
      return {};
    }
    Result<size_t> read(uint64_t offset, char* to, size_t size) override { return file_->read(offset, to, size); }
    Result<void> sync() override {
      static_cast<void>(file_->sync());
      return {};
    }
    Result<void> truncate(uint64_t size) override { return file_->truncate(size); }
    Result<uint64_t> size() override { return file_->size(); }

   private:
    std::unique_ptr<File> file_;
  };

 private:
  Disk& disk_;
};

}  // namespace chronos::test
