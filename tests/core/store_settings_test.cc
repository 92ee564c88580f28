// Settings are part of the log: they outlive everything that it outlives.
#include <map>
#include <memory>
#include <string>

#include "core/salvage.h"
#include "core/store.h"
#include "tests/support/catch.h"
#include "tests/support/simulated_disk.h"

namespace chronos::test {
namespace {

using Settings = std::map<std::string, std::string>;

StoreOptions options_on(SimulatedDisk& disk, const std::string& directory = "/store") {
  StoreOptions options;
  options.directory = directory;
  options.disk = &disk;
  options.seal_in_background = false;
  return options;
}

std::unique_ptr<Store> open(const StoreOptions& options) {
  auto store = Store::open(options);
  if (!store) FAIL(store.error().message);
  return *std::move(store);
}

}  // namespace

TEST_CASE("the last value of a setting outlives opening, sealing, backup, restore, salvage", "[store][settings]") {
  SimulatedDisk disk;
  const Settings expected = {{"search.k1", "1.2"}, {"search.language", "german"}};
  {
    const auto store = open(options_on(disk));
    const uint64_t version = store->settings_version();
    REQUIRE(store->change_setting("search.k1", "0.9", local_principal()));
    REQUIRE(store->change_setting("search.b", "0.5", local_principal()));
    CHECK(store->settings_version() > version);
    REQUIRE(store->change_setting("search.k1", "1.2", local_principal()));
    REQUIRE(store->seal());
    REQUIRE(store->change_setting("search.language", "german", local_principal()));
    REQUIRE(store->change_setting("search.b", "", local_principal()));
    const uint64_t records = store->records();
    REQUIRE(store->change_setting("search.k1", "1.2", local_principal()));
    CHECK(store->records() == records);
    CHECK(store->settings() == expected);
  }
  {
    const auto store = open(options_on(disk));
    CHECK(store->settings() == expected);
    CHECK(store->setting("search.k1") == "1.2");
    CHECK(store->setting("search.b").empty());
    REQUIRE(store->backup("/backup"));
  }
  disk.power_cut(1);
  CHECK(open(options_on(disk))->settings() == expected);
  CHECK(open(options_on(disk, "/backup"))->settings() == expected);
  REQUIRE(salvage("/store", options_on(disk, "/saved"), nullptr));
  CHECK(open(options_on(disk, "/saved"))->settings() == expected);
  REQUIRE(restore_to("/store", options_on(disk, "/restored"), Position{0}, nullptr));
  CHECK(open(options_on(disk, "/restored"))->settings() == expected);
}

TEST_CASE("a setting has a plain name and not too long a value, and is the operator's", "[store][settings]") {
  SimulatedDisk disk;
  const auto store = open(options_on(disk));
  for (const std::string& name : {std::string(), std::string("A"), std::string("a b"), std::string(65, 'a')}) {
    CHECK(store->change_setting(name, "x", local_principal()).error().code == Code::kInvalidArgument);
  }
  CHECK(store->change_setting("a", std::string(70'000, 'x'), local_principal()).error().code == Code::kTooLarge);
  CHECK(store->change_setting("a", "x", Principal{"ann", Role::kMerger, {}, false}).error().code ==
        Code::kPermissionDenied);
  CHECK(store->settings().empty());
}

}  // namespace chronos::test
