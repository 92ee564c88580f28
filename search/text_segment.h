// The keyword index of a run of one fork's events that follow each other: for each term the events that have it, in
// order of position, each with how often, and how long its text is.
//
// It is one stretch of bytes, in memory or in a mapped file, which never changes: readers take a prefix of it - the
// first `cut` events - and get what an index of those events alone would say.  Segments of neighbouring runs merge into
// one.
//
//   header | lengths (1 byte an event) | sums of lengths, every 128 events | hash slots | terms | their texts |
//   postings
//
//   postings of a term:  where its blocks end (only if there are more than one), then blocks of up to 128 events:
//                        first event, bits, number, differences of so many bits, how often (1 byte), length codes (1
//                        byte)
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/types.h"
#include "search/analyzer.h"

namespace chronos {

class TextSegment {
 public:
  static constexpr uint32_t kBlock = 128;

  // Null when the bytes are not those of a segment.  They are trusted beyond that: files have checksums.
  // `memory` keeps them; they begin at a multiple of 8.
  static std::shared_ptr<const TextSegment> open(std::string_view bytes, std::shared_ptr<const void> memory);

  // The event after `base` is number 0.
  Position base() const { return Position{header().base}; }
  uint32_t events() const { return header().events; }
  size_t bytes() const { return bytes_.size(); }
  std::string_view content() const { return bytes_; }

  // How many terms the first `cut` events have in all.
  uint64_t length_before(uint32_t cut) const;

  // The events that have a term.
  struct Postings {
    const char* at = nullptr;
    uint32_t size = 0;
    // What no event exceeds: the highest count, and the least length code of those with count 1, 2, 3, and more.
    uint8_t most = 0;
    std::array<uint8_t, 4> shortest{};
    uint32_t blocks() const { return (size + kBlock - 1) / kBlock; }
  };
  std::optional<Postings> find(std::string_view term) const;
  // The same of several: it waits for memory that is far only once for all of them.
  // Requires: there is a place in `found` for each.
  void find(std::span<const std::string_view> terms, std::span<std::optional<Postings>> found) const;
  // How many of the first `cut` events have it.
  static uint32_t rank(const Postings& postings, uint32_t cut);

  // One block of postings, unpacked.  Made without contents.
  struct Block {
    Block() {}  // NOLINT(modernize-use-equals-default): that would write zeros
    std::array<uint32_t, kBlock + 8> events;  // those behind `size` are nothing
    const uint8_t* counts = nullptr;   // how often each has the term, at most 255
    const uint8_t* lengths = nullptr;  // length codes
    uint32_t size = 0;
  };
  // Requires: i < postings.blocks().
  static void read(const Postings& postings, uint32_t i, Block& block);
  // All but the events, which is much less work.
  static void read_counts(const Postings& postings, uint32_t i, Block& block);
  // The last event of a block, without unpacking it when there are several.
  static uint32_t last_event(const Postings& postings, uint32_t i);
  // The first block, from `from` on, whose last event is not before `event`; their number when there is none, if there
  // are several, and `from` if there is one.
  static uint32_t block_of(const Postings& postings, uint32_t event, uint32_t from = 0);
  // How often the event has the term (0: never) and its length code.
  struct Count {
    uint8_t count = 0;
    uint8_t length = 0;
  };
  static Count count_in(const Postings& postings, uint32_t event);

  // In order of their bytes.
  uint32_t terms() const { return header().terms; }
  std::string_view term(uint32_t i) const;
  Postings postings(uint32_t i) const;
  uint8_t length(uint32_t event) const { return lengths()[event]; }

 private:
  friend class TextSegmentBuilder;
  struct Header {
    char magic[8];
    uint32_t version;
    uint32_t events;
    uint64_t base;
    uint32_t terms;
    uint32_t slots;  // a power of two
    uint64_t sums_at;
    uint64_t slots_at;
    uint64_t terms_at;
    uint64_t texts_at;
    uint64_t postings_at;
    uint64_t size;
  };
  struct Term {
    uint32_t text;  // where it is, among the texts
    uint8_t text_size;
    uint8_t most;  // as in Postings
    uint16_t zero;
    uint32_t size;  // of its postings
    std::array<uint8_t, 4> shortest;
    uint64_t postings;
  };
  static_assert(sizeof(Header) == 80 && sizeof(Term) == 24);

  TextSegment(std::string_view bytes, std::shared_ptr<const void> memory) : bytes_(bytes), memory_(std::move(memory)) {}
  const Header& header() const { return *reinterpret_cast<const Header*>(bytes_.data()); }
  const uint8_t* lengths() const { return reinterpret_cast<const uint8_t*>(bytes_.data()) + sizeof(Header); }
  const char* slot(uint64_t i) const { return bytes_.data() + header().slots_at + i * sizeof(uint32_t); }
  std::optional<Postings> find(std::string_view term, uint64_t slot) const;
  const Term& entry(uint32_t i) const { return reinterpret_cast<const Term*>(bytes_.data() + header().terms_at)[i]; }

  const std::string_view bytes_;
  const std::shared_ptr<const void> memory_;
};

// Makes a segment.  One thread; used once.
class TextSegmentBuilder {
 public:
  explicit TextSegmentBuilder(Position base) : base_(base) {}

  // The next event.
  void add(const Terms& terms);
  uint32_t events() const { return static_cast<uint32_t>(lengths_.size()); }
  // About what it will take.
  size_t bytes() const { return bytes_; }
  std::string finish();

  // Of segments that follow each other.  What they say of an event is kept as it is.
  static std::string merge(std::span<const std::shared_ptr<const TextSegment>> segments);

 private:
  struct Posting {
    uint32_t event;
    uint8_t count;
    uint8_t length;
  };
  class Writer;

  const Position base_;
  std::vector<uint8_t> lengths_;
  struct HashOfText {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, std::vector<Posting>, HashOfText, std::equal_to<>> lists_;
  size_t bytes_ = 0;
};

// Bytes that begin at a multiple of 8 and have room behind them to be read in words.
std::shared_ptr<const TextSegment> keep_in_memory(std::string bytes);

}  // namespace chronos
