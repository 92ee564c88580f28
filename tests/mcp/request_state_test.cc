#include "mcp/request_state.h"

#include <string>

#include "tests/support/chance.h"
#include "tests/support/scripted_tools.h"

// Last: its CHECK is the one meant here.
#include "tests/support/catch.h"

namespace chronos {

TEST_CASE("a request state comes back as it was, for its request only", "[mcp]") {
  StillClock clock;
  test::Chance chance(1);
  const RequestState states(clock, chance);
  const std::string state("a\0\n.\xff", 5);
  const std::string sealed = states.seal("tools/call x", state);
  const auto opened = states.open("tools/call x", sealed);
  REQUIRE(opened);
  CHECK(*opened == state);
  CHECK(!states.open("tools/call y", sealed));
  CHECK(!states.open("tools/call x", sealed + "-TAMPERED"));
  CHECK(!states.open("tools/call x", ""));
  CHECK(!states.open("tools/call x", "..."));
}

TEST_CASE("no byte of a request state can be changed", "[mcp]") {
  StillClock clock;
  test::Chance chance(1);
  const RequestState states(clock, chance);
  const std::string sealed = states.seal("r", "state");
  for (size_t i = 0; i < sealed.size(); i++) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    CHECK(!states.open("r", changed));
  }
}

TEST_CASE("a request state is of one server, and grows old", "[mcp]") {
  StillClock clock;
  test::Chance chance(1);
  const RequestState states(clock, chance);
  const RequestState others(clock, chance);
  const std::string sealed = states.seal("r", "");
  CHECK(states.open("r", sealed));
  CHECK(!others.open("r", sealed));
  clock.advance_us(int64_t{3600} * 1'000'000);
  CHECK(states.open("r", sealed));
  clock.advance_us(1);
  CHECK(!states.open("r", sealed));
}

}  // namespace chronos
