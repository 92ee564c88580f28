#include "mcp/resource_uri.h"

#include <string>

// Last: its CHECK is the one meant here.
#include "tests/support/catch.h"

namespace chronos {

TEST_CASE("the URIs of streams, events and guide pages are taken apart", "[mcp]") {
  const auto now = parse_resource_uri("chronos://main/streams/order-7");
  REQUIRE(now);
  CHECK(now->kind == ResourceUri::Kind::kStream);
  CHECK(now->fork == "main");
  CHECK(!now->position);
  CHECK(now->name == "order-7");

  const auto then = parse_resource_uri("chronos://try-1@1042/streams/a%2Fb%20%C3%A4");
  REQUIRE(then);
  CHECK(then->fork == "try-1");
  CHECK(then->position == 1042u);
  CHECK(then->name == "a/b \xC3\xA4");

  const auto event = parse_resource_uri("chronos://main/events/3");
  REQUIRE(event);
  CHECK(event->kind == ResourceUri::Kind::kEvent);
  CHECK(event->position == 3u);

  const auto page = parse_resource_uri("guide://start");
  REQUIRE(page);
  CHECK(page->kind == ResourceUri::Kind::kGuide);
  CHECK(page->name == "start");
}

TEST_CASE("what is no resource is none", "[mcp]") {
  for (const char* uri :
       {"", "chronos://", "chronos:///streams/a", "chronos://main", "chronos://main/streams/",
        "chronos://main/streams/a/b",
        "chronos://main/streams/../../etc", "chronos://main/streams/a%2", "chronos://main/streams/a%zz",
        "chronos://main/streams/a%00", "chronos://main/streams/%ff", "chronos://main/streams/a?b",
        "chronos://main@/streams/a",
        "chronos://main@-1/streams/a", "chronos://main@1x/streams/a", "chronos://main@99999999999999999999/streams/a",
        "chronos://main/events/0", "chronos://main/events/", "chronos://main/events/1/2", "chronos://main/other/1",
        "guide://", "guide://a/b", "http://main/streams/a"}) {
    CAPTURE(uri);
    CHECK(!parse_resource_uri(uri));
  }
}

}  // namespace chronos
