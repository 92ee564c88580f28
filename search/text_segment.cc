#include "search/text_segment.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "core/check.h"
#include "core/log_format.h"
#include "search/length_code.h"
#include "search/posting_kernels.h"

namespace chronos {
namespace {

constexpr char kMagic[8] = {'C', 'H', 'R', 'O', 'T', 'E', 'X', 'T'};
constexpr uint32_t kVersion = 2;
constexpr uint32_t kSumEvery = 128;
constexpr size_t kPadding = 8;  // so that packed numbers can be read in words of 8 bytes

struct BlockHead {
  uint32_t first;
  uint8_t bits;
  uint8_t more;  // events beside the first one
  uint16_t zero;
};
static_assert(sizeof(BlockHead) == 8);

struct BlockEnd {
  uint32_t last;    // event
  uint32_t offset;  // where the block begins, from the end of these
};

template <typename T>
T read_as(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <typename T>
void append(std::string& to, const T& value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void align(std::string& to) { to.resize((to.size() + 7) & ~size_t{7}); }

constexpr size_t packed_size(unsigned numbers, unsigned bits) { return (size_t{numbers} * bits + 7) / 8; }

void append_packed(std::string& to, const std::vector<uint32_t>& numbers, unsigned bits) {
  const size_t begin = to.size();
  to.resize(begin + packed_size(static_cast<unsigned>(numbers.size()), bits));
  char* at = to.data() + begin;
  uint64_t word = 0;
  unsigned filled = 0;
  for (const uint32_t number : numbers) {
    word |= uint64_t{number} << filled;
    for (filled += bits; filled >= 8; filled -= 8) {
      *at++ = static_cast<char>(word);
      word >>= 8;
    }
  }
  if (filled > 0) *at = static_cast<char>(word);
}

uint64_t slot_of(std::string_view term, uint32_t slots) { return hash_bytes(term) & (slots - 1); }

}  // namespace

// --- reading ---

std::shared_ptr<const TextSegment> TextSegment::open(std::string_view bytes, std::shared_ptr<const void> memory) {
  if (bytes.size() < sizeof(Header) + kPadding) return nullptr;
  const auto& header = *reinterpret_cast<const Header*>(bytes.data());
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0 || header.version != kVersion ||
      header.size != bytes.size() || !std::has_single_bit(header.slots)) {
    return nullptr;
  }
  return std::shared_ptr<const TextSegment>(new TextSegment(bytes, std::move(memory)));
}

uint64_t TextSegment::length_before(uint32_t cut) const {
  CHECK(cut <= events());
  uint64_t sum = read_as<uint64_t>(bytes_.data() + header().sums_at + cut / kSumEvery * sizeof(uint64_t));
  for (uint32_t i = cut / kSumEvery * kSumEvery; i < cut; i++) sum += length_of(lengths()[i]);
  return sum;
}

std::string_view TextSegment::term(uint32_t i) const {
  const Term& term = entry(i);
  return bytes_.substr(header().texts_at + term.text, term.text_size);
}

TextSegment::Postings TextSegment::postings(uint32_t i) const {
  const Term& term = entry(i);
  return {bytes_.data() + header().postings_at + term.postings, term.size, term.most, term.shortest};
}

std::optional<TextSegment::Postings> TextSegment::find(std::string_view wanted) const {
  return find(wanted, slot_of(wanted, header().slots));
}

// Each step asks for what the next one reads, for all terms before any of them waits.
void TextSegment::find(std::span<const std::string_view> terms, std::span<std::optional<Postings>> found) const {
  constexpr size_t kAtOnce = 16;
  std::array<uint64_t, kAtOnce> slots;
  for (; !terms.empty(); terms = terms.subspan(std::min(kAtOnce, terms.size()))) {
    const size_t count = std::min(kAtOnce, terms.size());
    for (size_t i = 0; i < count; i++) {
      slots[i] = slot_of(terms[i], header().slots);
      __builtin_prefetch(slot(slots[i]));
    }
    std::array<const Term*, kAtOnce> entries{};
    for (size_t i = 0; i < count; i++) {
      const auto number = read_as<uint32_t>(slot(slots[i]));
      if (number == 0) continue;
      entries[i] = &entry(number - 1);
      __builtin_prefetch(entries[i]);
    }
    for (size_t i = 0; i < count; i++) {
      if (entries[i] == nullptr) continue;
      __builtin_prefetch(bytes_.data() + header().texts_at + entries[i]->text);
      __builtin_prefetch(bytes_.data() + header().postings_at + entries[i]->postings);
    }
    for (size_t i = 0; i < count; i++) found[i] = find(terms[i], slots[i]);
    found = found.subspan(count);
  }
}

std::optional<TextSegment::Postings> TextSegment::find(std::string_view wanted, uint64_t slot_number) const {
  const uint32_t slots = header().slots;
  for (;; slot_number = (slot_number + 1) & (slots - 1)) {
    const auto number = read_as<uint32_t>(slot(slot_number));
    if (number == 0) return std::nullopt;
    if (term(number - 1) == wanted) return postings(number - 1);
  }
}

namespace {

// Where block i begins.
const char* block_at(const TextSegment::Postings& postings, uint32_t i) {
  const uint32_t blocks = postings.blocks();
  if (blocks == 1) return postings.at;
  const auto end = read_as<BlockEnd>(postings.at + i * sizeof(BlockEnd));
  return postings.at + blocks * sizeof(BlockEnd) + end.offset;
}

uint32_t last_of(const TextSegment::Postings& postings, uint32_t i) {
  return read_as<BlockEnd>(postings.at + i * sizeof(BlockEnd)).last;
}

// How many events of the block come before `event`.
uint32_t place_in(const TextSegment::Block& block, uint32_t event) {
  const uint32_t* const begin = block.events.data();
  return static_cast<uint32_t>(std::lower_bound(begin, begin + block.size, event) - begin);
}

}  // namespace

// Mostly it is near: steps twice as wide each time, then halves of the last one.
uint32_t TextSegment::block_of(const Postings& postings, uint32_t event, uint32_t from) {
  const uint32_t blocks = postings.blocks();
  if (blocks == 1) return from;
  uint32_t low = from;
  uint32_t high = from;
  for (uint32_t step = 1; high < blocks && last_of(postings, high) < event; step *= 2) {
    low = high + 1;
    high = low + step;
  }
  high = std::min(high, blocks);
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (last_of(postings, middle) < event) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

namespace {

// Where its differences begin.
const char* take_counts(const char* at, const BlockHead& head, TextSegment::Block& block) {
  at += sizeof head;
  block.size = head.more + 1U;
  block.counts = reinterpret_cast<const uint8_t*>(at + packed_size(head.more, head.bits));
  block.lengths = block.counts + block.size;
  return at;
}

}  // namespace

void TextSegment::read(const Postings& postings, uint32_t i, Block& block) {
  const char* const at = block_at(postings, i);
  const auto head = read_as<BlockHead>(at);
  const char* const differences = take_counts(at, head, block);
  block.events[0] = head.first;
  best_posting_kernels().unpack(differences, head.bits, head.more, head.first, block.events.data() + 1);
}

void TextSegment::read_counts(const Postings& postings, uint32_t i, Block& block) {
  const char* const at = block_at(postings, i);
  take_counts(at, read_as<BlockHead>(at), block);
}

uint32_t TextSegment::last_event(const Postings& postings, uint32_t i) {
  if (postings.blocks() > 1) return last_of(postings, i);
  Block block;
  read(postings, i, block);
  return block.events[block.size - 1];
}

uint32_t TextSegment::rank(const Postings& postings, uint32_t cut) {
  const uint32_t i = block_of(postings, cut);
  if (i == postings.blocks()) return postings.size;
  Block block;
  read(postings, i, block);
  return i * kBlock + place_in(block, cut);
}

TextSegment::Count TextSegment::count_in(const Postings& postings, uint32_t event) {
  const uint32_t i = block_of(postings, event);
  if (i == postings.blocks()) return {};
  Block block;
  read(postings, i, block);
  const uint32_t k = place_in(block, event);
  if (k == block.size || block.events[k] != event) return {};
  return {block.counts[k], block.lengths[k]};
}

// --- writing ---

void TextSegmentBuilder::add(const Terms& terms) {
  const uint32_t event = events();
  const uint8_t length = length_code(terms.size());
  lengths_.push_back(length);
  bytes_ += 1;
  for (size_t i = 0; i < terms.size(); i++) {
    auto list = lists_.find(terms[i]);
    if (list == lists_.end()) {
      list = lists_.try_emplace(std::string(terms[i])).first;
      bytes_ += 60 + terms[i].size();
    }
    std::vector<Posting>& postings = list->second;
    if (!postings.empty() && postings.back().event == event) {
      postings.back().count = static_cast<uint8_t>(std::min(255, postings.back().count + 1));
    } else {
      postings.push_back({event, 1, length});
      bytes_ += 8;
    }
  }
}

// Takes terms in order, each with its postings, and puts the parts together.
class TextSegmentBuilder::Writer {
 public:
  void add(std::string_view term, const std::vector<Posting>& postings) {
    TextSegment::Term entry{static_cast<uint32_t>(texts_.size()), static_cast<uint8_t>(term.size()), 0, 0,
                            static_cast<uint32_t>(postings.size()), {255, 255, 255, 255}, postings_.size()};
    for (const Posting& posting : postings) {
      uint8_t& shortest = entry.shortest[std::min<uint8_t>(posting.count, 4) - 1];
      shortest = std::min(shortest, posting.length);
      entry.most = std::max(entry.most, posting.count);
    }
    append(terms_, entry);
    texts_ += term;
    write_postings(postings);
  }
  std::string finish(Position base, const std::vector<uint8_t>& lengths) const;

 private:
  void write_postings(const std::vector<Posting>& postings);
  std::string slots() const;
  static std::string sums(const std::vector<uint8_t>& lengths);

  std::string terms_;
  std::string texts_;
  std::string postings_;
};

void TextSegmentBuilder::Writer::write_postings(const std::vector<Posting>& postings) {
  std::string& to = postings_;
  const size_t blocks = (postings.size() + TextSegment::kBlock - 1) / TextSegment::kBlock;
  const size_t ends_at = to.size();
  if (blocks > 1) to.resize(to.size() + blocks * sizeof(BlockEnd));
  const size_t blocks_at = to.size();
  std::vector<uint32_t> differences;
  for (size_t b = 0; b < blocks; b++) {
    const size_t begin = b * TextSegment::kBlock;
    const size_t end = std::min(postings.size(), begin + TextSegment::kBlock);
    if (blocks > 1) {
      const BlockEnd block_end{postings[end - 1].event, static_cast<uint32_t>(to.size() - blocks_at)};
      std::memcpy(to.data() + ends_at + b * sizeof block_end, &block_end, sizeof block_end);
    }
    differences.clear();
    uint32_t widest = 0;
    for (size_t i = begin + 1; i < end; i++) {
      differences.push_back(postings[i].event - postings[i - 1].event - 1);
      widest |= differences.back();
    }
    const auto bits = static_cast<uint8_t>(std::bit_width(widest));
    append(to, BlockHead{postings[begin].event, bits, static_cast<uint8_t>(end - begin - 1), 0});
    append_packed(to, differences, bits);
    for (size_t i = begin; i < end; i++) to.push_back(static_cast<char>(postings[i].count));
    for (size_t i = begin; i < end; i++) to.push_back(static_cast<char>(postings[i].length));
  }
}

// Open addressing, linear probing: 1 + the number of the term, 0 for none.
std::string TextSegmentBuilder::Writer::slots() const {
  const size_t terms = terms_.size() / sizeof(TextSegment::Term);
  std::vector<uint32_t> slots(std::bit_ceil(terms + terms / 2 + 1));
  for (uint32_t i = 0; i < terms; i++) {
    const auto term = read_as<TextSegment::Term>(terms_.data() + i * sizeof(TextSegment::Term));
    const std::string_view text = std::string_view(texts_).substr(term.text, term.text_size);
    uint64_t slot = slot_of(text, static_cast<uint32_t>(slots.size()));
    while (slots[slot] != 0) slot = (slot + 1) & (slots.size() - 1);
    slots[slot] = i + 1;
  }
  return {reinterpret_cast<const char*>(slots.data()), slots.size() * sizeof(uint32_t)};
}

std::string TextSegmentBuilder::Writer::sums(const std::vector<uint8_t>& lengths) {
  std::string sums;
  uint64_t sum = 0;
  for (size_t i = 0; i <= lengths.size(); i++) {
    if (i % kSumEvery == 0) append(sums, sum);
    if (i < lengths.size()) sum += length_of(lengths[i]);
  }
  return sums;
}

std::string TextSegmentBuilder::Writer::finish(Position base, const std::vector<uint8_t>& lengths) const {
  TextSegment::Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kVersion;
  header.events = static_cast<uint32_t>(lengths.size());
  header.base = base.value;
  header.terms = static_cast<uint32_t>(terms_.size() / sizeof(TextSegment::Term));
  std::string bytes;
  append(bytes, header);
  bytes.append(reinterpret_cast<const char*>(lengths.data()), lengths.size());
  const auto put = [&bytes](uint64_t& at, std::string_view part) {
    align(bytes);
    at = bytes.size();
    bytes += part;
  };
  const std::string table = slots();
  header.slots = static_cast<uint32_t>(table.size() / sizeof(uint32_t));
  put(header.sums_at, sums(lengths));
  put(header.slots_at, table);
  put(header.terms_at, terms_);
  put(header.texts_at, texts_);
  put(header.postings_at, postings_);
  bytes.append(kPadding, '\0');
  align(bytes);
  header.size = bytes.size();
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

std::string TextSegmentBuilder::finish() {
  std::vector<std::string_view> terms;
  terms.reserve(lists_.size());
  for (const auto& [term, postings] : lists_) terms.push_back(term);
  std::sort(terms.begin(), terms.end());
  Writer writer;
  for (const std::string_view term : terms) writer.add(term, lists_.find(term)->second);
  return writer.finish(base_, lengths_);
}

std::string TextSegmentBuilder::merge(std::span<const std::shared_ptr<const TextSegment>> segments) {
  CHECK(!segments.empty());
  std::vector<uint8_t> lengths;
  std::vector<uint32_t> shifts;
  for (const auto& segment : segments) {
    CHECK(segment->base().value == segments.front()->base().value + lengths.size());
    shifts.push_back(static_cast<uint32_t>(lengths.size()));
    for (uint32_t i = 0; i < segment->events(); i++) lengths.push_back(segment->length(i));
  }
  // Each segment's terms are in order: the least of those ahead is the next one.
  std::vector<uint32_t> ahead(segments.size());
  std::vector<Posting> postings;
  TextSegment::Block block;
  Writer writer;
  for (;;) {
    std::optional<std::string_view> least;
    for (size_t s = 0; s < segments.size(); s++) {
      if (ahead[s] == segments[s]->terms()) continue;
      const std::string_view head = segments[s]->term(ahead[s]);
      if (!least || head < *least) least = head;
    }
    if (!least) break;
    postings.clear();
    for (size_t s = 0; s < segments.size(); s++) {
      if (ahead[s] == segments[s]->terms() || segments[s]->term(ahead[s]) != *least) continue;
      const TextSegment::Postings from = segments[s]->postings(ahead[s]++);
      for (uint32_t b = 0; b < from.blocks(); b++) {
        TextSegment::read(from, b, block);
        for (uint32_t i = 0; i < block.size; i++) {
          postings.push_back({block.events[i] + shifts[s], block.counts[i], block.lengths[i]});
        }
      }
    }
    writer.add(*least, postings);
  }
  return writer.finish(segments.front()->base(), lengths);
}

std::shared_ptr<const TextSegment> keep_in_memory(std::string bytes) {
  const auto memory = std::make_shared<const std::string>(std::move(bytes));
  return TextSegment::open(*memory, memory);
}

}  // namespace chronos
