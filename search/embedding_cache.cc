#include "search/embedding_cache.h"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <utility>

#include "core/check.h"
#include "core/log_format.h"

namespace chronos {
namespace {

constexpr char kMagic[8] = {'C', 'H', 'R', 'O', 'E', 'M', 'B', 'D'};
constexpr uint32_t kVersion = 1;
constexpr uint32_t kMostDimension = 8192;
constexpr uint32_t kMostModel = 4096;

struct FileHead {
  char magic[8];
  uint32_t version;
  uint32_t model_size;  // the name follows, and zeros up to a multiple of 8
  uint64_t hash;        // of the name
};
static_assert(sizeof(FileHead) == 24);

struct RecordHead {
  uint64_t hash;  // of what follows of the record
  uint64_t first;
  uint64_t second;
  uint32_t dimension;
  uint32_t inverse;  // of the dimension: what its place is known by
};
static_assert(sizeof(RecordHead) == 32);

constexpr uint64_t padded(uint64_t size) { return (size + 7) / 8 * 8; }
constexpr uint64_t record_size(uint32_t dimension) {
  return sizeof(RecordHead) + padded(uint64_t{dimension} * sizeof(float));
}

std::string file_name(const std::string& model) {
  std::array<char, 32> name;
  std::snprintf(name.data(), name.size(), "%016" PRIx64 ".embeddings", hash_bytes(model));
  return name.data();
}

std::string encoded(uint64_t first, uint64_t second, std::span<const float> vector) {
  const auto dimension = static_cast<uint32_t>(vector.size());
  RecordHead head{0, first, second, dimension, ~dimension};
  std::string record(record_size(dimension), '\0');
  std::memcpy(record.data(), &head, sizeof head);
  if (!vector.empty()) std::memcpy(record.data() + sizeof head, vector.data(), vector.size_bytes());
  head.hash = hash_bytes(std::string_view(record).substr(sizeof head.hash));
  std::memcpy(record.data(), &head.hash, sizeof head.hash);
  return record;
}

// Whether a whole record begins here.
bool is_record(std::string_view bytes, RecordHead& head) {
  if (bytes.size() < sizeof head) return false;
  std::memcpy(&head, bytes.data(), sizeof head);
  if (head.inverse != ~head.dimension || head.dimension > kMostDimension) return false;
  const uint64_t size = record_size(head.dimension);
  return size <= bytes.size() && hash_bytes(bytes.substr(sizeof head.hash, size - sizeof head.hash)) == head.hash;
}

}  // namespace

EmbeddingCache::EmbeddingCache(Disk& disk, std::string directory, const std::string& model)
    : disk_(disk), directory_(std::move(directory)), path_(directory_ + "/" + file_name(model)), model_(model) {
  CHECK(model.size() <= kMostModel);
}

// Two hashes: of texts that are not equal, one in 2^128 has both the same.  Records of another model are never found.
EmbeddingCache::Key EmbeddingCache::key_of(std::string_view text) const {
  return {hash_bytes(text), hash_bytes(model_ + '\n' + std::string(text))};
}

// Requires: the lock.  Fine, and no file, when there is none and none is to be made.
Result<void> EmbeddingCache::open(bool creates) {
  if (file_ != nullptr) return {};
  auto opened = disk_.open(path_, OpenMode::kReadWrite);
  if (opened) {
    file_ = *std::move(opened);
    auto loaded = load();
    if (!loaded) file_ = nullptr;
    return loaded;
  }
  if (opened.error().code != Code::kNotFound) return opened.error();
  if (!creates) return {};
  if (auto made = disk_.create_directories(directory_); !made) return made;
  auto created = disk_.open(path_, OpenMode::kCreate);
  if (!created) return created.error();
  file_ = *std::move(created);
  auto loaded = load();
  if (loaded) loaded = disk_.sync_directory(directory_);
  if (!loaded) file_ = nullptr;
  return loaded;
}

// Reads the whole file once, a piece at a time.  What is no record is passed over in steps of 8 bytes, and the file
// ends where its last record does.
Result<void> EmbeddingCache::load() {
  places_.clear();
  FileHead head{};
  std::memcpy(head.magic, kMagic, sizeof kMagic);
  head.version = kVersion;
  head.model_size = static_cast<uint32_t>(model_.size());
  head.hash = hash_bytes(model_);
  std::string expected(sizeof head + padded(model_.size()), '\0');
  std::memcpy(expected.data(), &head, sizeof head);
  std::memcpy(expected.data() + sizeof head, model_.data(), model_.size());
  std::string found(expected.size(), '\0');
  auto size = file_->read(0, found.data(), found.size());
  if (!size) return size.error();
  end_ = expected.size();
  if (*size != found.size() || found != expected) {  // new, or damaged there
    const std::array<std::string_view, 1> parts = {expected};
    if (auto written = file_->write(0, parts); !written) return written;
  }
  constexpr size_t kPiece = size_t{1} << 20;  // more than the largest record
  std::string piece(kPiece, '\0');
  uint64_t at = end_;
  for (bool is_last = false; !is_last;) {
    size = file_->read(at, piece.data(), piece.size());
    if (!size) return size.error();
    is_last = *size < piece.size();
    const std::string_view bytes(piece.data(), *size);
    size_t done = 0;
    while (bytes.size() - done >= (is_last ? sizeof(RecordHead) : record_size(kMostDimension))) {
      RecordHead record;
      if (!is_record(bytes.substr(done), record)) {
        done += 8;
        continue;
      }
      places_[{record.first, record.second}] = at + done;
      done += record_size(record.dimension);
      end_ = at + done;
    }
    at += done;
  }
  return file_->truncate(end_);
}

std::optional<std::vector<float>> EmbeddingCache::find(std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (!open(false) || file_ == nullptr) return std::nullopt;
  const auto place = places_.find(key_of(text));
  if (place == places_.end()) return std::nullopt;
  std::string bytes(record_size(kMostDimension), '\0');
  const auto size = file_->read(place->second, bytes.data(), bytes.size());
  RecordHead head;
  if (!size || !is_record(std::string_view(bytes).substr(0, *size), head) ||
      Key{head.first, head.second} != place->first) {
    places_.erase(place);
    return std::nullopt;
  }
  std::vector<float> vector(head.dimension);
  if (!vector.empty()) std::memcpy(vector.data(), bytes.data() + sizeof head, vector.size() * sizeof(float));
  return vector;
}

Result<void> EmbeddingCache::put(std::span<const Made> vectors) {
  const std::lock_guard lock(mutex_);
  if (auto opened = open(true); !opened) return opened;
  std::string records;
  std::vector<std::pair<Key, uint64_t>> places;
  for (const Made& made : vectors) {
    CHECK(made.vector.size() <= kMostDimension);
    const Key key = key_of(made.text);
    places.emplace_back(key, end_ + records.size());
    records += encoded(key.first, key.second, made.vector);
  }
  const std::array<std::string_view, 1> parts = {records};
  auto done = file_->write(end_, parts);
  if (done) done = file_->sync();
  if (!done) {
    file_ = nullptr;  // what of it is there is looked at again
    return done;
  }
  end_ += records.size();
  for (const auto& [key, place] : places) places_[key] = place;
  return {};
}

uint64_t EmbeddingCache::size() const {
  const std::lock_guard lock(mutex_);
  return places_.size();
}

uint64_t EmbeddingCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return end_;
}

}  // namespace chronos
