// How a segment becomes a file.
//
// Sealing one in memory: a sample of its events teaches a table of shapes and the values that come often, and then, as
// packed blocks, a dictionary; with both every event is packed and each block compressed.  Merging sealed ones: their
// regions are copied as they are, since a block can be read with what its own region says, and only the indexes, and
// where each region finds its names, are made anew.  So an event is compressed once, however often its segment merges.
#include "core/seal.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/damage.h"
#include "core/event_block.h"
#include "core/name_records.h"
#include "core/packed_table.h"

namespace chronos {
namespace {

constexpr size_t kBlockBytes = 384;  // of packed events: a block ends with the one that reaches it
constexpr size_t kBlockEvents = 64;
constexpr uint32_t kShapeSample = 20'000;             // events
constexpr size_t kBlockSample = size_t{1} << 20;      // bytes
constexpr uint64_t kLeastShared = uint64_t{8} << 20;  // bytes of records: then a dictionary is less than a hundredth
constexpr uint64_t kLargeRegion = kLeastShared / 8;   // packed, with a dictionary that was worth it
constexpr double kWorse = 1.04;                       // so much larger, and it is time to learn again
constexpr size_t kDictionaryBytes = size_t{112} << 10;
constexpr uint32_t kMeasuredGroups = 64;
constexpr Index kIndexes[] = {Index::kStreams, Index::kTypes, Index::kTags, Index::kCorrelations, Index::kCausations};

template <typename T>
std::string_view bytes_of(const std::vector<T>& things) {
  return {reinterpret_cast<const char*>(things.data()), things.size() * sizeof(T)};
}

// Names by number, in order of first use.  The names must stay where they are.
class Numbers {
 public:
  uint32_t of(std::string_view name) {
    const auto [place, is_new] = numbers_.try_emplace(name, static_cast<uint32_t>(names_.size()));
    if (is_new) names_.push_back(name);
    return place->second;
  }
  const std::vector<std::string_view>& names() const { return names_; }

 private:
  std::unordered_map<std::string_view, uint32_t> numbers_;
  std::vector<std::string_view> names_;
};

// A region on its way into the file, and what of it must wait until the indexes are there.
struct Region {
  RegionEntry entry{};
  std::string texts;
  std::array<std::vector<std::string_view>, 3> names;  // streams, types, tags
};

// Tells where blocks are, as they are written.
class BlockGroups {
 public:
  uint32_t size() const { return static_cast<uint32_t>(groups_.size()); }
  void begin_region(uint32_t region) {
    region_ = region;
    offset_ = 0;
    is_open_ = false;
  }
  void add(int64_t recorded_at, uint32_t first_local, uint32_t events, size_t bytes) {
    if (!is_open_ || groups_.back().blocks == BlockGroup::kBlocks) begin_group(recorded_at, first_local);
    BlockGroup& group = groups_.back();
    const uint32_t i = group.blocks++;
    offset_ += bytes;
    group.events[i] = static_cast<uint16_t>(first_local + events - group.first_local);
    group.ends[i] = static_cast<uint32_t>(offset_ - group.offset);
    times_[i] = static_cast<uint64_t>(recorded_at - group.recorded_at);
    while (times_[i] >> group.time_shift >= UINT16_MAX) group.time_shift++;
    for (uint32_t k = 0; k <= i; k++) group.times[k] = static_cast<uint16_t>(times_[k] >> group.time_shift);
  }
  // One whose blocks were copied.
  void add(const BlockGroup& group) { groups_.push_back(group); }
  const std::vector<BlockGroup>& groups() const { return groups_; }

 private:
  void begin_group(int64_t recorded_at, uint32_t first_local) {
    BlockGroup& group = groups_.emplace_back();
    std::memset(&group, 0xff, sizeof group);
    group.recorded_at = recorded_at;
    group.offset = offset_;
    group.first_local = first_local;
    group.region = region_;
    group.blocks = 0;
    group.time_shift = 0;
    is_open_ = true;
  }

  std::vector<BlockGroup> groups_;
  std::array<uint64_t, BlockGroup::kBlocks> times_{};  // of the open group, after its recorded_at
  uint64_t offset_ = 0;
  uint32_t region_ = 0;
  bool is_open_ = false;
};

class SegmentFile {
 public:
  SegmentFile(std::unique_ptr<SealedFileWriter> writer, ForkId fork, Position base) : writer_(std::move(writer)) {
    set(SealedNumber::kKind, kSegmentKind);
    set(SealedNumber::kFork, fork.value);
    set(SealedNumber::kBase, base.value);
  }

  SealedFileWriter& writer() { return *writer_; }
  std::vector<Region>& regions() { return regions_; }
  BlockGroups& groups() { return groups_; }
  // One whose names are those of the file, its events counted from `shift`.
  void take_names(const Segment& segment, uint32_t shift) { inputs_.push_back({&segment, shift}); }
  std::vector<PackedEntry>& ids() { return ids_; }
  std::vector<PackedEntry>& requests() { return requests_; }

  // Everything but the blocks, which are there.
  Result<void> finish(uint32_t events, uint64_t batches) {
    // One after the other: the lists of one index are what takes the most memory.
    for (const Index index : kIndexes) {
      NameRecords& names = names_[static_cast<size_t>(index)];
      for (const Input& input : inputs_) names.add(*input.segment, index, input.shift);
      const NameRecords::Packed packed = names.pack(index);
      if (auto put = put_section(table_section(index), packed.table); !put) return put;
      if (auto put = put_section(records_section(index), packed.records); !put) return put;
    }
    if (auto put = put_regions(); !put) return put;
    if (auto put = put_section(SealedSection::kBlocks, bytes_of(groups_.groups())); !put) return put;
    if (auto put = put_section(SealedSection::kIds, pack_table(std::move(ids_))); !put) return put;
    if (auto put = put_section(SealedSection::kRequests, pack_table(std::move(requests_))); !put) return put;
    set(SealedNumber::kEvents, events);
    set(SealedNumber::kBatches, batches);
    set(SealedNumber::kRegions, regions_.size());
    set(SealedNumber::kGroups, groups_.size());
    return writer_->finish(footer_);
  }

 private:
  void set(SealedNumber which, uint64_t value) { footer_.numbers[static_cast<size_t>(which)] = value; }
  Result<void> put_section(SealedSection which, std::string_view bytes) {
    return put_section(static_cast<size_t>(which), bytes);
  }
  Result<void> put_section(size_t which, std::string_view bytes) {
    if (auto done = writer_->align(); !done) return done;
    footer_.sections[which] = {writer_->size(), bytes.size()};
    return writer_->append(bytes);
  }
  Result<void> put_regions() {
    std::vector<RegionEntry> table;
    for (Region& region : regions_) {
      std::vector<uint32_t> offsets;
      for (size_t i = 0; i < region.names.size(); i++) {
        for (const std::string_view name : region.names[i]) offsets.push_back(names_[i].offset(name));
      }
      if (auto done = writer_->align(); !done) return done;
      region.entry.names_at = writer_->size();
      if (auto put = writer_->append(bytes_of(offsets)); !put) return put;
      region.entry.texts_at = writer_->size();
      region.entry.texts_size = region.texts.size();
      if (auto put = writer_->append(region.texts); !put) return put;
      region.entry.streams = static_cast<uint32_t>(region.names[0].size());
      region.entry.types = static_cast<uint32_t>(region.names[1].size());
      region.entry.tags = static_cast<uint32_t>(region.names[2].size());
      table.push_back(region.entry);
    }
    return put_section(SealedSection::kRegions, bytes_of(table));
  }

  struct Input {
    const Segment* segment;
    uint32_t shift;
  };
  std::unique_ptr<SealedFileWriter> writer_;
  std::vector<Input> inputs_;
  SealedFooter footer_;
  std::vector<Region> regions_;
  BlockGroups groups_;
  std::array<NameRecords, std::size(kIndexes)> names_;
  std::vector<PackedEntry> ids_;
  std::vector<PackedEntry> requests_;
};

// Packs the events of a segment in memory as one region.
class RegionWriter {
 public:
  // `known` is used when it is there, and learned anew otherwise.
  RegionWriter(const MemorySegment& segment, SegmentFile& file, std::shared_ptr<Packing> known)
      : segment_(segment),
        file_(file),
        events_(segment.published_events()),
        is_known_(known != nullptr),
        packing_(is_known_ ? std::move(known) : std::make_shared<Packing>()),
        builder_(packing_->shapes) {
    region_.entry.recorded_at = segment.event(0).recorded_at().value;
  }

  Result<void> write() {
    if (!is_known_) learn();
    Compressor compressor(packing_->dictionary);
    region_.entry.blocks_at = file_.writer().size();
    region_.entry.first_group = file_.groups().size();
    file_.groups().begin_region(static_cast<uint32_t>(file_.regions().size()));
    std::string packed;
    event_bytes_ = 0;
    for (uint32_t begin = 0; begin < events_;) {
      const uint32_t end = build_block(begin);
      packed.clear();
      compressor.compress(builder_.bytes(), packed);
      file_.groups().add(segment_.event(begin).recorded_at().value, begin, end - begin, kBlockHead + packed.size());
      if (auto put = file_.writer().append(block_checksum(packed)); !put) return put;
      if (auto put = file_.writer().append(packed); !put) return put;
      begin = end;
    }
    region_.entry.blocks_size = file_.writer().size() - region_.entry.blocks_at;
    region_.texts = packing_->bytes;
    put_varint(region_.texts, actors_.names().size());
    for (const std::string_view actor : actors_.names()) put_text(region_.texts, actor);
    put_text(region_.texts, builder_.long_batches());
    region_.names = {streams_.names(), types_.names(), tags_.names()};
    file_.regions().push_back(std::move(region_));
    return {};
  }
  // What it was written with; null when that does not serve any more: events have changed.
  // The segment it was learned from is no measure: it has all of that by heart.
  std::shared_ptr<Packing> learned(uint64_t blocks_bytes) const {
    if (!is_known_) return packing_;
    const double each = static_cast<double>(blocks_bytes) / static_cast<double>(event_bytes_);
    if (each > kWorse * packing_->smallest) return nullptr;
    packing_->smallest = std::min(packing_->smallest, each);
    return packing_;
  }

 private:
  static void put_text(std::string& to, std::string_view text) {
    put_varint(to, text.size());
    to += text;
  }

  void learn() {
    learn_shapes();
    packing_->dictionary = learn_dictionary();
    put_text(packing_->bytes, packing_->dictionary);
    packing_->bytes += packing_->shapes.to_bytes();
  }

  void learn_shapes() {
    ShapedText shaped;
    const uint32_t step = events_ / kShapeSample + 1;
    for (uint32_t i = 0; i < events_; i += step) {
      const Event event = segment_.event(i);
      take_apart(event.data(), shaped);
      packing_->shapes.learn(shaped);
      if (event.metadata().empty()) continue;
      take_apart(event.metadata(), shaped);
      packing_->shapes.learn(shaped);
    }
    packing_->shapes.settle();
  }

  // From blocks as they will be, taken here and there.
  std::string learn_dictionary() {
    std::vector<std::string> samples;
    size_t bytes = 0;
    const uint32_t wanted = static_cast<uint32_t>(kBlockSample / kBlockBytes);
    const uint32_t step = events_ / wanted + 1;
    for (uint32_t begin = 0; begin < events_ && bytes < kBlockSample;) {
      const uint32_t end = build_block(begin);
      samples.emplace_back(builder_.bytes());
      bytes += samples.back().size();
      begin = std::max(end, begin + step);
    }
    return train_dictionary(samples, kDictionaryBytes);
  }

  // The block that begins with the event; the number behind its last one.
  uint32_t build_block(uint32_t begin) {
    builder_.clear();
    uint32_t local = begin;
    while (local < events_ && builder_.bytes().size() < kBlockBytes && builder_.events() < kBlockEvents) {
      pack(segment_.event(local));
      local++;
    }
    return local;
  }

  void pack(const Event& event) {
    const Commit commit = event.commit();
    packed_.batch.id_seed = commit.head().id_seed;
    packed_.batch.recorded_at = commit.recorded_at().value - region_.entry.recorded_at;
    packed_.batch.actor = actors_.of(commit.actor());
    packed_.batch.events = commit.event_count();
    packed_.batch.durability = commit.durability();
    packed_.batch.request_id = commit.request_id();
    packed_.batch.conditions = commit.conditions();
    event_bytes_ += event.head().size;
    packed_.ordinal = event.head().ordinal;
    packed_.stream = streams_.of(event.stream());
    packed_.version = event.version().value;
    packed_.type = types_.of(event.type());
    packed_.tags.clear();
    event.for_each_tag([this](std::string_view tag) { packed_.tags.push_back(tags_.of(tag)); });
    packed_.valid_at.reset();
    if (event.has_valid_at()) packed_.valid_at = event.valid_at().value - event.recorded_at().value;
    packed_.id = event.client_id();
    packed_.correlation_id = event.correlation_id();
    packed_.causation_id = event.causation_id();
    embedding_.resize(event.embedding_size());
    event.copy_embedding(embedding_.data());
    packed_.embedding = bytes_of(embedding_);
    builder_.add(packed_, event.data(), event.metadata());
  }

  const MemorySegment& segment_;
  SegmentFile& file_;
  const uint32_t events_;
  const bool is_known_;
  const std::shared_ptr<Packing> packing_;
  Region region_;
  BlockBuilder builder_;
  Numbers streams_;
  Numbers types_;
  Numbers tags_;
  Numbers actors_;
  PackedEvent packed_;
  std::vector<float> embedding_;
  uint64_t event_bytes_ = 0;  // of the events packed, as they lie in the log
};

// Where what the clients named, and the first events of batches that requests named, are found.
uint64_t add_ids(const MemorySegment& segment, SegmentFile& file) {
  uint64_t batches = 0;
  for (uint32_t i = 0; i < segment.published_events(); i++) {
    const Event event = segment.event(i);
    if (!event.client_id().empty()) file.ids().push_back({tag_of(hash_bytes(event.client_id())), i});
    if (event.head().ordinal != 0) continue;
    batches++;
    const std::string_view request_id = event.commit().request_id();
    if (!request_id.empty()) file.requests().push_back({tag_of(hash_bytes(request_id)), i});
  }
  return batches;
}

void add_shifted(const PackedTable& table, uint32_t shift, std::vector<PackedEntry>& to) {
  for (uint32_t i = 0; i < table.size(); i++) {
    const PackedEntry entry = table[i];
    to.push_back({entry.tag, entry.number + shift});
  }
}

uint32_t end_of_groups(const SealedSegment& segment, uint32_t region) {
  return region + 1 == segment.regions() ? segment.groups() : segment.region(region + 1).first_group;
}

Result<void> copy_region(const SealedSegment& from, uint32_t number, uint32_t shift, SegmentFile& to) {
  const RegionEntry entry = from.region(number);
  Region region;
  region.entry = entry;
  region.entry.blocks_at = to.writer().size();
  region.entry.first_group = to.groups().size();
  region.entry.first_local += shift;
  const uint32_t end = end_of_groups(from, number);
  std::string block;
  for (uint32_t g = entry.first_group; g < end; g++) {
    BlockGroup group = from.group(g);
    for (uint32_t i = 0; i < group.blocks; i++) {
      from.copy_block(entry, group, i, block);
      if (auto put = to.writer().append(block); !put) return put;
    }
    group.first_local += shift;
    group.region = static_cast<uint32_t>(to.regions().size());
    to.groups().add(group);
  }
  region.texts = from.file().read(entry.texts_at, entry.texts_size);
  const std::array<uint32_t, 3> counts = {entry.streams, entry.types, entry.tags};
  for (size_t i = 0; i < counts.size(); i++) {
    for (uint32_t k = 0; k < counts[i]; k++) {
      const uint32_t offset = from.name_offset(entry, kIndexes[i], k);
      region.names[i].push_back(from.name_record(kIndexes[i], offset).name);
    }
  }
  to.regions().push_back(std::move(region));
  return {};
}

// By the first blocks of some groups all over the region.
double share_of_events(const SealedSegment& segment, uint32_t region) {
  uint64_t block_bytes = 0;
  uint64_t event_bytes = 0;
  const uint32_t begin = segment.region(region).first_group;
  const uint32_t end = end_of_groups(segment, region);
  for (uint32_t i = begin; i < end; i += (end - begin) / kMeasuredGroups + 1) {
    const BlockGroup& group = segment.group(i);
    block_bytes += group.end(0) - group.begin(0);
    for (uint32_t k = group.begin_local(0); k < group.end_local(0); k++) event_bytes += segment.event(k).head().size;
  }
  return event_bytes == 0 ? 0 : static_cast<double>(block_bytes) / static_cast<double>(event_bytes);
}

}  // namespace

std::shared_ptr<Packing> packing_of(const SealedSegment& segment) {
  for (uint32_t i = segment.regions(); i-- > 0;) {
    const RegionEntry region = segment.region(i);
    if (region.blocks_size < kLargeRegion) continue;
    auto packing = Packing::read(ByteReader(segment.file().read(region.texts_at, region.texts_size)));
    if (packing == nullptr) segment.file().fail(region.texts_at, "begins texts of a region that do not fill it");
    packing->smallest = share_of_events(segment, i);
    return packing;
  }
  return nullptr;
}

Result<void> seal_segment(Disk& disk, const std::string& path, ForkId fork, const MemorySegment& segment,
                          std::shared_ptr<Packing>& known) {
  CHECK(segment.published_events() > 0);
  auto writer = SealedFileWriter::create(disk, path);
  if (!writer) return writer.error();
  SegmentFile file(*std::move(writer), fork, segment.base());
  // A small segment is better off with something small of its own.
  const bool is_worth_it = segment.staged_bytes() >= kLeastShared;
  RegionWriter region(segment, file, is_worth_it ? known : nullptr);
  if (auto written = region.write(); !written) return written;
  if (is_worth_it) known = region.learned(file.regions().front().entry.blocks_size);
  file.take_names(segment, 0);
  const uint64_t batches = add_ids(segment, file);
  return file.finish(segment.published_events(), batches);
}

Result<void> merge_segments(Disk& disk, const std::string& path, ForkId fork,
                            std::span<const std::shared_ptr<const SealedSegment>> segments) {
  auto writer = SealedFileWriter::create(disk, path);
  if (!writer) return writer.error();
  SegmentFile file(*std::move(writer), fork, segments.front()->base());
  uint32_t events = 0;
  uint64_t batches = 0;
  try {
    for (const auto& segment : segments) {
      CHECK(segment->base().value == segments.front()->base().value + events);
      for (uint32_t i = 0; i < segment->regions(); i++) {
        if (auto copied = copy_region(*segment, i, events, file); !copied) return copied;
      }
      file.take_names(*segment, events);
      add_shifted(segment->ids(), events, file.ids());
      add_shifted(segment->requests(), events, file.requests());
      events += segment->published_events();
      batches += segment->batches();
      segment->file().forget();
    }
    auto finished = file.finish(events, batches);
    for (const auto& segment : segments) segment->file().forget();
    return finished;
  } catch (const Damage& damage) {
    return damage.error();
  }
}

}  // namespace chronos
