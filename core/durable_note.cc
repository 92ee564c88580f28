#include "core/durable_note.h"

#include <cstddef>
#include <cstring>
#include <string_view>

#include "core/log_format.h"

namespace chronos {
namespace {

struct DurableNote {
  char magic[8];
  uint64_t lsn;
  uint64_t checksum;  // XXH3-64 of the bytes before it
};
static_assert(sizeof(DurableNote) == 24);

constexpr std::string_view kMagic{"CHRONEND", 8};

uint64_t checksum_of(const DurableNote& note) {
  return hash_bytes({reinterpret_cast<const char*>(&note), offsetof(DurableNote, checksum)});
}

std::string path_in(const std::string& directory) { return directory + "/" + std::string(kDurableNoteName); }

}  // namespace

Result<Lsn> read_durable_note(Disk& disk, const std::string& directory) {
  auto file = disk.open(path_in(directory), OpenMode::kRead);
  if (!file) {
    if (file.error().code == Code::kNotFound) return Lsn{0};
    return file.error();
  }
  DurableNote note{};
  const auto got = (*file)->read(0, reinterpret_cast<char*>(&note), sizeof note);
  if (!got) return got.error();
  const bool is_whole = *got == sizeof note && std::string_view(note.magic, sizeof note.magic) == kMagic &&
                        note.checksum == checksum_of(note);
  return is_whole ? Lsn{note.lsn} : Lsn{0};
}

Result<void> write_durable_note(Disk& disk, const std::string& directory, Lsn durable) {
  const std::string path = path_in(directory);
  auto file = disk.open(path, OpenMode::kReadWrite);
  if (!file && file.error().code == Code::kNotFound) file = disk.open(path, OpenMode::kCreate);
  if (!file) return file.error();
  DurableNote note{};
  std::memcpy(note.magic, kMagic.data(), sizeof note.magic);
  note.lsn = durable.value;
  note.checksum = checksum_of(note);
  const std::string_view bytes(reinterpret_cast<const char*>(&note), sizeof note);
  return (*file)->write(0, {&bytes, 1});
}

}  // namespace chronos
