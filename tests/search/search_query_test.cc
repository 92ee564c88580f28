// What people type, taken apart; what makes no sense as syntax is words.
#include "search/search_query.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace chronos::test {
namespace {

using Texts = std::vector<std::string>;

SearchQuery parsed(std::string_view text) {
  auto query = parse_query(text);
  if (!query) FAIL(query.error().message);
  return *std::move(query);
}

}  // namespace

TEST_CASE("words, phrases and exclusions of a query", "[search]") {
  const SearchQuery query = parsed("  late \"payment failed\"\tparcel -test -\"test order\" ");
  CHECK(query.words == "late payment failed parcel");
  CHECK(query.phrases == Texts{"payment failed"});
  CHECK(query.without == Texts{"test", "test order"});
  CHECK(query.only.empty());
}

TEST_CASE("names in a query keep to events and leave others out", "[search]") {
  const SearchQuery query =
      parsed("refund type:OrderPaid type:Refund stream:\"order 7\" tag:customer:3 -type:Test -stream:x -tag:\"a b\"");
  CHECK(query.words == "refund");
  CHECK(query.only.types == Texts{"OrderPaid", "Refund"});
  CHECK(query.only.streams == Texts{"order 7"});
  CHECK(query.only.tags == Texts{"customer:3"});
  CHECK(query.never.types == Texts{"Test"});
  CHECK(query.never.streams == Texts{"x"});
  CHECK(query.never.tags == Texts{"a b"});
}

TEST_CASE("what is no syntax is words", "[search]") {
  CHECK(parsed("a \"b c").words == "a \"b c");
  CHECK(parsed("a \"b c").phrases.empty());
  CHECK(parsed("5\" screen").words == "5\" screen");
  CHECK(parsed("state-of-the-art - type: kind:x").words == "state-of-the-art type: kind:x");
  CHECK(parsed("\"type:x\"").phrases == Texts{"type:x"});
  CHECK(parsed("x \"\" -\"\" type:\"\"").words == "x");
  CHECK(parsed("--x y").without == Texts{"-x"});
}

TEST_CASE("a query with nothing to look for is refused", "[search]") {
  for (const std::string_view text : {"", "  ", "\"\"", "\"", "-", "---", "\"   \""}) {
    INFO(text);
    const auto query = parse_query(text);
    REQUIRE_FALSE(query);
    CHECK(query.error().code == Code::kInvalidArgument);
    CHECK(query.error().message.find("no words") != std::string::npos);
  }
  CHECK(parse_query("-x").error().message.find("must not be there") != std::string::npos);
  CHECK(parse_query("type:x").error().message.find("query_events") != std::string::npos);
}

}  // namespace chronos::test
