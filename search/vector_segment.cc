#include "search/vector_segment.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "core/check.h"

namespace chronos {
namespace {

constexpr char kMagic[8] = {'C', 'H', 'R', 'O', 'V', 'E', 'C', 'T'};
constexpr uint32_t kVersion = 1;
constexpr size_t kAlignment = 64;

struct Header {
  char magic[8];
  uint32_t version;
  uint32_t events;
  uint64_t base;
  uint64_t groups;
};
static_assert(sizeof(Header) == 32);

struct GroupHead {
  uint32_t dimension;
  uint32_t count;
};
static_assert(sizeof(RowScale) == 8);

constexpr uint64_t padded(uint64_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

// Where the parts of a group begin, and where it ends: events, scales, codes, floats.
struct Places {
  uint64_t events, scales, codes, floats, end;
};
Places places(uint64_t begin, GroupHead head) {
  Places at{};
  const uint64_t count = head.count;
  at.events = begin;
  at.scales = at.events + padded(count * sizeof(uint32_t));
  at.codes = at.scales + padded(count * sizeof(RowScale));
  at.floats = at.codes + padded(count * code_stride(head.dimension));
  at.end = at.floats + padded(count * float_stride(head.dimension) * sizeof(float));
  return at;
}

}  // namespace

// --- reading ---

std::shared_ptr<const VectorSegment> VectorSegment::open(std::string_view bytes, std::shared_ptr<const void> memory) {
  std::shared_ptr<VectorSegment> segment(new VectorSegment(bytes, std::move(memory)));
  return segment->read_layout() ? segment : nullptr;
}

bool VectorSegment::read_layout() {
  if (bytes_.size() < sizeof(Header)) return false;
  Header header;
  std::memcpy(&header, bytes_.data(), sizeof header);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0 || header.version != kVersion) return false;
  if (header.groups > kMostDimension) return false;
  uint64_t at = padded(sizeof header + header.groups * sizeof(GroupHead));
  if (at > bytes_.size()) return false;
  base_ = Position{header.base};
  events_ = header.events;
  uint32_t dimension = 0;
  for (uint64_t i = 0; i < header.groups; i++) {
    GroupHead head;
    std::memcpy(&head, bytes_.data() + sizeof header + i * sizeof head, sizeof head);
    if (head.dimension <= dimension || head.dimension > kMostDimension || head.count > events_) return false;
    dimension = head.dimension;
    const Places in = places(at, head);
    if (in.end > bytes_.size()) return false;
    const char* const from = bytes_.data();
    groups_.push_back({head.dimension, head.count, reinterpret_cast<const uint32_t*>(from + in.events),
                       reinterpret_cast<const RowScale*>(from + in.scales),
                       reinterpret_cast<const int8_t*>(from + in.codes),
                       reinterpret_cast<const float*>(from + in.floats)});
    at = in.end;
  }
  return at == bytes_.size();
}

uint32_t VectorSegment::Group::rows_before(uint32_t cut) const {
  return static_cast<uint32_t>(std::lower_bound(events, events + count, cut) - events);
}

const VectorSegment::Group* VectorSegment::group(uint32_t dimension) const {
  const auto found =
      std::lower_bound(groups_.begin(), groups_.end(), dimension,
                       [](const Group& group, uint32_t wanted) { return group.dimension < wanted; });
  return found != groups_.end() && found->dimension == dimension ? &*found : nullptr;
}

// --- writing ---

namespace {

// Some rows of the segment to be, and by how much their events are to be counted up.
struct Source {
  VectorSegment::Group rows;
  uint32_t shift;
};
// A group of the segment to be.
struct Planned {
  GroupHead head;
  std::vector<Source> sources;
};

// Gives out parts, and zeros between them.
class Emitter {
 public:
  explicit Emitter(const VectorSegmentBuilder::Sink& sink) : sink_(sink) {}

  void put(const void* at, uint64_t size) {
    if (size == 0 || !done_) return;
    done_ = sink_({static_cast<const char*>(at), size});
    size_ += size;
  }
  void pad() {
    static constexpr std::array<char, kAlignment> kZeros{};
    put(kZeros.data(), padded(size_) - size_);
  }
  Result<void> done() const { return done_; }

 private:
  const VectorSegmentBuilder::Sink& sink_;
  uint64_t size_ = 0;
  Result<void> done_;
};

Result<void> emit(Position base, uint32_t events, const std::vector<Planned>& groups,
                  const VectorSegmentBuilder::Sink& sink) {
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kVersion;
  header.events = events;
  header.base = base.value;
  header.groups = groups.size();
  Emitter to(sink);
  to.put(&header, sizeof header);
  for (const Planned& group : groups) to.put(&group.head, sizeof group.head);
  to.pad();
  std::vector<uint32_t> shifted;
  for (const Planned& group : groups) {
    for (const Source& source : group.sources) {
      shifted.assign(source.rows.events, source.rows.events + source.rows.count);
      for (uint32_t& event : shifted) event += source.shift;
      to.put(shifted.data(), shifted.size() * sizeof(uint32_t));
    }
    to.pad();
    for (const Source& source : group.sources) to.put(source.rows.scales, source.rows.count * sizeof(RowScale));
    to.pad();
    const uint64_t dimension = group.head.dimension;
    for (const Source& source : group.sources) to.put(source.rows.codes, source.rows.count * code_stride(dimension));
    to.pad();
    for (const Source& source : group.sources) {
      to.put(source.rows.floats, source.rows.count * float_stride(dimension) * sizeof(float));
    }
    to.pad();
  }
  return to.done();
}

}  // namespace

void VectorSegmentBuilder::add(std::span<const float> vector) {
  CHECK(!vector.empty() && vector.size() <= VectorSegment::kMostDimension);
  const uint32_t event = events_++;
  const size_t floats = float_stride(vector.size());
  const size_t codes = code_stride(vector.size());
  std::vector<float> row(floats);
  if (!to_unit(vector, row.data())) return;
  Rows& rows = groups_[static_cast<uint32_t>(vector.size())];
  rows.events.push_back(event);
  rows.codes.resize(rows.codes.size() + codes);
  rows.scales.push_back(to_codes(row.data(), vector.size(), rows.codes.data() + rows.codes.size() - codes));
  rows.floats.insert(rows.floats.end(), row.begin(), row.end());
}

std::string VectorSegmentBuilder::finish() const {
  std::vector<Planned> groups;
  for (const auto& [dimension, rows] : groups_) {
    const auto count = static_cast<uint32_t>(rows.events.size());
    groups.push_back({{dimension, count},
                      {{{dimension, count, rows.events.data(), rows.scales.data(), rows.codes.data(),
                         rows.floats.data()},
                        0}}});
  }
  std::string bytes;
  CHECK(emit(base_, events_, groups, [&bytes](std::string_view part) -> Result<void> {
    bytes += part;
    return {};
  }));
  return bytes;
}

Result<void> VectorSegmentBuilder::merge(std::span<const std::shared_ptr<const VectorSegment>> segments,
                                         const Sink& sink) {
  CHECK(!segments.empty());
  std::map<uint32_t, Planned> groups;
  uint32_t events = 0;
  for (const auto& segment : segments) {
    CHECK(segment->base().value == segments.front()->base().value + events);
    for (const VectorSegment::Group& rows : segment->groups()) {
      Planned& group = groups[rows.dimension];
      group.head.dimension = rows.dimension;
      group.head.count += rows.count;
      group.sources.push_back({rows, events});
    }
    events += segment->events();
  }
  std::vector<Planned> in_order;
  in_order.reserve(groups.size());
  for (auto& [dimension, group] : groups) in_order.push_back(std::move(group));
  return emit(segments.front()->base(), events, in_order, sink);
}

std::string VectorSegmentBuilder::merge(std::span<const std::shared_ptr<const VectorSegment>> segments) {
  std::string bytes;
  CHECK(merge(segments, [&bytes](std::string_view part) -> Result<void> {
    bytes += part;
    return {};
  }));
  return bytes;
}

std::shared_ptr<const VectorSegment> keep_vectors_in_memory(std::string bytes) {
  const auto memory = std::make_shared<const std::string>(std::move(bytes));
  return VectorSegment::open(*memory, memory);
}

}  // namespace chronos
