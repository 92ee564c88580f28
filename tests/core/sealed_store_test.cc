// What the sealed segments of a store know together.
#include "core/sealed_store.h"

#include <memory>
#include <string>

#include "core/seal.h"
#include "tests/support/catch.h"
#include "tests/support/segment_filler.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {
namespace {

const std::string kDirectory = "/store/segments";

std::unique_ptr<SealedStore> open_store(Disk& disk) {
  auto opened = SealedStore::open(disk, kDirectory);
  if (!opened) FAIL(opened.error().message);
  REQUIRE((*opened)->open_segments(kMainFork, "main").has_value());
  return *std::move(opened);
}

std::shared_ptr<const SealedSegment> seal(SealedStore& store, std::shared_ptr<const MemorySegment> segment) {
  SealPlan plan;
  plan.parts.push_back({kMainFork, "main", std::move(segment)});
  plan.living.insert(kMainFork);
  const auto sealed = store.seal(plan);
  if (!sealed) FAIL(sealed.error().message);
  return sealed->front().fresh;
}

}  // namespace

TEST_CASE("What packed the segments of a store packs those that are added after it was opened again", "[sealed]") {
  SimulatedDisk disk(1);
  REQUIRE(disk.create_directories(kDirectory).has_value());
  SegmentFiller filler(1, 60);
  std::string learned;
  {
    const auto store = open_store(disk);
    learned = packing_of(*seal(*store, filler.fill(40'000, 500)))->bytes;
    // A small one comes between.
    CHECK(packing_of(*seal(*store, filler.fill(100, 5))) == nullptr);
  }
  const auto store = open_store(disk);
  const auto model = filler.fill(40'000, 500);
  const auto sealed = seal(*store, model);
  CHECK(packing_of(*sealed)->bytes == learned);
  for (uint32_t local = 0; local < sealed->published_events(); local += 97) {
    REQUIRE(sealed->event(local).data() == model->event(local).data());
  }
}

}  // namespace chronos::test
