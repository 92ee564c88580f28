#include "core/packed_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace chronos {
namespace {

constexpr uint32_t kInBucket = 4;  // entries, about
constexpr size_t kHeader = 8;

uint32_t bucket_of(uint32_t tag, unsigned bits) { return bits == 0 ? 0 : tag >> (32 - bits); }

}  // namespace

std::string pack_table(std::vector<PackedEntry> entries) {
  std::stable_sort(entries.begin(), entries.end(), [](PackedEntry a, PackedEntry b) { return a.tag < b.tag; });
  const auto size = static_cast<uint32_t>(entries.size());
  const auto bits = static_cast<uint32_t>(std::bit_width(size / kInBucket));
  std::vector<uint32_t> head = {bits, size};
  uint32_t next = 0;
  for (uint64_t bucket = 0; bucket <= uint64_t{1} << bits; bucket++) {
    while (next < size && bucket_of(entries[next].tag, bits) < bucket) next++;
    head.push_back(next);
  }
  std::string bytes(reinterpret_cast<const char*>(head.data()), head.size() * sizeof(uint32_t));
  bytes.append(reinterpret_cast<const char*>(entries.data()), entries.size() * sizeof(PackedEntry));
  return bytes;
}

PackedTable::PackedTable(const SealedFile& file, const Section& section) : file_(&file) {
  if (section.size == 0) return;
  const char* const bytes = file.read(section.offset, kHeader).data();
  uint32_t bits;
  std::memcpy(&bits, bytes, sizeof bits);
  std::memcpy(&entries_, bytes + 4, sizeof entries_);
  bits_ = bits;
  begins_at_ = section.offset + kHeader;
  if (bits < 32) entries_at_ = begins_at_ + ((uint64_t{1} << bits) + 1) * 4;
  if (bits >= 32 || entries_at_ + uint64_t{entries_} * sizeof(PackedEntry) != section.offset + section.size) {
    file.fail(section.offset, "begins a table whose size does not fit");
  }
}

PackedEntry PackedTable::operator[](uint32_t i) const {
  PackedEntry entry;
  std::memcpy(&entry, file_->read(entries_at_ + uint64_t{i} * sizeof entry, sizeof entry).data(), sizeof entry);
  return entry;
}

PackedTable::Range PackedTable::bucket(uint32_t tag) const {
  Range range;
  const uint64_t at = begins_at_ + uint64_t{bucket_of(tag, bits_)} * 4;
  std::memcpy(&range, file_->read(at, sizeof range).data(), sizeof range);
  if (range.begin > range.end || range.end > entries_) file_->fail(at, "begins a bucket outside of its table");
  return range;
}

}  // namespace chronos
