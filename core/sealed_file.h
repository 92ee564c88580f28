// A file that is written once, from its first byte to its last, and then only read, as memory: sections of bytes, a
// checksum for each 4 KiB, and a footer that says where everything is.  docs/FORMAT.md has the bytes.
//
// Nothing read from it is believed before the checksum of its page was seen to be right: that is done once for each
// page that is touched, so opening costs the same for any size, and reading costs what is read.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/disk.h"
#include "core/result.h"

namespace chronos {

struct Section {
  uint64_t offset = 0;
  uint64_t size = 0;
};

// What a sealed file says of itself: numbers and places whose meaning its owner knows.
struct SealedFooter {
  static constexpr size_t kNumbers = 16;
  static constexpr size_t kSections = 16;
  std::array<uint64_t, kNumbers> numbers{};
  std::array<Section, kSections> sections{};
};

// One thread.  After a failure it is of no use, and the file neither.
class SealedFileWriter {
 public:
  // Creates the file; one that is there already is replaced.
  static Result<std::unique_ptr<SealedFileWriter>> create(Disk& disk, const std::string& path);

  uint64_t size() const { return size_; }
  Result<void> append(std::string_view bytes);
  // Zeros up to a multiple of 8.
  Result<void> align();
  // Appends the checksums and the footer, and returns when all of it is on the disk.  The name is the caller's to sync.
  Result<void> finish(const SealedFooter& footer);

 private:
  explicit SealedFileWriter(std::unique_ptr<File> file);
  // Requires: whole pages, but for the last bytes of the content.
  Result<void> write(std::string_view bytes);
  void add_checksums(std::string_view bytes);

  std::unique_ptr<File> file_;
  std::string buffer_;
  uint64_t size_ = 0;
  uint64_t written_ = 0;
  std::vector<uint32_t> checksums_;  // of the pages written
};

// Any thread.
class SealedFile {
 public:
  static constexpr size_t kPage = 4096;

  // kCorrupt, naming file and byte, when header, footer or checksums are not intact; kInvalidArgument when a newer
  // version wrote it.  Requires: the disk outlives it.
  static Result<std::unique_ptr<SealedFile>> open(Disk& disk, const std::string& path);

  const std::string& path() const { return path_; }
  const SealedFooter& footer() const { return footer_; }
  // Up to the checksums: what read() reads.
  uint64_t content_size() const { return content_size_; }
  uint64_t size() const { return bytes_.size(); }

  // The bytes, seen to be right.  Valid as long as the file.  Throws Damage.
  std::string_view read(uint64_t offset, uint64_t size) const {
    if (offset + size > content_size_ || offset + size < offset) fail(offset, "lies outside of what was written");
    const uint64_t last = size == 0 ? offset / kPage : (offset + size - 1) / kPage;
    for (uint64_t page = offset / kPage; page <= last; page++) {
      if ((seen_[page / 64].load(std::memory_order_relaxed) >> page % 64 & 1) == 0) check_page(page);
    }
    return bytes_.substr(offset, size);
  }
  std::string_view read(const Section& section) const { return read(section.offset, section.size); }
  // Has the processor fetch bytes that will be read soon, while it goes on.  Those that are not there it does not.
  void expect(uint64_t offset, uint64_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) return;
    for (uint64_t done = 0; done < size; done += kCacheLine) __builtin_prefetch(bytes_.data() + offset + done);
  }
  // Copies some bytes without looking at their checksums, the reader having one of its own; and unless the file is
  // held, without bringing the pages they are in into memory.  Throws Damage when they are not there.
  void copy(uint64_t offset, uint64_t size, std::string& to) const;
  // Throws Damage that says so of this byte.
  [[noreturn]] void fail(uint64_t offset, const std::string& what) const;
  uint64_t pages() const { return (content_size_ + kPage - 1) / kPage; }
  // Whether the bytes of a page are right now, seen to be before or not.  Throws Damage.  Requires: page < pages().
  void check_page(uint64_t page) const;
  // Whether all of it may come into memory, piece by piece, which spares copy() a system call.  Not at first.
  void hold(bool is_held) const { is_held_.store(is_held, std::memory_order_relaxed); }
  bool is_held() const { return is_held_.load(std::memory_order_relaxed); }
  // Lets the system take back the memory of what was read.
  void forget() const;
  // How much of it the system may have brought in since forget(), by the 2 MiB that it brings in where it can; what
  // copy() read of a file that is held is not counted.
  uint64_t touched_bytes() const;

 private:
  static constexpr size_t kCacheLine = 64;
  static constexpr uint64_t kBroughtIn = uint64_t{2} << 20;

  SealedFile(std::string path, std::unique_ptr<MappedFile> mapped);
  Result<void> check_frame();

  std::string path_;
  std::unique_ptr<MappedFile> mapped_;
  std::string_view bytes_;
  uint64_t content_size_ = 0;  // what lies before the checksums
  SealedFooter footer_;
  mutable std::atomic<bool> is_held_{false};
  mutable std::vector<std::atomic<uint64_t>> seen_;  // a bit for each page whose checksum was right
};

}  // namespace chronos
