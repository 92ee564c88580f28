// Two lists as one, worked out by hand.
#include "search/fusion.h"

#include <vector>

#include "tests/support/catch.h"

namespace chronos::test {
namespace {

using Events = std::vector<ScoredEvent>;

ScoredEvent event(uint64_t position, float score) { return {Position{position}, score}; }

}  // namespace

TEST_CASE("scores of words and vectors are scaled, weighed and added", "[search][fusion]") {
  RankedList words{{event(3, 8), event(1, 4)}, nullptr};
  RankedList vectors{{event(2, 0.9F), event(3, 0.5F), event(4, 0.1F)}, nullptr};
  CHECK(fuse(words, vectors, {}) == Events{event(3, 0.5F + 0.25F), event(2, 0.5F), event(1, 0.25F), event(4, 0)});
  CHECK(fuse(words, vectors, {.word_weight = 1}) ==
        Events{event(3, 1), event(1, 0.5F), event(2, 0), event(4, 0)});
  CHECK(fuse(words, vectors, {.most = 2}) == Events{event(3, 0.75F), event(2, 0.5F)});
  CHECK(fuse(words, {}, {}) == Events{event(3, 0.5F), event(1, 0.25F)});
  CHECK(fuse({}, {}, {}).empty());
}

TEST_CASE("what one list found the other is asked about", "[search][fusion]") {
  RankedList words{{event(1, 4)}, [](Position position) -> std::optional<float> {
                     return position.value == 2 ? 2.0F : 0.0F;
                   }};
  RankedList vectors{{event(2, 0.5F)}, [](Position position) -> std::optional<float> {
                       if (position.value == 1) return 0.25F;
                       return std::nullopt;
                     }};
  // 1: 4/4 and the lowest vector; 2: 2/4 and the highest.
  CHECK(fuse(words, vectors, {}) == Events{event(2, 0.25F + 0.5F), event(1, 0.5F)});
}

TEST_CASE("equal scores go by position", "[search][fusion]") {
  RankedList words{{event(5, 1), event(9, 1)}, nullptr};
  RankedList vectors{{event(2, -0.5F), event(7, -0.5F)}, nullptr};
  CHECK(fuse(words, vectors, {}) == Events{event(2, 0.5F), event(5, 0.5F), event(7, 0.5F), event(9, 0.5F)});
}

TEST_CASE("ranks are added up where that is asked for", "[search][fusion]") {
  RankedList words{{event(3, 8), event(1, 4)}, nullptr};
  RankedList vectors{{event(1, 0.9F), event(2, 0.5F)}, nullptr};
  const Events fused = fuse(words, vectors, {.by = FusionOptions::By::kRanks});
  REQUIRE(fused.size() == 3);
  CHECK(fused[0].position == Position{1});
  CHECK(fused[0].score == Approx(1.0 / 61 + 1.0 / 62));
  CHECK(fused[1] == event(3, 1.0F / 61));
  CHECK(fused[2] == event(2, 1.0F / 62));
}

}  // namespace chronos::test
