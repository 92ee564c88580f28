// What the commands that move data need of the file system.
#pragma once

#include <string>
#include <string_view>

#include "core/disk.h"
#include "core/result.h"

namespace chronos {

// Everything, however many writes it takes.
Result<void> write_all(int fd, std::string_view text);

// kNotFound unless the directory holds a store: reading should not make one where a name was mistyped.
Result<void> require_store(Disk& disk, const std::string& directory);

// A file that is complete or absent: written under another name, synced, and given its own at the end.  Or standard
// output, as it comes.
class OutputFile {
 public:
  // "-" is standard output.
  static Result<OutputFile> open(const std::string& path);
  OutputFile(OutputFile&& other) noexcept;
  ~OutputFile();

  Result<void> write(std::string_view text) { return write_all(fd_, text); }
  Result<void> finish();

 private:
  OutputFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  std::string path_;  // "" for standard output
  int fd_;
};

}  // namespace chronos
