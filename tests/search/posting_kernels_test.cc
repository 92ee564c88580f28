// Every way of working on a block of postings against the loops that can be seen to be right, and those against what
// the numbers were made from.
#include "search/posting_kernels.h"

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/chance.h"

namespace chronos::test {
namespace {

constexpr uint32_t kMost = 128;
constexpr uint32_t kUntouched = 0xABABABAB;

// As a segment has them: packed numbers, then two bytes for each posting, then eight more.
std::string packed(const std::vector<uint32_t>& numbers, uint32_t bits) {
  std::string bytes((numbers.size() * bits + 7) / 8 + 2 * (numbers.size() + 1) + 8, '\x5A');
  std::fill_n(bytes.begin(), (numbers.size() * bits + 7) / 8, '\0');
  for (size_t i = 0; i < numbers.size() * bits; i++) {
    const uint32_t bit = numbers[i / bits] >> i % bits & 1;
    bytes[i / 8] = static_cast<char>(static_cast<uint8_t>(bytes[i / 8]) | bit << i % 8);
  }
  return bytes;
}

std::vector<uint8_t> random_bytes(Chance& chance, uint32_t count, uint64_t from, uint64_t to) {
  std::vector<uint8_t> bytes;
  for (uint32_t i = 0; i < count; i++) bytes.push_back(static_cast<uint8_t>(chance.between(from, to)));
  return bytes;
}

}  // namespace

TEST_CASE("every kernel unpacks what was packed", "[search][index]") {
  for (const uint64_t seed : test_seeds(1, 10)) {
    INFO("CHRONOS_SEED=" << seed);
    Chance chance(seed);
    for (uint32_t bits = 0; bits <= 32; bits++) {
      const uint32_t count = static_cast<uint32_t>(chance.percent(30) ? 127 : chance.below(128));
      const auto first = static_cast<uint32_t>(chance.next());
      std::vector<uint32_t> numbers;
      for (uint32_t i = 0; i < count; i++) {
        numbers.push_back(static_cast<uint32_t>(chance.next() & ((uint64_t{1} << bits) - 1)));
      }
      std::vector<uint32_t> expected(count);
      uint32_t sum = first;
      for (uint32_t i = 0; i < count; i++) expected[i] = sum += numbers[i] + 1;
      const std::string bytes = packed(numbers, bits);
      for (const PostingKernels* kernels : posting_kernels_here()) {
        INFO(kernels->name << ", " << count << " of " << bits << " bits");
        std::vector<uint32_t> events(count + 8, kUntouched);
        kernels->unpack(bytes.data(), bits, count, first, events.data());
        REQUIRE(events.back() == kUntouched);
        events.resize(count);
        REQUIRE(events == expected);
      }
    }
  }
}

TEST_CASE("every kernel finds the postings that are short enough for their counts", "[search][index]") {
  for (const uint64_t seed : test_seeds(1, 50)) {
    INFO("CHRONOS_SEED=" << seed);
    Chance chance(seed);
    const uint32_t size = static_cast<uint32_t>(chance.percent(30) ? kMost : chance.between(1, kMost));
    const auto counts = random_bytes(chance, size, 1, chance.pick<uint64_t>({1, 2, 255}));
    const auto lengths = random_bytes(chance, size, 1, 255);
    const auto of_one = static_cast<uint8_t>(chance.below(256));
    const auto of_more = static_cast<uint8_t>(chance.between(of_one, 255));
    PostingBits expected{};
    for (uint32_t i = 0; i < size; i++) {
      const bool is_short = lengths[i] <= (counts[i] == 1 ? of_one : of_more);
      if (is_short) expected.at(i / 64) |= uint64_t{1} << i % 64;
    }
    for (const PostingKernels* kernels : posting_kernels_here()) {
      INFO(kernels->name);
      REQUIRE(kernels->no_longer(counts.data(), lengths.data(), size, of_one, of_more) == expected);
    }
  }
}

TEST_CASE("every kernel chooses the same postings, none missing", "[search][index]") {
  for (const uint64_t seed : test_seeds(1, 50)) {
    INFO("CHRONOS_SEED=" << seed);
    Chance chance(seed);
    const uint32_t size = static_cast<uint32_t>(chance.percent(30) ? kMost : chance.between(1, kMost));
    std::vector<uint32_t> events;
    uint32_t event = chance.percent(10) ? 0xF0000000 : static_cast<uint32_t>(chance.below(100'000));
    for (uint32_t i = 0; i < size; i++) events.push_back(event += static_cast<uint32_t>(chance.between(1, 60)));
    events.resize(size + 7);
    EventBits those;
    PostingBits these{};
    for (uint32_t i = 0; i < size; i++) {
      if (chance.percent(10)) these.at(i / 64) |= uint64_t{1} << i % 64;
      if (chance.percent(10)) those.add(events[i]);
    }
    for (uint64_t others = chance.below(20); others > 0; others--) those.add(static_cast<uint32_t>(chance.next()));
    const auto begin = static_cast<uint32_t>(chance.below(size + 1));
    const auto end = static_cast<uint32_t>(chance.between(begin, size));
    std::vector<uint8_t> expected;
    for (uint32_t i = begin; i < end; i++) {
      const bool is_one = (these.at(i / 64) >> i % 64 & 1) != 0 || those.may_have(events[i]);
      if (is_one) expected.push_back(static_cast<uint8_t>(i));
    }
    for (const PostingKernels* kernels : posting_kernels_here()) {
      INFO(kernels->name);
      std::vector<uint8_t> chosen(kMost + 8);
      const uint32_t count = kernels->choose(events.data(), begin, end, these, those, chosen.data());
      chosen.resize(count);
      REQUIRE(chosen == expected);
    }
  }
}

TEST_CASE("what was added to event bits may be there, and most others are not", "[search][index]") {
  EventBits bits;
  for (uint32_t event = 0; event < 50; event++) bits.add(event * 1000);
  uint32_t others = 0;
  for (uint32_t event = 0; event < 50'000; event++) {
    if (event % 1000 == 0) CHECK(bits.may_have(event));
    others += bits.may_have(event) ? 1 : 0;
  }
  CHECK(others <= 50'000 * 50 / EventBits::kBits + 50);
}

}  // namespace chronos::test
