// How an event is found in a sealed segment, and what it costs.
//
//   local --> block table (binary search) --> block --> decompress --> step to the event --> lay it out as in the log
//
// A block is about a KiB of packed events, so that one event is read in a few microseconds; what makes such small
// blocks small is what they share with all others of their region: the dictionary, the shapes of the JSON, the numbers
// of the names.  Each thread keeps the block it read last, and how far it has come in it, so that reading on costs a
// step.
//
// Streams, types, tags and ids are found by a table of hashes, whose entries say where the name's record lies; the
// record has the name, to be compared, and the list of its events.  Nothing is loaded when a segment is opened; a
// region's dictionary and shapes are, when the first of its blocks is read.
#include "core/sealed_segment.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "core/check.h"
#include "core/damage.h"
#include "core/varint.h"

namespace chronos {
namespace {

std::atomic<uint64_t> next_serial{1};

constexpr Index kIndexes[] = {Index::kStreams, Index::kTypes, Index::kTags, Index::kCorrelations, Index::kCausations};
// What is sure to be there of a name's record, if it is one: a name of at most 256 bytes and four numbers.
constexpr uint64_t kRecordHead = 300;

std::string_view bytes_of(const uint32_t& key) { return {reinterpret_cast<const char*>(&key), sizeof key}; }

// Without its list, which may be long, and elsewhere in memory.
std::string_view name_at(const SealedFile& file, Index index, uint64_t offset) {
  const Section& records = file.footer().sections[records_section(index)];
  if (offset >= records.size) file.fail(records.offset, "begins names, one of which lies outside");
  const uint64_t at = records.offset + offset;
  ByteReader reader(file.read(at, std::min(kRecordHead, records.size - offset)));
  const std::string_view name = reader.text();
  if (reader.bad()) file.fail(at, "begins a name's record that does not fit");
  return name;
}

template <typename T>
T read_at(const SealedFile& file, uint64_t at) {
  T thing;
  std::memcpy(&thing, file.read(at, sizeof thing).data(), sizeof thing);
  return thing;
}

}  // namespace

struct SealedSegment::Cursor {
  uint64_t serial = 0;
  Place place;
  uint32_t region_number = 0;     // of the block
  RegionEntry region{};
  uint32_t end = 0;               // the number behind the block's last event
  uint32_t next = 0;              // the event that the reader takes next
  uint32_t current = UINT32_MAX;  // the one that `event` is
  std::string packed;
  std::string bytes;
  std::optional<BlockReader> reader;
  // The one that was looked for.
  PackedEvent event;
  uint32_t stream_at = 0;  // its name's record
  std::string data;
  std::string metadata;
  std::vector<std::string_view> tags;
  RebuiltBatch batch;
};

SealedSegment::SealedSegment(std::unique_ptr<SealedFile> file, std::string fork_name, ForkId fork,
                             std::shared_ptr<Unpackings> unpackings)
    : Segment(std::move(fork_name), Position{file->footer().numbers[static_cast<size_t>(SealedNumber::kBase)]}),
      file_(std::move(file)),
      unpackings_(std::move(unpackings)),
      fork_(fork),
      serial_(next_serial.fetch_add(1)),
      events_(static_cast<uint32_t>(number(SealedNumber::kEvents))),
      ids_(*file_, section(static_cast<size_t>(SealedSection::kIds))),
      requests_(*file_, section(static_cast<size_t>(SealedSection::kRequests))),
      texts_(regions()),
      made_texts_(regions()) {
  for (const Index index : kIndexes) names_.emplace_back(*file_, section(table_section(index)));
  if (number(SealedNumber::kKind) != kSegmentKind || number(SealedNumber::kFork) != fork.value ||
      number(SealedNumber::kEvents) == 0 || number(SealedNumber::kEvents) >= UINT32_MAX ||
      section(static_cast<size_t>(SealedSection::kRegions)).size != uint64_t{regions()} * sizeof(RegionEntry) ||
      section(static_cast<size_t>(SealedSection::kBlocks)).size != uint64_t{groups()} * sizeof(BlockGroup) ||
      groups() == 0) {
    file_->fail(file_->size(), "is the end of a footer that is not of this fork's segment");
  }
}

Result<std::shared_ptr<SealedSegment>> SealedSegment::open(Disk& disk, const std::string& path, std::string fork_name,
                                                           ForkId fork, std::shared_ptr<Unpackings> unpackings) {
  auto file = SealedFile::open(disk, path);
  if (!file) return file.error();
  try {
    return std::shared_ptr<SealedSegment>(
        new SealedSegment(*std::move(file), std::move(fork_name), fork, std::move(unpackings)));
  } catch (const Damage& damage) {
    return damage.error();
  }
}

// --- where things are ---

RegionEntry SealedSegment::region(uint32_t i) const {
  const Section& table = section(static_cast<size_t>(SealedSection::kRegions));
  return read_at<RegionEntry>(*file_, table.offset + uint64_t{i} * sizeof(RegionEntry));
}

const BlockGroup& SealedSegment::group(uint32_t i) const {
  const uint64_t at = section(static_cast<size_t>(SealedSection::kBlocks)).offset + uint64_t{i} * sizeof(BlockGroup);
  // What is looked at next: where its blocks end, and where it is the wrong one, how the one beside it begins.
  file_->expect(at, offsetof(BlockGroup, times));
  file_->expect(at + offsetof(BlockGroup, ends), sizeof(BlockGroup::ends));
  file_->expect(at - sizeof(BlockGroup), 1);
  file_->expect(at + sizeof(BlockGroup), 1);
  const auto& group = *reinterpret_cast<const BlockGroup*>(file_->read(at, sizeof(BlockGroup)).data());
  if (group.blocks == 0 || group.blocks > BlockGroup::kBlocks || group.region >= regions()) {
    file_->fail(at, "begins places of blocks that cannot be");
  }
  return group;
}

SealedSegment::Place SealedSegment::place_of(uint32_t local) const {
  CHECK(local < events_);
  // Groups have about as many events each: where it would be if they all had the same is near where it is, and the more
  // so the closer the groups are between which that is worked out.  Each group looked at is far from the one before, in
  // memory that is likely in no cache.
  constexpr int kGuesses = 6;
  uint32_t low = 0;  // its group is one of [low, high), with the events [low_local, high_local)
  uint32_t high = groups();
  uint32_t low_local = 0;
  uint32_t high_local = events_;
  for (int looks = 0; low < high && low_local <= local && local < high_local; looks++) {
    const uint64_t share = uint64_t{local - low_local} * (high - low) / (high_local - low_local);
    const uint32_t at = low + (looks < kGuesses ? static_cast<uint32_t>(share) : (high - low) / 2);
    const BlockGroup& found = group(at);
    const uint32_t end = found.end_local(found.blocks - 1);
    if (local < found.first_local) {
      high = at;
      high_local = found.first_local;
    } else if (local >= end) {
      low = at + 1;
      low_local = end;
    } else {
      uint32_t block = 0;  // those that end before it; of those that are not there the end is far
      for (const uint16_t block_end : found.events) block += block_end <= local - found.first_local ? 1 : 0;
      return {&found, block};
    }
  }
  fail_at({&group(std::min(low, groups() - 1)), 0}, "begins blocks without the event " + std::to_string(local));
}

void SealedSegment::fail_at(const Place& place, const std::string& what) const {
  file_->fail(region(place.group->region).blocks_at + place.group->begin(place.block), what);
}

const SealedSegment::RegionTexts& SealedSegment::texts(uint32_t i) const {
  if (const RegionTexts* made = made_texts_[i].load(std::memory_order_acquire)) return *made;
  const std::lock_guard lock(texts_mutex_);
  if (const RegionTexts* made = made_texts_[i].load(std::memory_order_acquire)) return *made;
  const RegionEntry entry = region(i);
  auto texts = std::make_unique<RegionTexts>();
  ByteReader reader(file_->read(entry.texts_at, entry.texts_size));
  texts->unpacking = unpackings_->share(reader);
  const uint64_t actors = reader.number();
  for (uint64_t k = 0; k < actors && !reader.bad(); k++) texts->actors.push_back(reader.text());
  texts->long_batches = reader.text();
  if (texts->unpacking == nullptr || !reader.finished()) {
    file_->fail(entry.texts_at, "begins texts of a region that do not fill it");
  }
  made_texts_[i].store(texts.get(), std::memory_order_release);
  texts_[i] = std::move(texts);
  return *texts_[i];
}

SealedSegment::NameRecord SealedSegment::name_record(Index index, uint64_t offset) const {
  const Section& records = section(records_section(index));
  if (offset >= records.size) file_->fail(records.offset, "begins names, one of which lies outside");
  const uint64_t at = records.offset + offset;
  ByteReader reader(file_->read(at, std::min(kRecordHead, records.size - offset)));
  const size_t available = reader.rest().size();
  NameRecord record;
  record.name = reader.text();
  record.inherited = reader.small_number();
  const uint32_t events = reader.small_number();
  const uint64_t size = reader.number();
  const uint64_t head = available - reader.rest().size();
  if (reader.bad() || size > records.size - offset - head) file_->fail(at, "begins a name's record that does not fit");
  record.events = LocalList(file_->read(at + head, size).data(), events);
  record.next = offset + head + size;
  return record;
}

uint64_t SealedSegment::name_offset_at(const RegionEntry& region, Index index, uint32_t number) const {
  const uint32_t before = index == Index::kStreams ? 0 : region.streams + (index == Index::kTags ? region.types : 0);
  const uint32_t names = index == Index::kStreams ? region.streams
                         : index == Index::kTypes ? region.types
                                                  : region.tags;
  if (number >= names) file_->fail(region.blocks_at, "begins a region with an event of no known name");
  return region.names_at + (uint64_t{before} + number) * sizeof(uint32_t);
}

uint32_t SealedSegment::name_offset(const RegionEntry& region, Index index, uint32_t number) const {
  return read_at<uint32_t>(*file_, name_offset_at(region, index, number));
}

void SealedSegment::copy_block(const RegionEntry& region, const BlockGroup& group, uint32_t i, std::string& to) const {
  const uint64_t begin = group.begin(i);
  const uint64_t end = group.end(i);
  if (end < begin + kBlockHead || end > region.blocks_size) {
    file_->fail(region.blocks_at, "begins blocks out of order");
  }
  file_->copy(region.blocks_at + begin, end - begin, to);
  const std::string_view bytes = to;
  if (bytes.substr(0, kBlockHead) != block_checksum(bytes.substr(kBlockHead))) {
    file_->fail(region.blocks_at + begin, "begins a block whose checksum is wrong");
  }
}

// --- events ---

// Leaves the cursor behind the event, which is in it.
SealedSegment::Cursor& SealedSegment::seek(uint32_t local) const {
  thread_local Cursor cursor;
  if (cursor.serial == serial_ && cursor.current == local) return cursor;
  const bool is_there = cursor.serial == serial_ && local >= cursor.next && local < cursor.end;
  cursor.serial = 0;  // until all of it is in place: any step may throw
  if (!is_there) {
    const Place place = place_of(local);
    const BlockGroup& group = *place.group;
    cursor.region_number = group.region;
    cursor.region = region(group.region);
    copy_block(cursor.region, group, place.block, cursor.packed);
    const RegionTexts& texts = this->texts(group.region);
    cursor.reader.reset();
    if (!texts.unpacking->decompressor().decompress(cursor.packed, kBlockHead, cursor.bytes)) {
      fail_at(place, "begins a block that is not compressed as it should be");
    }
    cursor.reader.emplace(cursor.bytes, texts.unpacking->shapes(), texts.long_batches);
    cursor.place = place;
    cursor.next = group.begin_local(place.block);
    cursor.end = group.end_local(place.block);
  }
  bool is_good = true;
  for (; is_good && cursor.next < local; cursor.next++) {
    is_good = cursor.reader->next(cursor.event) && cursor.reader->pass_texts(cursor.event);
  }
  if (!is_good || !take_event(cursor)) {
    fail_at(cursor.place, "begins a block without the event " + std::to_string(local));
  }
  cursor.next = local + 1;
  cursor.current = local;
  cursor.serial = serial_;
  return cursor;
}

// The name of the stream is likely in no cache, nor where it is: each is fetched while a text is put together.
bool SealedSegment::take_event(Cursor& cursor) const {
  cursor.data.clear();
  cursor.metadata.clear();
  if (!cursor.reader->next(cursor.event)) return false;
  const uint64_t number_at = name_offset_at(cursor.region, Index::kStreams, cursor.event.stream);
  file_->expect(number_at, sizeof cursor.stream_at);
  if (!cursor.reader->take_data(cursor.data)) return false;
  cursor.stream_at = read_at<uint32_t>(*file_, number_at);
  file_->expect(section(records_section(Index::kStreams)).offset + cursor.stream_at, 1);
  cursor.reader->take_batch(cursor.event);
  return cursor.reader->take_metadata(cursor.event, cursor.metadata);
}

void SealedSegment::add_to(RebuiltBatch& batch, Cursor& cursor) const {
  const RegionEntry& region = cursor.region;
  const PackedEvent& event = cursor.event;
  std::vector<std::string_view>& tags = cursor.tags;
  tags.clear();
  for (const uint32_t tag : event.tags) {
    tags.push_back(name_at(*file_, Index::kTags, name_offset(region, Index::kTags, tag)));
  }
  const std::string_view stream = name_at(*file_, Index::kStreams, cursor.stream_at);
  const std::string_view type = name_at(*file_, Index::kTypes, name_offset(region, Index::kTypes, event.type));
  batch.add(event, {stream, type, tags}, cursor.data, cursor.metadata,
            Timestamp{region.recorded_at + event.batch.recorded_at});
}

CommitRecord SealedSegment::finish(RebuiltBatch& batch, const RegionEntry& region, uint32_t region_number,
                                   const PackedEvent& first, uint32_t local, bool is_excerpt) const {
  const RegionTexts& texts = this->texts(region_number);
  if (first.batch.actor >= texts.actors.size()) file_->fail(region.texts_at, "begins texts without an actor");
  RebuiltBatch::Head head;
  head.fork = fork_;
  head.first_position = Position{base().value + local + 1 - first.ordinal};
  head.recorded_at = Timestamp{region.recorded_at + first.batch.recorded_at};
  head.actor = texts.actors[first.batch.actor];
  head.batch = first.batch;
  return batch.finish(head, is_excerpt);
}

Event SealedSegment::event(uint32_t local) const {
  Cursor& cursor = seek(local);
  cursor.batch.clear();
  add_to(cursor.batch, cursor);
  CommitRecord record = finish(cursor.batch, cursor.region, cursor.region_number, cursor.event, local, true);
  const size_t size = Commit(record.record).events().size();
  const char* const end = record.record + record_length(Commit(record.record).header());
  return Event(end - size, std::move(record.memory));
}

CommitRecord SealedSegment::commit_record(uint32_t first_local) const {
  Cursor& cursor = seek(first_local);
  CHECK(cursor.event.ordinal == 0);
  PackedEvent first = cursor.event;
  const std::string request_id(first.batch.request_id);
  const std::string conditions(first.batch.conditions);
  first.batch.request_id = request_id;
  first.batch.conditions = conditions;
  RebuiltBatch batch;
  const RegionEntry region = cursor.region;
  const uint32_t region_number = cursor.region_number;
  for (uint32_t i = 0; i < first.batch.events && first_local + i < events_; i++) {
    add_to(batch, seek(first_local + i));
  }
  return finish(batch, region, region_number, first, first_local, false);
}

// --- names ---

LocalList SealedSegment::find(Index index, HashedName name) const {
  const uint32_t key = key_of_id(name.hash);
  const std::string_view wanted = is_hashed(index) ? bytes_of(key) : name.name;
  LocalList found;
  names_[static_cast<size_t>(index)].find(name.hash, [&](uint32_t offset) {
    NameRecord record = name_record(index, offset);
    if (record.name != wanted) return false;
    found = std::move(record.events);
    return true;
  });
  return found;
}

std::optional<Version> SealedSegment::stream_version(HashedName stream, uint32_t count) const {
  std::optional<Version> version;
  names_[static_cast<size_t>(Index::kStreams)].find(stream.hash, [&](uint32_t offset) {
    const NameRecord record = name_record(Index::kStreams, offset);
    if (record.name != stream.name) return false;
    version = Version{record.inherited + (count >= events_ ? record.events.size() : record.events.rank(count))};
    return true;
  });
  return version;
}

void SealedSegment::for_each_name(Index index, const NameVisitor& visit) const {
  const uint64_t size = section(records_section(index)).size;
  for (uint64_t offset = 0; offset < size;) {
    const NameRecord record = name_record(index, offset);
    visit(record.name, record.events);
    offset = record.next;
  }
}

uint32_t SealedSegment::find_id(HashedName id, uint32_t count) const {
  const auto found =
      ids_.find(id.hash, [&](uint32_t local) { return local < count && seek(local).event.id == id.name; });
  if (found) return *found;
  const std::optional<StoreId> made = parse_store_id(id.name);
  return made ? find_store_id(*made, count) : kNone;
}

// Ids made by the store name the microsecond of their commit: only batches of that microsecond are looked at.
uint32_t SealedSegment::find_store_id(const StoreId& id, uint32_t count) const {
  uint32_t local = count_until(Timestamp{id.recorded_at.value - 1}, count);
  while (local < count) {
    const Cursor& cursor = seek(local);
    const PackedEvent& event = cursor.event;
    if (cursor.region.recorded_at + event.batch.recorded_at != id.recorded_at.value) return kNone;
    const uint64_t ordinal = (id.counter - event.batch.id_seed) & kIdCounterMask;
    const uint32_t first = local - event.ordinal;
    if (ordinal < event.batch.events && first + ordinal < count) {
      const auto wanted = first + static_cast<uint32_t>(ordinal);
      return seek(wanted).event.id.empty() ? wanted : kNone;
    }
    local = first + event.batch.events;
  }
  return kNone;
}

CommitRecord SealedSegment::find_request(HashedName request_id) const {
  const auto found = requests_.find(
      request_id.hash, [&](uint32_t local) { return seek(local).event.batch.request_id == request_id.name; });
  return found ? commit_record(*found) : CommitRecord{};
}

std::vector<uint64_t> SealedSegment::request_hashes() const {
  std::vector<uint64_t> hashes;
  hashes.reserve(requests_.size());
  for (uint32_t i = 0; i < requests_.size(); i++) {
    hashes.push_back(hash_bytes(seek(requests_[i].number).event.batch.request_id));
  }
  return hashes;
}

// --- time ---

// The last block that, as far as the groups tell, begins by then; none when even the first one does not.
SealedSegment::Place SealedSegment::place_by_time(Timestamp time) const {
  uint32_t low = 0;
  uint32_t high = groups();
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (group(middle).recorded_at <= time.value) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return {};
  const BlockGroup& found = group(low - 1);
  uint32_t block = found.blocks - 1;
  while (found.time_before(block) > time.value) block--;
  return {&found, block};
}

uint32_t SealedSegment::count_until(Timestamp time, uint32_t count) const {
  Place place = place_by_time(time);
  if (place.group == nullptr) return 0;
  const auto time_of = [this](uint32_t local) {
    const Cursor& cursor = seek(local);
    return cursor.region.recorded_at + cursor.event.batch.recorded_at;
  };
  // The times of blocks are told a little too early; that of a group's first one is exact.
  const auto begin = [&place] { return place.group->begin_local(place.block); };
  while (place.block > 0 && (begin() >= count || time_of(begin()) > time.value)) place.block--;
  // It may go on after it.
  const uint32_t end = place.group->end_local(place.block);
  uint32_t local = begin();
  while (local < end && local < count && time_of(local) <= time.value) {
    const PackedEvent& event = seek(local).event;
    local += std::min(end - local, event.batch.events - event.ordinal);
  }
  return std::min(local, count);
}

size_t SealedSegment::index_bytes() const {
  size_t bytes = 0;
  for (const auto& made : made_texts_) {
    const RegionTexts* texts = made.load(std::memory_order_acquire);
    if (texts != nullptr) bytes += texts->unpacking->memory_bytes() / static_cast<size_t>(texts->unpacking.use_count());
  }
  return bytes;
}

}  // namespace chronos
