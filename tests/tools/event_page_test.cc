#include "tools/event_page.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/tool_session.h"

namespace chronos::test {

using Json = nlohmann::json;

TEST_CASE("A page that looked at too much stops, and the next one goes on there", "[tools]") {
  ToolSession session;
  for (int i = 1; i <= 20; i++) session.append("s", i == 13 ? "Rare" : "Usual", {{"n", i}});
  const View view = *session.store().view({});
  EventFilter filter;
  filter.where.push_back(*FieldFilter::make("/n", "=", "13"));
  for (const Order order : {Order::kAscending, Order::kDescending}) {
    PageRequest request;
    request.order = order;
    request.size = {10'000, "bytes"};
    request.budget = 3;
    std::vector<uint64_t> found;
    int pages = 0;
    for (PageEnd end{"time", {}}; !end.cut.empty(); pages++) {
      CHECK(end.cut == "time");
      std::string text;
      JsonWriter json(text);
      end = *write_page(json, view, filter, request, {});
      request.from = end.next;
      for (const Json& event : Json::parse(text)) found.push_back(event["position"]);
    }
    CHECK(found == std::vector<uint64_t>{13});
    CHECK(pages == 7);
  }
}

TEST_CASE("A page is cancelled between two steps", "[tools]") {
  ToolSession session;
  Json events = Json::array();
  for (int i = 0; i < 10'000; i++) events.push_back({{"stream", "s"}, {"type", "T"}, {"data", Json::object()}});
  for (int i = 0; i < 11; i++) session.call("append_events", {{"events", events}});
  EventFilter filter;
  filter.where.push_back(*FieldFilter::make("/n", "exists", "true"));
  std::stop_source stop;
  stop.request_stop();
  PageRequest request;
  request.size = {10'000, "bytes"};
  std::string text;
  JsonWriter json(text);
  const auto end = write_page(json, *session.store().view({}), filter, request, stop.get_token());
  REQUIRE(!end);
  CHECK(end.error().code == Code::kUnavailable);
}

}  // namespace chronos::test
