// A sealed segment against the one in memory that it was made of, which is the model; merged ones against all of
// theirs; and files in which something is not as it was written.
#include "core/sealed_segment.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <map>
#include <memory>

#include "core/damage.h"
#include "core/seal.h"
#include "tests/support/catch.h"
#include "tests/support/segment_filler.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {
namespace {

constexpr Index kIndexes[] = {Index::kStreams, Index::kTypes, Index::kTags, Index::kCorrelations, Index::kCausations};
const std::string kPath = "/store/segments/a.seg";

std::shared_ptr<SealedSegment> open_segment(Disk& disk, const std::string& path = kPath) {
  auto opened = SealedSegment::open(disk, path, "main", kMainFork, std::make_shared<Unpackings>());
  if (!opened) FAIL(opened.error().message);
  return *opened;
}

std::shared_ptr<SealedSegment> seal(Disk& disk, const MemorySegment& segment, const std::string& path = kPath) {
  REQUIRE(disk.create_directories("/store/segments").has_value());
  std::shared_ptr<Packing> nothing_known;
  const auto sealed = seal_segment(disk, path, kMainFork, segment, nothing_known);
  if (!sealed) FAIL(sealed.error().message);
  return open_segment(disk, path);
}

std::string text_of(const Event& event) {
  std::string text = std::to_string(event.position().value) + "|" + std::to_string(event.version().value) + "|" +
                     std::to_string(event.recorded_at().value) + "|" + std::to_string(event.valid_at().value) + "|" +
                     event.id() + "|";
  for (const std::string_view part : {event.actor(), event.stream(), event.type(), event.data(), event.metadata(),
                                      event.client_id(), event.correlation_id(), event.causation_id()}) {
    text += std::string(part) + "|";
  }
  event.for_each_tag([&](std::string_view tag) { text += std::string(tag) + ","; });
  std::vector<float> embedding(event.embedding_size());
  event.copy_embedding(embedding.data());
  for (const float value : embedding) text += std::to_string(value) + ",";
  return text + (event.has_valid_at() ? "v" : "");
}

// The record of a batch but for what its place in the log gave it.
std::string batch_text(const CommitRecord& record) {
  const Commit commit(record.record);
  return std::string(record.record + sizeof(RecordHeader), record_length(commit.header()) - sizeof(RecordHeader));
}

std::vector<uint32_t> numbers(const LocalList& list) {
  std::vector<uint32_t> all;
  list.unpack(all, 0);
  return all;
}

using Lists = std::vector<std::pair<std::string, std::vector<uint32_t>>>;

Lists lists(const Segment& segment, Index index, uint32_t shift) {
  Lists all;
  segment.for_each_name(index, [&](std::string_view name, const LocalList& events) {
    all.emplace_back(name, std::vector<uint32_t>());
    events.unpack(all.back().second, shift);
  });
  return all;
}

void check_events(const Segment& model, const Segment& sealed, uint32_t shift, Chance& chance) {
  const uint32_t events = model.published_events();
  for (uint32_t i = 0; i < events; i++) {
    REQUIRE(text_of(sealed.event(shift + i)) == text_of(model.event(i)));
    if (model.event(i).head().ordinal != 0) continue;
    REQUIRE(batch_text(sealed.commit_record(shift + i)) == batch_text(model.commit_record(i)));
  }
  for (int i = 0; i < 50; i++) {
    const auto any = static_cast<uint32_t>(chance.below(events));
    REQUIRE(text_of(sealed.event(shift + any)) == text_of(model.event(any)));
  }
}

void check_look_ups(const Segment& model, const Segment& sealed, const SegmentFiller& filler, Chance& chance) {
  for (const Index index : kIndexes) {
    const Lists expected = lists(model, index, 0);
    REQUIRE(lists(sealed, index, 0) == expected);
    for (const auto& [name, events] : expected) {
      if (is_hashed(index)) continue;
      const LocalList found = sealed.find(index, HashedName(name));
      REQUIRE(numbers(found) == events);
      const uint64_t end = chance.below(model.published_events() + 2);
      REQUIRE(found.rank(end) == model.find(index, HashedName(name)).rank(end));
    }
  }
  for (const char* id : {"run-1", "run-4", "never"}) {
    REQUIRE(numbers(sealed.find(Index::kCorrelations, HashedName(id))) ==
            numbers(model.find(Index::kCorrelations, HashedName(id))));
  }
  CHECK(sealed.find(Index::kStreams, HashedName("no such stream")).empty());
  for (const std::string& stream : filler.streams()) {
    const auto count = static_cast<uint32_t>(chance.below(model.published_events() + 1));
    REQUIRE(sealed.stream_version(HashedName(stream), count) == model.stream_version(HashedName(stream), count));
  }
  for (const std::string& id : filler.ids()) {
    const auto count = static_cast<uint32_t>(chance.between(1, model.published_events()));
    REQUIRE(sealed.find_id(HashedName(id), count) == model.find_id(HashedName(id), count));
  }
  for (int i = 0; i < 60; i++) {
    const Event any = model.event(static_cast<uint32_t>(chance.below(model.published_events())));
    const Timestamp time{any.recorded_at().value + static_cast<int64_t>(chance.below(3)) - 1};
    const auto count = static_cast<uint32_t>(chance.between(1, model.published_events()));
    REQUIRE(sealed.count_until(time, count) == model.count_until(time, count));
  }
}

TEST_CASE("A sealed segment answers like the one it was made of", "[sealed]") {
  for (const uint64_t seed : test_seeds(1, 12)) {
    INFO("CHRONOS_SEED=" << seed);
    Chance chance(seed);
    SimulatedDisk disk(seed);
    SegmentFiller filler(seed, chance.between(1, 60));
    filler.fill(chance.between(1, 50), 10);  // so that the next one does not begin at 0
    const auto model = filler.fill(chance.between(1, 1500), chance.percent(50) ? 1 : 200);
    const auto sealed = seal(disk, *model);
    sealed->file().hold(chance.percent(50));
    CHECK(sealed->base() == model->base());
    REQUIRE(sealed->published_events() == model->published_events());
    check_events(*model, *sealed, 0, chance);
    check_look_ups(*model, *sealed, filler, chance);
  }
}

TEST_CASE("What one segment taught packs the next ones, as long as it packs them well", "[sealed]") {
  SimulatedDisk disk(1);
  REQUIRE(disk.create_directories("/store/segments").has_value());
  SegmentFiller filler(1, 60);
  const auto unpackings = std::make_shared<Unpackings>();
  std::shared_ptr<Packing> known;
  std::shared_ptr<Packing> first;
  std::vector<std::shared_ptr<const SealedSegment>> parts;
  Chance chance(1);
  for (int i = 0; i < 3; i++) {
    const auto model = filler.fill(40'000, 500);
    REQUIRE(model->staged_bytes() > (size_t{8} << 20));
    const std::string path = kPath + std::to_string(i);
    REQUIRE(seal_segment(disk, path, kMainFork, *model, known).has_value());
    REQUIRE(known != nullptr);
    if (i == 0) first = known;
    CHECK(known == first);
    parts.push_back(*SealedSegment::open(disk, path, "main", kMainFork, unpackings));
    for (int k = 0; k < 300; k++) {
      const auto any = static_cast<uint32_t>(chance.below(model->published_events()));
      REQUIRE(text_of(parts.back()->event(any)) == text_of(model->event(any)));
    }
  }
  REQUIRE(merge_segments(disk, kPath, kMainFork, parts).has_value());
  const auto merged = *SealedSegment::open(disk, kPath, "main", kMainFork, unpackings);
  CHECK(merged->index_bytes() == 0);
  for (const uint32_t local : {5u, 40'005u, 80'005u}) static_cast<void>(merged->event(local));
  // One for all regions of all four.
  CHECK(merged->index_bytes() < 2 * first->bytes.size());
  // It is found again in what it packed, with a measure of its own of how well.
  const std::shared_ptr<Packing> resumed = packing_of(*merged);
  REQUIRE(resumed != nullptr);
  CHECK(resumed->bytes == first->bytes);
  CHECK(resumed->dictionary == first->dictionary);
  CHECK(resumed->smallest > 0.9 * first->smallest);
  CHECK(resumed->smallest < 1.1 * first->smallest);
  // Few events are packed by themselves, and leave what is known as it is.
  REQUIRE(seal_segment(disk, kPath + "s", kMainFork, *filler.fill(100, 5), known).has_value());
  CHECK(known == first);
  // A packing that served other events better has had its time.
  known->smallest /= 2;
  REQUIRE(seal_segment(disk, kPath + "l", kMainFork, *filler.fill(40'000, 500), known).has_value());
  CHECK(known == nullptr);
  CHECK(packing_of(**SealedSegment::open(disk, kPath + "s", "main", kMainFork, unpackings)) == nullptr);
}

TEST_CASE("Merged segments answer like all that they were made of", "[sealed]") {
  for (const uint64_t seed : test_seeds(1, 8)) {
    INFO("CHRONOS_SEED=" << seed);
    Chance chance(seed);
    SimulatedDisk disk(seed);
    SegmentFiller filler(seed, chance.between(1, 60));
    std::vector<std::shared_ptr<MemorySegment>> models;
    std::vector<std::shared_ptr<const SealedSegment>> parts;
    for (int i = 0; i < 4; i++) {
      models.push_back(filler.fill(chance.between(1, 400), 50));
      parts.push_back(seal(disk, *models.back(), kPath + std::to_string(i)));
    }
    // Merged ones merge as well.
    REQUIRE(merge_segments(disk, kPath + "m", kMainFork, std::span(parts).first(2)).has_value());
    const std::vector<std::shared_ptr<const SealedSegment>> again = {open_segment(disk, kPath + "m"), parts[2],
                                                                     parts[3]};
    REQUIRE(merge_segments(disk, kPath, kMainFork, again).has_value());
    const auto merged = open_segment(disk);
    uint32_t events = 0;
    std::map<std::string, std::vector<uint32_t>> streams;
    for (const auto& model : models) {
      check_events(*model, *merged, events, chance);
      for (auto& [name, own] : lists(*model, Index::kStreams, events)) {
        streams[name].insert(streams[name].end(), own.begin(), own.end());
      }
      events += model->published_events();
    }
    REQUIRE(merged->published_events() == events);
    for (const auto& [name, expected] : streams) {
      REQUIRE(numbers(merged->find(Index::kStreams, HashedName(name))) == expected);
      REQUIRE(merged->stream_version(HashedName(name), events) ==
              Version{merged->event(expected.back()).version().value});
    }
    for (const std::string& id : filler.ids()) {
      uint32_t expected = Segment::kNone;
      uint32_t shift = 0;
      for (const auto& model : models) {
        const uint32_t found = model->find_id(HashedName(id), model->published_events());
        if (found != Segment::kNone && expected == Segment::kNone) expected = shift + found;
        shift += model->published_events();
      }
      REQUIRE(merged->find_id(HashedName(id), events) == expected);
    }
  }
}

// Everything there is to read; false when some of it is not what was written.
bool reads_whole(Disk& disk) {
  const auto opened = SealedSegment::open(disk, kPath, "main", kMainFork, std::make_shared<Unpackings>());
  if (!opened) {
    CHECK(opened.error().code == Code::kCorrupt);
    CHECK(opened.error().message.find(kPath) != std::string::npos);
    return false;
  }
  try {
    for (uint32_t i = 0; i < (*opened)->published_events(); i++) static_cast<void>((*opened)->event(i));
    for (const Index index : kIndexes) lists(**opened, index, 0);
    for (const char* id : {"never-used", "x"}) static_cast<void>((*opened)->find_id(HashedName(id), 1));
    static_cast<void>((*opened)->file().read(0, (*opened)->file().content_size()));
  } catch (const Damage& damage) {
    CHECK(damage.error().code == Code::kCorrupt);
    CHECK(damage.error().message.find(kPath) != std::string::npos);
    return false;
  }
  return true;
}

TEST_CASE("Every byte of a sealed file that changes is noticed", "[sealed]") {
  SimulatedDisk disk(1);
  SegmentFiller filler(1, 20);
  seal(disk, *filler.fill(300, 20));
  auto file = disk.open(kPath, OpenMode::kReadWrite);
  REQUIRE(file.has_value());
  const uint64_t size = *(*file)->size();
  CHECK(reads_whole(disk));
  Chance chance(1);
  const auto flip = [&](uint64_t at) {
    char byte = 0;
    REQUIRE((*file)->read(at, &byte, 1).has_value());
    byte = static_cast<char>(byte ^ 1 << chance.below(8));
    const std::string_view parts[] = {{&byte, 1}};
    REQUIRE((*file)->write(at, parts).has_value());
    return byte;
  };
  for (uint64_t at = 0; at < size; at += chance.between(1, 97)) {
    char before = 0;
    REQUIRE((*file)->read(at, &before, 1).has_value());
    flip(at);
    INFO("byte " << at << " of " << size);
    // A version that is larger was written by a newer program; any other change is damage.
    if (at < 8 || at >= 12) REQUIRE_FALSE(reads_whole(disk));
    const std::string_view parts[] = {{&before, 1}};
    REQUIRE((*file)->write(at, parts).has_value());
  }
  CHECK(reads_whole(disk));
  for (const uint64_t length : {uint64_t{0}, uint64_t{10}, size / 2, size - 1}) {
    REQUIRE((*file)->truncate(length).has_value());
    CHECK_FALSE(reads_whole(disk));
  }
}

// --- the tests prove themselves: files with right checksums that are wrong all the same ---

// The file again, changed before the checksums are made.
void rewrite(Disk& disk, const std::function<void(std::string& content, SealedFooter& footer)>& change) {
  const auto file = SealedFile::open(disk, kPath);
  REQUIRE(file.has_value());
  SealedFooter footer = (*file)->footer();
  std::string content((*file)->read(0, (*file)->content_size()));
  change(content, footer);
  const auto writer = SealedFileWriter::create(disk, kPath);
  REQUIRE(writer.has_value());
  REQUIRE((*writer)->append(std::string_view(content).substr((*writer)->size())).has_value());
  REQUIRE((*writer)->finish(footer).has_value());
}

bool same_answers(Disk& disk, const MemorySegment& model) {
  const auto opened = SealedSegment::open(disk, kPath, "main", kMainFork, std::make_shared<Unpackings>());
  if (!opened || (*opened)->published_events() != model.published_events()) return false;
  const auto same = or_damage([&]() -> Result<bool> {
    for (uint32_t i = 0; i < model.published_events(); i++) {
      if (text_of((*opened)->event(i)) != text_of(model.event(i))) return false;
    }
    for (const Index index : kIndexes) {
      if (lists(**opened, index, 0) != lists(model, index, 0)) return false;
    }
    return true;
  });
  return same.has_value() && *same;
}

TEST_CASE("Planted bugs in a sealed file with right checksums are found by the model", "[sealed]") {
  SimulatedDisk disk(1);
  SegmentFiller filler(1, 20);
  const auto model = filler.fill(900, 30);
  const auto plant = [&](const std::function<void(std::string & content, SealedFooter & footer)>& change) {
    seal(disk, *model);
    rewrite(disk, change);
    return same_answers(disk, *model);
  };
  const auto section = [](SealedFooter& footer, SealedSection which) -> Section& {
    return footer.sections[static_cast<size_t>(which)];
  };
  CHECK(plant([](std::string&, SealedFooter&) {}));
  INFO("the bound of a block is off by one");
  CHECK_FALSE(plant([&](std::string& content, SealedFooter& footer) {
    content[section(footer, SealedSection::kBlocks).offset + offsetof(BlockGroup, events)]++;
  }));
  INFO("the dictionary of a region is lost");
  CHECK_FALSE(plant([&](std::string& content, SealedFooter& footer) {
    RegionEntry region;
    std::memcpy(&region, content.data() + section(footer, SealedSection::kRegions).offset, sizeof region);
    ByteReader texts(std::string_view(content).substr(region.texts_at, region.texts_size));
    const std::string_view dictionary = texts.text();
    REQUIRE(dictionary.size() > 1000);
    std::memset(content.data() + (dictionary.data() - content.data()), 0, dictionary.size());
  }));
  INFO("a list of events ends early");
  CHECK_FALSE(plant([&](std::string& content, SealedFooter& footer) {
    // The first stream's record: its name, what it inherited, how many, ...
    const uint64_t at = footer.sections[records_section(Index::kStreams)].offset;
    const auto name = static_cast<unsigned char>(content[at]);
    content[at + 1 + name + 1]--;
  }));
  INFO("a region's names are those of another");
  CHECK_FALSE(plant([&](std::string& content, SealedFooter& footer) {
    RegionEntry region;
    std::memcpy(&region, content.data() + section(footer, SealedSection::kRegions).offset, sizeof region);
    std::swap_ranges(content.begin() + static_cast<ptrdiff_t>(region.names_at),
                     content.begin() + static_cast<ptrdiff_t>(region.names_at) + 4,
                     content.begin() + static_cast<ptrdiff_t>(region.names_at) + 4);
  }));
}

// The places that docs/FORMAT.md gives.
TEST_CASE("The footer of a sealed file lies where the document says", "[sealed]") {
  SimulatedDisk disk(1);
  SegmentFiller filler(1, 5);
  filler.fill(7, 3);
  const auto sealed = seal(disk, *filler.fill(40, 3));
  const auto mapped = disk.map(kPath);
  REQUIRE(mapped.has_value());
  const std::string_view bytes = (*mapped)->bytes();
  const auto number_at = [&](size_t from_end) {
    uint64_t number = 0;
    std::memcpy(&number, bytes.data() + bytes.size() - from_end, sizeof number);
    return number;
  };
  CHECK(bytes.substr(0, 8) == "CHRONSEG");
  CHECK(bytes.substr(bytes.size() - 8) == "CHRONSEG");
  CHECK(number_at(424) == sealed->file().content_size());
  CHECK(number_at(416) == hash_bytes(bytes.substr(number_at(424), bytes.size() - 424 - number_at(424))));
  CHECK(number_at(408) == 1);
  CHECK(number_at(408 - 16) == 7);
  CHECK(number_at(408 - 24) == 40);
  CHECK(number_at(280 + 0) == sealed->file().footer().sections[0].offset);
  CHECK(number_at(280 - 8) == sealed->file().footer().sections[0].size);
  CHECK(number_at(24) == 1);
  CHECK(number_at(16) == hash_bytes(bytes.substr(bytes.size() - 424, 408)));
}

TEST_CASE("A file of another fork is no segment of this one", "[sealed]") {
  SimulatedDisk disk(1);
  SegmentFiller filler(1, 3);
  seal(disk, *filler.fill(10, 3));
  const auto opened = SealedSegment::open(disk, kPath, "try", ForkId{1}, std::make_shared<Unpackings>());
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code == Code::kCorrupt);
}

TEST_CASE("JSON comes back from its shape as it was", "[sealed]") {
  for (const uint64_t seed : test_seeds(1, 20)) {
    INFO("CHRONOS_SEED=" << seed);
    testing::RandomJson json(seed, testing::JsonShape{});
    std::vector<std::string> texts;
    for (int i = 0; i < 40; i++) texts.push_back(json.object());
    for (int i = 0; i < 40; i++) texts.push_back("{\"a\" : \"" + std::to_string(i % 3) + "\", \"b\":[1,-2e9, null]}");
    ShapeTable shapes;
    ShapedText shaped;
    for (int again = 0; again < 9; again++) {
      for (size_t i = 0; i < texts.size(); i += 2) {
        take_apart(texts[i], shaped);
        shapes.learn(shaped);
      }
    }
    shapes.settle();
    std::string bytes;
    for (const std::string& text : texts) {
      take_apart(text, shaped);
      shapes.encode(shaped, text, bytes);
    }
    const std::string table = shapes.to_bytes();
    ShapeReader reader;
    ByteReader from_table(table);
    REQUIRE(reader.read(from_table));
    REQUIRE(from_table.finished());
    ByteReader from(bytes);
    ByteReader skipping(bytes);
    for (const std::string& text : texts) {
      std::string back;
      REQUIRE(reader.decode(from, back));
      REQUIRE(back == text);
      REQUIRE(reader.skip(skipping));
      REQUIRE(skipping.rest() == from.rest());
    }
    CHECK(from.finished());
  }
}

TEST_CASE("A packed list is the list", "[sealed]") {
  for (const uint64_t seed : test_seeds(1, 40)) {
    INFO("CHRONOS_SEED=" << seed);
    Chance chance(seed);
    std::vector<uint32_t> plain;
    uint32_t next = static_cast<uint32_t>(chance.below(1000));
    for (uint64_t left = chance.below(1000); left > 0; left--) {
      plain.push_back(next);
      next += 1 + static_cast<uint32_t>(chance.below(chance.percent(5) ? 3'000'000 : 100));
    }
    std::string bytes;
    LocalList::pack(plain, bytes);
    LocalList packed(bytes.data(), static_cast<uint32_t>(plain.size()));
    CHECK(numbers(packed) == plain);
    for (int i = 0; i < 100; i++) {
      const uint64_t end = chance.below(uint64_t{next} + 10);
      REQUIRE(packed.rank(end) == LocalList(plain).rank(end));
      if (!plain.empty()) {
        const auto any = static_cast<uint32_t>(chance.below(plain.size()));
        REQUIRE(packed[any] == plain[any]);
      }
    }
    const auto shorter = static_cast<uint32_t>(chance.below(plain.size() + 1));
    packed.shorten(shorter);
    plain.resize(shorter);
    CHECK(packed.rank(UINT64_MAX) == shorter);
    CHECK(numbers(LocalList(packed)) == plain);
  }
}

}  // namespace
}  // namespace chronos::test
