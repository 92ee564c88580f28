// Vectors that were made once, by the text they were made of, in a file: what was paid for is not paid for again, when
// the process ends, the index is made anew, or another fork says the same.
//
// Appended to, and never changed; what was put is kept when put() returned.  A record that is damaged is as if it had
// not been there.  docs/FORMAT.md has the bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/disk.h"
#include "core/result.h"

namespace chronos {

// Any thread.
class EmbeddingCache {
 public:
  // The file for one model, in a directory that is made if it is not there.  Its place is made by put().
  // Requires: the disk outlives it.
  EmbeddingCache(Disk& disk, std::string directory, const std::string& model);

  // An empty vector is one that the model had none for.  Nothing when it is not known, or cannot be read now.
  std::optional<std::vector<float>> find(std::string_view text);
  struct Made {
    std::string_view text;
    std::span<const float> vector;
  };
  Result<void> put(std::span<const Made> vectors);

  uint64_t size() const;   // vectors
  uint64_t bytes() const;  // of the file

 private:
  struct Key {
    uint64_t first;
    uint64_t second;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const { return key.first; }
  };
  Key key_of(std::string_view text) const;
  Result<void> open(bool creates);
  Result<void> load();

  Disk& disk_;
  const std::string directory_;
  const std::string path_;
  const std::string model_;
  mutable std::mutex mutex_;  // guards what follows
  std::unique_ptr<File> file_;
  std::unordered_map<Key, uint64_t, KeyHash> places_;  // where the vector begins
  uint64_t end_ = 0;
};

}  // namespace chronos
