#include "core/manifest.h"

#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "core/log_format.h"
#include "core/varint.h"

namespace chronos {
namespace {

constexpr uint32_t kVersion = 1;
constexpr char kMagic[8] = {'C', 'H', 'R', 'O', 'N', 'M', 'A', 'N'};

struct Header {
  char magic[8];
  uint32_t version;
  uint32_t zero32;
  uint64_t hash;  // of what follows
};
static_assert(sizeof(Header) == 24);

std::string path_of(const std::string& directory) { return directory + "/manifest"; }

Error corrupt(const std::string& path, const std::string& what) {
  return {Code::kCorrupt,
          "'" + path + "' is damaged: " + what +
              "; restore the store from a backup, or save what is intact with chronos salvage",
          {}};
}

std::string encode(const Manifest& manifest) {
  std::string body;
  put_varint(body, manifest.sealed.value);
  put_varint(body, zigzag(manifest.recorded_at.value));
  put_varint(body, manifest.changes_bytes);
  put_varint(body, manifest.segments.size());
  for (const SealedRef& ref : manifest.segments) {
    put_varint(body, ref.fork.value);
    put_varint(body, ref.base.value);
    put_varint(body, ref.events);
  }
  put_varint(body, manifest.gone_requests.size());
  for (const uint64_t hash : manifest.gone_requests) body.append(reinterpret_cast<const char*>(&hash), sizeof hash);
  return body;
}

bool decode(std::string_view body, Manifest& manifest) {
  ByteReader reader(body);
  manifest.sealed = Lsn{reader.number()};
  manifest.recorded_at = Timestamp{unzigzag(reader.number())};
  manifest.changes_bytes = reader.number();
  for (uint64_t left = reader.number(); left > 0 && !reader.bad(); left--) {
    SealedRef ref;
    ref.fork = ForkId{reader.small_number()};
    ref.base = Position{reader.number()};
    ref.events = reader.small_number();
    manifest.segments.push_back(ref);
  }
  for (uint64_t left = reader.number(); left > 0 && !reader.bad(); left--) {
    uint64_t hash = 0;
    const std::string_view bytes = reader.bytes(sizeof hash);
    if (!bytes.empty()) std::memcpy(&hash, bytes.data(), sizeof hash);
    manifest.gone_requests.push_back(hash);
  }
  return reader.finished();
}

}  // namespace

std::string segment_file_name(const SealedRef& ref) {
  std::array<char, 80> name;
  const uint64_t first = ref.base.value + 1;
  const uint64_t last = ref.base.value + ref.events;
  std::snprintf(name.data(), name.size(), "%010" PRIu32 "-%016" PRIu64 "-%016" PRIu64 ".seg", ref.fork.value, first,
                last);
  return name.data();
}

std::optional<SealedRef> parse_segment_file_name(const std::string& name) {
  unsigned fork = 0;
  unsigned long long first = 0;
  unsigned long long last = 0;
  if (std::sscanf(name.c_str(), "%10u-%16llu-%16llu.seg", &fork, &first, &last) != 3) return std::nullopt;
  if (first == 0 || last < first || last - first >= UINT32_MAX) return std::nullopt;
  const SealedRef ref{ForkId{fork}, Position{first - 1}, static_cast<uint32_t>(last - first + 1)};
  return segment_file_name(ref) == name ? std::optional(ref) : std::nullopt;
}

Result<std::optional<Manifest>> read_manifest(Disk& disk, const std::string& directory) {
  const std::string path = path_of(directory);
  const auto there = disk.exists(path);
  if (!there) return there.error();
  if (!*there) return std::optional<Manifest>();
  auto mapped = disk.map(path);
  if (!mapped) return mapped.error();
  const std::string_view bytes = (*mapped)->bytes();
  Header header;
  if (bytes.size() < sizeof header) return corrupt(path, "it ends after " + std::to_string(bytes.size()) + " bytes");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) return corrupt(path, "byte 0 does not begin a manifest");
  const std::string_view body = bytes.substr(sizeof header);
  Manifest manifest;
  const bool is_whole = header.zero32 == 0 && header.hash == hash_bytes(body) && decode(body, manifest);
  if (header.version != kVersion && is_whole)
    return corrupt(path, "byte 8 begins a format version that is not that of its content");
  if (header.version > kVersion) {
    return Error{Code::kInvalidArgument,
                 "'" + path + "' has format version " + std::to_string(header.version) +
                     ", written by a newer version of Chronos than this one, which reads up to " +
                     std::to_string(kVersion) + "; use the newer version",
                 {}};
  }
  if (!is_whole) {
    return corrupt(path, "the checksum at byte 16 is wrong");
  }
  return std::optional(std::move(manifest));
}

Result<void> write_manifest(Disk& disk, const std::string& directory, const Manifest& manifest) {
  const std::string body = encode(manifest);
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kVersion;
  header.hash = hash_bytes(body);
  const std::string fresh = path_of(directory) + ".new";
  const auto there = disk.exists(fresh);
  if (!there) return there.error();
  if (*there) {
    if (auto removed = disk.remove(fresh); !removed) return removed;
  }
  auto file = disk.open(fresh, OpenMode::kCreate);
  if (!file) return file.error();
  const std::string_view parts[] = {{reinterpret_cast<const char*>(&header), sizeof header}, body};
  if (auto written = (*file)->write(0, parts); !written) return written;
  return (*file)->sync();
}

Result<void> publish_manifest(Disk& disk, const std::string& directory) {
  if (auto renamed = disk.rename(path_of(directory) + ".new", path_of(directory)); !renamed) return renamed;
  return disk.sync_directory(directory);
}

}  // namespace chronos
