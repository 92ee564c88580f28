#include "search/analyzer.h"

#include <string>

#include "tests/support/catch.h"

namespace chronos::test {
namespace {

std::string terms_of(std::string_view text, AnalyzerOptions options = {}) {
  const auto analyzer = Analyzer::make(options);
  REQUIRE(analyzer);
  Terms terms;
  (*analyzer)->add(text, terms);
  std::string all;
  for (size_t i = 0; i < terms.size(); i++) {
    all += (i == 0 ? "" : " ") + std::string(terms[i]) + "@" + std::to_string(terms.place(i));
  }
  return all;
}

}  // namespace

TEST_CASE("words are folded and stemmed, and stop words keep their place", "[analyzer]") {
  CHECK(terms_of("The Payments of order-42 were refused!") == "payment@1 order@3 42@4 refus@6");
  CHECK(terms_of("").empty());
  CHECK(terms_of(" \t...---").empty());
  CHECK(terms_of("don't we're") == "");
  CHECK(terms_of("the of", {.language = "english", .drops_stop_words = false}) == "the@0 of@1");
}

TEST_CASE("a word in two cases is a term, and so are its parts", "[analyzer]") {
  CHECK(terms_of("OrderShipped", {.language = "none"}) == "ordershipped@0 order@0 shipped@1");
  CHECK(terms_of("getUserID2 x", {.language = "none"}) == "getuserid2@0 get@0 user@1 id2@2 x@3");
  CHECK(terms_of("HTTPServer", {.language = "none"}) == "httpserver@0 http@0 server@1");
  CHECK(terms_of("snake_case.name", {.language = "none"}) == "snake@0 case@1 name@2");
  CHECK(terms_of("Plain CAPS", {.language = "none"}) == "plain@0 caps@1");
}

TEST_CASE("other scripts: folded, and pairs where there are no spaces", "[analyzer]") {
  CHECK(terms_of("STRASSE Straße", {.language = "none"}) == "strasse@0 strasse@1");
  CHECK(terms_of("Ünïcode ﬁnd", {.language = "none"}) == "ünïcode@0 find@1");
  CHECK(terms_of("東京都 x", {.language = "none"}) == "東京@0 京都@1 x@2");
  CHECK(terms_of("京", {.language = "none"}) == "京@0");
  CHECK(terms_of("Häuser laufend", {.language = "german"}) == "haus@0 laufend@1");
  CHECK(terms_of("a\xff\xfe"
                 "b",
                 {.language = "none"}) == "a@0 b@1");
}

TEST_CASE("a long word is cut between characters", "[analyzer]") {
  CHECK(terms_of(std::string(100, 'q'), {.language = "none"}) == std::string(64, 'q') + "@0");
  std::string umlauts;
  for (int i = 0; i < 50; i++) umlauts += "ü";
  CHECK(terms_of("x" + umlauts, {.language = "none"}).size() == 63 + 2);
}

TEST_CASE("an unknown language is refused, and the known ones are named", "[analyzer]") {
  const auto made = Analyzer::make({.language = "klingon"});
  REQUIRE_FALSE(made);
  CHECK(made.error().message.find("english") != std::string::npos);
  CHECK((*Analyzer::make({}))->identity() != (*Analyzer::make({.language = "german"}))->identity());
}

}  // namespace chronos::test
