// Vector search over any segments, cut anywhere and filtered, against the cosine of each vector in turn.
#include "search/vector_search.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/chance.h"
#include "tests/support/random_vectors.h"

namespace chronos::test {
namespace {

using Vectors = std::vector<std::vector<float>>;  // one for each event; empty when it has none

std::shared_ptr<const VectorSegment> segment_of(const Vectors& vectors, size_t begin, size_t end) {
  VectorSegmentBuilder builder(Position{begin});
  for (size_t i = begin; i < end; i++) {
    if (vectors[i].empty()) {
      builder.add_none();
    } else {
      builder.add(vectors[i]);
    }
  }
  auto made = keep_vectors_in_memory(builder.finish());
  REQUIRE(made != nullptr);
  return made;
}

std::vector<VectorPiece> random_pieces(Chance& chance, const Vectors& vectors, size_t count) {
  std::vector<VectorPiece> pieces;
  for (size_t begin = 0; begin < count;) {
    size_t end = begin;
    std::vector<std::shared_ptr<const VectorSegment>> parts;
    for (uint64_t n = chance.between(1, 3); n > 0 && end < vectors.size(); n--) {
      const size_t from = end;
      end = std::min(vectors.size(), from + chance.between(1, chance.below(300) + 1));
      parts.push_back(segment_of(vectors, from, end));
    }
    const auto segment = parts.size() == 1 ? parts.front() : keep_vectors_in_memory(VectorSegmentBuilder::merge(parts));
    REQUIRE(segment != nullptr);
    pieces.push_back({segment, nullptr, 0, static_cast<uint32_t>(std::min(end, count) - begin)});
    begin = end;
  }
  return pieces;
}

std::vector<float> unit_row(const std::vector<float>& vector) {
  std::vector<float> row(float_stride(vector.size()));
  if (!to_unit(vector, row.data())) row.clear();
  return row;
}

std::vector<ScoredEvent> expected(const Vectors& vectors, size_t count, const std::vector<float>& query, size_t most,
                                  const VectorSearch::Filter& filter) {
  std::vector<ScoredEvent> all;
  const std::vector<float> wanted = unit_row(query);
  for (size_t i = 0; i < count; i++) {
    if (vectors[i].size() != query.size() || (filter && !filter(Position{i + 1}))) continue;
    const std::vector<float> row = unit_row(vectors[i]);
    if (row.empty()) continue;
    all.push_back({Position{i + 1}, plain_kernels().dot_floats(wanted.data(), row.data(), row.size())});
  }
  std::sort(all.begin(), all.end(), comes_before);
  all.resize(std::min(all.size(), most));
  return all;
}

double recall(const std::vector<ScoredEvent>& found, const std::vector<ScoredEvent>& wanted) {
  if (wanted.empty()) return 1;
  size_t same = 0;
  for (const ScoredEvent& event : wanted) same += std::count(found.begin(), found.end(), event) > 0 ? 1 : 0;
  return static_cast<double>(same) / static_cast<double>(wanted.size());
}

VectorSearch search_of(std::vector<VectorPiece> pieces, const std::vector<float>& query, bool exact = false) {
  auto made = VectorSearch::make(std::move(pieces), {query, exact});
  if (!made) FAIL(made.error().message);
  return *std::move(made);
}

}  // namespace

TEST_CASE("vector search is the cosine of each vector, whatever segments and bound", "[search][vector][model]") {
  for (const uint64_t seed : test_seeds(1, 8)) {
    INFO("CHRONOS_SEED=" << seed);
    Chance chance(seed);
    const size_t dimension = chance.between(1, 70);
    RandomVectors random(chance, dimension, chance.between(1, 20));
    RandomVectors other(chance, dimension + 1, 3);
    Vectors vectors;
    for (uint64_t i = chance.between(1, 1500); i > 0; i--) {
      const uint64_t kind = chance.below(100);
      vectors.push_back(kind < 70   ? random.next()
                        : kind < 80 ? other.next()
                        : kind < 85 ? std::vector<float>(dimension)
                                    : std::vector<float>());
      if (chance.percent(5)) vectors.push_back(vectors[chance.below(vectors.size())]);
    }
    vectors.front() = random.next();
    for (int round = 0; round < 5; round++) {
      const size_t count = chance.between(1, vectors.size());
      const std::vector<float> query = random.next();
      const uint64_t part = chance.between(1, 6);
      VectorSearch::Filter filter;
      if (part > 1) filter = [part](Position position) { return position.value % part == 0; };
      const size_t most = chance.between(1, 30);
      const auto wanted = expected(vectors, count, query, most, filter);
      REQUIRE(search_of(random_pieces(chance, vectors, count), query, true).best(most, filter) == wanted);
      // One dimension has two directions; everything is a tie there, and the bytes are exact.
      const VectorSearch search = search_of(random_pieces(chance, vectors, count), query);
      REQUIRE(search.best(most, filter) == wanted);
      REQUIRE_FALSE(search.is_approximate());
      const auto all = expected(vectors, count, query, count, nullptr);
      REQUIRE(search.vectors() == all.size());
      std::set<uint64_t> have;
      for (const ScoredEvent& event : all) {
        REQUIRE(search.score(event.position) == event.score);
        have.insert(event.position.value);
      }
      for (uint64_t position = 1; position <= count + 3; position++) {
        if (!have.contains(position)) REQUIRE_FALSE(search.score(Position{position}));
      }
    }
  }
}

TEST_CASE("a selection by span, bits and filter is a filter", "[search][vector][model]") {
  for (const uint64_t seed : test_seeds(1, 8)) {
    INFO("CHRONOS_SEED=" << seed);
    Chance chance(seed);
    RandomVectors random(chance, 12, 6);
    Vectors vectors;
    const uint64_t percent = chance.pick<uint64_t>({100, 60, 5});
    for (uint64_t i = chance.between(1, 1500); i > 0; i--) {
      vectors.push_back(chance.percent(percent) ? random.next() : std::vector<float>());
    }
    vectors.front() = random.next();
    for (int round = 0; round < 8; round++) {
      const size_t count = chance.between(1, vectors.size());
      VectorSelection selection;
      selection.first = Position{chance.between(1, count)};
      selection.last = Position{chance.percent(30) ? UINT64_MAX : chance.below(count + 2)};
      std::vector<uint64_t> bits(count / 64 + 1);
      const uint64_t kept = chance.pick<uint64_t>({1, 10, 90});
      for (uint64_t bit = 0; bit < bits.size() * 64; bit++) {
        if (chance.percent(kept)) bits[bit / 64] |= uint64_t{1} << bit % 64;
      }
      if (chance.percent(70)) selection.bits = bits;
      if (chance.percent(50)) selection.filter = [](Position position) { return position.value % 3 != 0; };
      const auto as_filter = [&](Position position) {
        if (position < selection.first || position > selection.last) return false;
        const uint64_t bit = position.value - selection.first.value;
        if (!selection.bits.empty() && (bits[bit / 64] >> bit % 64 & 1) == 0) return false;
        return !selection.filter || selection.filter(position);
      };
      const std::vector<float> query = random.next();
      const size_t most = chance.between(1, 30);
      const auto wanted = expected(vectors, count, query, most, as_filter);
      for (const bool exact : {false, true}) {
        REQUIRE(search_of(random_pieces(chance, vectors, count), query, exact).best(most, selection) == wanted);
      }
    }
  }
}

TEST_CASE("a merged vector segment is the one made at once, byte for byte", "[search][vector]") {
  Chance chance(5);
  RandomVectors random(chance, 20, 4);
  RandomVectors other(chance, 7, 4);
  Vectors vectors;
  for (int i = 0; i < 400; i++) {
    vectors.push_back(chance.percent(60) ? random.next() : chance.percent(50) ? other.next() : std::vector<float>());
  }
  const std::vector<std::shared_ptr<const VectorSegment>> parts = {
      segment_of(vectors, 0, 1), segment_of(vectors, 1, 200), segment_of(vectors, 200, 201),
      segment_of(vectors, 201, 400)};
  CHECK(VectorSegmentBuilder::merge(parts) == segment_of(vectors, 0, 400)->content());
}

TEST_CASE("what is no vector segment is not opened", "[search][vector]") {
  Chance chance(6);
  RandomVectors random(chance, 20, 4);
  const std::string bytes(segment_of({random.next(), {}, random.next()}, 0, 3)->content());
  CHECK(VectorSegment::open("", nullptr) == nullptr);
  for (size_t size = 0; size < bytes.size(); size += 24) {
    CHECK(keep_vectors_in_memory(bytes.substr(0, size)) == nullptr);
  }
  // Whatever the layout says, nothing outside is read.
  for (size_t at = 0; at < 48; at++) {
    for (const int bit : {0, 3, 7}) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ 1 << bit);
      const auto opened = keep_vectors_in_memory(changed);
      if (opened == nullptr) continue;
      for (const VectorSegment::Group& group : opened->groups()) CHECK(group.rows_before(UINT32_MAX) <= group.count);
    }
  }
}

TEST_CASE("a query that can be compared with nothing is refused", "[search][vector]") {
  const Vectors vectors = {{1, 2, 3}, {}, {1, 2}};
  const auto failure = [&](const std::vector<float>& query) {
    auto made = VectorSearch::make({{segment_of(vectors, 0, 3), nullptr, 0, 3}}, {query, false});
    REQUIRE_FALSE(made);
    CHECK(made.error().code == Code::kInvalidArgument);
    return made.error().message;
  };
  CHECK(failure({1, 2, 3, 4}) ==
        "vector has 4 numbers, the vectors stored here have 2, 3: make it with the model that made those");
  CHECK(failure({}).find("empty") != std::string::npos);
  CHECK(failure({0, 0, 0}).find("zero") != std::string::npos);
  CHECK(failure({1, std::numeric_limits<float>::quiet_NaN(), 0}).find("vector[1]") != std::string::npos);
  CHECK(failure({std::numeric_limits<float>::infinity()}).find("vector[0]") != std::string::npos);
  CHECK(failure(std::vector<float>(8193, 1.0F)).find("limit is 8192") != std::string::npos);
  // Where there are no vectors there is nothing to be found, and no mistake.
  CHECK(search_of({}, {1, 2, 3}).best(10, nullptr).empty());
}

TEST_CASE("a graph finds what a scan does, at any cut and with filters", "[search][vector][graph]") {
  Chance chance(11);
  constexpr size_t kVectors = 800;
  RandomVectors random(chance, 24, 30);
  Vectors vectors;
  for (size_t i = 0; i < kVectors; i++) vectors.push_back(chance.percent(95) ? random.next() : std::vector<float>());
  const auto segment = segment_of(vectors, 0, kVectors);
  const VectorSegment::Group& rows = *segment->group(24);
  const std::string bytes = VectorGraph::build(rows, {.links = 8, .construction = 40}, {});
  REQUIRE_FALSE(bytes.empty());
  // The same rows, the same graph.
  CHECK(VectorGraph::build(rows, {.links = 8, .construction = 40}, {}) == bytes);
  const auto graph = VectorGraph::open(bytes, rows, nullptr);
  REQUIRE(graph != nullptr);
  size_t walks = 0;
  for (const uint32_t percent_visible : {1, 5, 20, 50, 100}) {
    for (const uint64_t keep_one_of : {1, 2, 10, 100}) {
      const auto cut = static_cast<uint32_t>(kVectors * percent_visible / 100);
      double sum = 0;
      for (int q = 0; q < 5; q++) {
        const std::vector<float> query = random.next();
        const auto filter = [&](Position position) { return position.value * 7 % keep_one_of == 0; };
        const auto wanted = expected(vectors, cut, query, 10, filter);
        VectorGraph::Walk walk;
        std::vector<int8_t> codes(code_stride(24));
        walk.scale = to_codes(unit_row(query).data(), 24, codes.data()).scale;
        walk.query = codes.data();
        walk.most = 40;
        walk.rows = rows.rows_before(cut);
        walk.filter = [&](uint32_t row) { return filter(Position{rows.events[row] + uint64_t{1}}); };
        const auto found = graph->walk(rows, walk);
        REQUIRE(found);
        std::set<uint64_t> positions;
        for (const VectorGraph::Near& near : *found) {
          REQUIRE((near.row < walk.rows && walk.filter(near.row)));
          positions.insert(rows.events[near.row] + uint64_t{1});
        }
        size_t same = 0;
        for (const ScoredEvent& event : wanted) same += positions.count(event.position.value);
        sum += wanted.empty() ? 1 : static_cast<double>(same) / static_cast<double>(wanted.size());

        const VectorSearch search = search_of({{segment, graph, 24, std::max(1U, cut)}}, query);
        sum += recall(search.best(10, filter), wanted);
        walks += search.is_approximate() ? 1 : 0;
        walk.budget = 3;
        if (!wanted.empty()) CHECK_FALSE(graph->walk(rows, walk));
      }
      INFO("visible " << percent_visible << " % of one of " << keep_one_of);
      CHECK(sum / 10 >= 0.95);
    }
  }
  // So few vectors are scanned.
  CHECK(walks == 0);
}

TEST_CASE("a graph of other rows, or a damaged one, is not opened or harmless", "[search][vector][graph]") {
  Chance chance(12);
  RandomVectors random(chance, 8, 5);
  Vectors vectors;
  for (size_t i = 0; i < 200; i++) vectors.push_back(random.next());
  const auto segment = segment_of(vectors, 0, 200);
  const VectorSegment::Group& rows = *segment->group(8);
  const std::string bytes = VectorGraph::build(rows, {.links = 4, .construction = 20}, {});
  CHECK(VectorGraph::open(bytes, *segment_of(vectors, 0, 199)->group(8), nullptr) == nullptr);
  CHECK(VectorGraph::open(bytes.substr(0, bytes.size() - 1), rows, nullptr) == nullptr);
  CHECK(VectorGraph::open("", rows, nullptr) == nullptr);
  vectors[3] = random.next();
  CHECK(VectorGraph::open(bytes, *segment_of(vectors, 0, 200)->group(8), nullptr) == nullptr);
  std::stop_source stop;
  stop.request_stop();
  CHECK(VectorGraph::build(rows, {}, stop.get_token()).empty());

  std::vector<int8_t> codes(code_stride(8), 1);
  for (const uint64_t seed : test_seeds(1, 200)) {
    INFO("CHRONOS_SEED=" << seed);
    Chance damage(seed);
    std::string changed = bytes;
    for (uint64_t n = damage.between(1, 40); n > 0; n--) {
      changed[damage.between(16, bytes.size() - 1)] = static_cast<char>(damage.next());
    }
    const auto opened = VectorGraph::open(changed, rows, nullptr);
    if (opened == nullptr) continue;
    VectorGraph::Walk walk;
    walk.query = codes.data();
    walk.rows = rows.count;
    const auto found = opened->walk(rows, walk);
    REQUIRE(found);
    for (const VectorGraph::Near& near : *found) REQUIRE(near.row < rows.count);
  }
}

}  // namespace chronos::test
