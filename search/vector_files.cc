#include "search/vector_files.h"

#include <array>
#include <cinttypes>
#include <cstdio>
#include <utility>

#include "core/damage.h"
#include "core/sealed_file.h"

namespace chronos {
namespace {

constexpr uint64_t kVectorKind = 3;  // of SealedFooter::numbers[0]
constexpr uint64_t kGraphKind = 4;
constexpr std::string_view kVectors = ".vec";
constexpr std::string_view kGraph = ".graph";

std::string file_name(const VectorRun& run, std::string_view suffix) {
  std::array<char, 64> numbers;
  std::snprintf(numbers.data(), numbers.size(), "@%016" PRIu64 "-%016" PRIu64, run.base.value + 1, run.last().value);
  return run.fork + numbers.data() + std::string(suffix);
}

std::optional<VectorRun> parse_file_name(const std::string& name, std::string_view suffix) {
  const size_t at = name.find('@');
  unsigned long long first = 0;
  unsigned long long last = 0;
  if (at == std::string::npos || std::sscanf(name.c_str() + at, "@%16llu-%16llu", &first, &last) != 2) return {};
  if (first == 0 || last < first || last - first >= UINT32_MAX) return {};
  VectorRun run{name.substr(0, at), Position{first - 1}, static_cast<uint32_t>(last - first + 1)};
  return file_name(run, suffix) == name ? std::optional(run) : std::nullopt;
}

// A file of one kind, all of it seen to be right.
struct Opened {
  std::shared_ptr<const SealedFile> file;
  std::string_view bytes;
  std::string_view note;
};
Result<Opened> open_file(Disk& disk, const std::string& path, uint64_t kind) {
  auto opened = SealedFile::open(disk, path);
  if (!opened) return opened.error();
  const std::shared_ptr<const SealedFile> file = *std::move(opened);
  return or_damage([&]() -> Result<Opened> {
    if (file->footer().numbers[0] != kind) {
      return Error{Code::kCorrupt, "'" + path + "' is no file of a vector index of this kind", {}};
    }
    return Opened{file, file->read(file->footer().sections[0]), file->read(file->footer().sections[1])};
  });
}

Error not_right(const std::string& path) { return {Code::kCorrupt, "'" + path + "' does not hold what it should", {}}; }

}  // namespace

std::string VectorFiles::path(const VectorRun& run, std::string_view suffix) const {
  return directory_ + "/" + file_name(run, suffix);
}

std::vector<VectorRun> VectorFiles::list() const {
  std::vector<VectorRun> runs;
  const auto names = disk_.list(directory_);
  if (!names) return runs;
  for (const std::string& name : *names) {
    if (auto run = parse_file_name(name, kVectors)) runs.push_back(*std::move(run));
  }
  return runs;
}

Result<void> VectorFiles::write_file(const std::string& path, uint64_t kind, const std::string& note,
                                     const Emit& emit) {
  if (auto made = disk_.create_directories(directory_); !made) return made;
  auto writer = SealedFileWriter::create(disk_, path);
  if (!writer) return writer.error();
  SealedFooter footer;
  footer.numbers[0] = kind;
  if (auto done = (*writer)->align(); !done) return done;
  footer.sections[0].offset = (*writer)->size();
  if (auto done = emit([&](std::string_view bytes) { return (*writer)->append(bytes); }); !done) return done;
  footer.sections[0].size = (*writer)->size() - footer.sections[0].offset;
  if (auto done = (*writer)->align(); !done) return done;
  footer.sections[1] = {(*writer)->size(), note.size()};
  if (auto done = (*writer)->append(note); !done) return done;
  if (auto done = (*writer)->finish(footer); !done) return done;
  return disk_.sync_directory(directory_);
}

Result<std::shared_ptr<const VectorSegment>> VectorFiles::write(const VectorRun& run, const std::string& note,
                                                                const Emit& emit) {
  const std::string to = path(run, kVectors);
  if (auto written = write_file(to, kVectorKind, note, emit); !written) return written.error();
  auto opened = open_file(disk_, to, kVectorKind);
  if (!opened) return opened.error();
  auto segment = VectorSegment::open(opened->bytes, opened->file);
  if (segment == nullptr) return not_right(to);
  return segment;
}

std::shared_ptr<const VectorSegment> VectorFiles::open(const VectorRun& run, const std::string& note) {
  const auto opened = open_file(disk_, path(run, kVectors), kVectorKind);
  std::shared_ptr<const VectorSegment> segment;
  if (opened && opened->note == note) segment = VectorSegment::open(opened->bytes, opened->file);
  if (segment != nullptr && segment->base() == run.base && segment->events() == run.events) return segment;
  remove(run);
  return nullptr;
}

Result<VectorFiles::Graph> VectorFiles::write_graph(const VectorRun& run, const VectorSegment& segment,
                                                    uint32_t dimension, std::string_view bytes) {
  const std::string note = std::to_string(dimension);
  auto written = write_file(path(run, kGraph), kGraphKind, note, [&](const Sink& sink) { return sink(bytes); });
  if (!written) return written.error();
  return read_graph(run, segment);
}

Result<VectorFiles::Graph> VectorFiles::read_graph(const VectorRun& run, const VectorSegment& segment) {
  const std::string from = path(run, kGraph);
  auto opened = open_file(disk_, from, kGraphKind);
  if (!opened) return opened.error();
  for (const VectorSegment::Group& group : segment.groups()) {
    if (std::to_string(group.dimension) != opened->note) continue;
    Graph read{VectorGraph::open(opened->bytes, group, opened->file), group.dimension};
    if (read.graph != nullptr) return read;
  }
  return not_right(from);
}

VectorFiles::Graph VectorFiles::open_graph(const VectorRun& run, const VectorSegment& segment) {
  const std::string from = path(run, kGraph);
  const auto exists = disk_.exists(from);
  if (!exists || !*exists) return {};
  auto read = read_graph(run, segment);
  if (read) return *read;
  static_cast<void>(disk_.remove(from).has_value());
  return {};
}

void VectorFiles::remove(const VectorRun& run) {
  for (const std::string_view suffix : {kGraph, kVectors}) {
    static_cast<void>(disk_.remove(path(run, suffix)).has_value());
  }
}

void VectorFiles::remove_all() {
  const auto names = disk_.list(directory_);
  if (!names) return;
  for (const std::string& name : *names) {
    if (!parse_file_name(name, kVectors) && !parse_file_name(name, kGraph)) continue;
    static_cast<void>(disk_.remove(directory_ + "/" + name).has_value());
  }
}

}  // namespace chronos
