// The containers under a segment against the obvious ones of the standard library.
#include <atomic>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "core/arena.h"
#include "core/column.h"
#include "core/hash_index.h"
#include "core/name_table.h"
#include "core/posting_index.h"
#include "tests/support/catch.h"

namespace chronos {
namespace {

TEST_CASE("An arena's memory stays where it is and keeps what was put in", "[structures]") {
  Arena arena;
  std::vector<std::pair<char*, size_t>> pieces;
  for (size_t i = 0; i < 3000; i++) {
    const size_t size = i % 7 == 0 ? i * 13 : i % 40;
    char* piece = arena.allocate(size, 64);
    REQUIRE(reinterpret_cast<uintptr_t>(piece) % 8 == 0);
    std::memset(piece, static_cast<int>(i % 251), size);
    pieces.emplace_back(piece, size);
  }
  for (size_t i = 0; i < pieces.size(); i++) {
    for (size_t k = 0; k < pieces[i].second; k++) {
      REQUIRE(static_cast<unsigned char>(pieces[i].first[k]) == i % 251);
    }
  }
  CHECK(arena.bytes() > 0);
}

TEST_CASE("An arena gives more than its largest chunk in one piece", "[structures]") {
  Arena arena;
  constexpr size_t kSize = size_t{70} << 20;
  char* piece = arena.allocate(kSize, 64);
  piece[0] = piece[kSize - 1] = piece[kSize + 63] = 'x';
  CHECK(arena.allocate(10) != nullptr);
}

TEST_CASE("An arena gives out each stretch of memory to be made ready once, ahead of what is used", "[structures]") {
  constexpr size_t kAhead = size_t{128} << 10;
  Arena arena;
  CHECK(arena.claim_ahead(kAhead).empty());
  const char* claimed_to = nullptr;
  size_t claims = 0;
  for (int i = 0; i < 40'000; i++) {
    char* const memory = arena.allocate(1000);
    const std::span<char> claimed = arena.claim_ahead(kAhead);
    Arena::make_ready(claimed);
    std::memset(memory, 'x', 1000);
    if (claimed.empty()) continue;
    claims++;
    const char* begin = claimed.data();
    const bool goes_on = begin == claimed_to;
    CHECK((goes_on || (begin <= memory && memory < begin + claimed.size())));  // or a new chunk was begun
    claimed_to = begin + claimed.size();
  }
  CHECK(claims > 100);
  CHECK(claims < 400);
}

TEST_CASE("A column's elements do not move as it grows", "[structures]") {
  Column<uint64_t, 2> column;
  std::vector<const uint64_t*> addresses;
  for (uint64_t i = 0; i < 100'000; i++) addresses.push_back(&column.push_back(i * 3));
  REQUIRE(column.size() == 100'000);
  for (uint32_t i = 0; i < 100'000; i++) {
    REQUIRE(&column[i] == addresses[i]);
    REQUIRE(column[i] == uint64_t{i} * 3);
  }
}

TEST_CASE("A hash index finds what a map finds, also among equal hashes", "[structures]") {
  HashIndex index;
  std::vector<std::string> words;
  std::unordered_map<std::string, uint32_t> model;
  for (uint32_t i = 0; i < 50'000; i++) {
    words.push_back("word-" + std::to_string(i));
    // Few distinct hashes at first, so that runs of equal ones are long.
    const uint64_t hash = i < 300 ? uint64_t{i % 3} << 32 : std::hash<std::string>{}(words[i]);
    index.insert(hash, i);
    model[words[i]] = i;
  }
  for (uint32_t i = 0; i < words.size(); i++) {
    const uint64_t hash = i < 300 ? uint64_t{i % 3} << 32 : std::hash<std::string>{}(words[i]);
    REQUIRE(index.find(hash, [&](uint32_t n) { return words[n] == words[i]; }) == model[words[i]]);
  }
  CHECK(index.find(7, [](uint32_t) { return false; }) == HashIndex::kNone);
  CHECK(HashIndex().find(7, [](uint32_t) { return true; }) == HashIndex::kNone);
}

TEST_CASE("Of numbers under one hash the first inserted is found first, before and after growing", "[structures]") {
  HashIndex index;
  for (uint32_t i = 0; i < 1000; i++) {
    index.insert(uint64_t{9} << 32, i);
    REQUIRE(index.find(uint64_t{9} << 32, [](uint32_t) { return true; }) == 0);
  }
}

TEST_CASE("A posting index keeps each key's list in order", "[structures]") {
  PostingIndex index;
  std::map<uint32_t, std::vector<uint32_t>> model;
  for (uint32_t local = 0; local < 20'000; local++) {
    const uint32_t key = (local * 2654435761u) % 97 % (1 + local % 50);
    index.append(index.entry(key), local);
    model[key].push_back(local);
  }
  CHECK(index.size() == model.size());
  for (const auto& [key, locals] : model) {
    const PostingIndex::Entry* entry = index.find(key);
    REQUIRE(entry != nullptr);
    const auto read = entry->postings.read();
    REQUIRE(std::vector<uint32_t>(read.begin(), read.end()) == locals);
  }
  CHECK(index.find(1'000'000) == nullptr);
}

TEST_CASE("Readers of a posting list see a prefix of it at any time", "[structures][threads]") {
  PostingIndex index;
  index.entry(5);
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::thread reader([&] {
    while (!done.load()) {
      const auto read = index.find(5)->postings.read();
      for (uint32_t i = 0; i < read.size(); i++) {
        if (read[i] != i * 2) wrong.fetch_add(1);
      }
    }
  });
  for (uint32_t i = 0; i < 20'000; i++) {
    index.append(index.entry(5), i * 2);
    if (i % 16 == 0) index.entry(100 + i);
  }
  done.store(true);
  reader.join();
  CHECK(wrong.load() == 0);
}

TEST_CASE("Names keep their numbers", "[structures]") {
  NameTable names;
  const auto hash = [](std::string_view name) { return std::hash<std::string_view>{}(name); };
  CHECK(names.find("order-1", hash("order-1")) == NameTable::kNone);
  CHECK(names.intern("order-1", hash("order-1")) == 0);
  for (uint32_t i = 1; i < 5000; i++) {
    const std::string name = "n" + std::to_string(i);
    REQUIRE(names.intern(name, hash(name)) == i);
  }
  CHECK(names.intern("order-1", hash("order-1")) == 0);
  CHECK(names.name(0) == "order-1");
  CHECK(names.name(4999) == "n4999");
}

}  // namespace
}  // namespace chronos
