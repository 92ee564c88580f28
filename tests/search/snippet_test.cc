// The piece of a text that is shown for a hit.
#include "search/snippet.h"

#include <string>

#include "tests/support/catch.h"
#include "tests/support/chance.h"

namespace chronos::test {
namespace {

std::string piece_of(std::string json, const std::vector<std::string>& terms) {
  const auto analyzer = *Analyzer::make({});
  json.append(64, ' ');
  return snippet(*analyzer, std::string_view(json).substr(0, json.size() - 64), terms);
}

std::string many(const std::string& word, int times) {
  std::string text;
  for (int i = 0; i < times; i++) text += word + ' ';
  return text;
}

}  // namespace

TEST_CASE("a snippet marks the words found, in any form", "[search]") {
  CHECK(piece_of(R"({"note":"Refunded the parcel, again."})", {"refund", "parcel"}) ==
        "**Refunded** the **parcel**, again.");
  CHECK(piece_of(R"({"a":"nothing","b":["x",{"c":"getUserName is called"}]})", {"user"}) ==
        "**getUserName** is called");
  CHECK(piece_of(R"({"a":"tab\tand\nline\u0001 parcel"})", {"parcel"}) == "tab and line  **parcel**");
  CHECK(piece_of(R"({"n":5,"a":"nothing"})", {"parcel"}).empty());
  CHECK(piece_of("{}", {"parcel"}).empty());
}

TEST_CASE("a snippet of a long text is cut around most of the words", "[search]") {
  const std::string text =
      many("one", 200) + "parcel " + many("two", 200) + "the parcel was refunded " + many("x", 200);
  const std::string piece = piece_of("{\"a\":\"parcel\",\"b\":\"" + text + "\"}", {"parcel", "refund"});
  CHECK(piece.find("the **parcel** was **refunded** x") != std::string::npos);
  CHECK(piece.starts_with("...two"));
  CHECK(piece.ends_with(" x..."));
  CHECK(piece.size() < kSnippetBytes + 20);
}

TEST_CASE("snippets never cut a character and never grow long", "[search]") {
  const std::vector<std::string> pieces = {"\u6771\u4eac", "\u00e9t\u00e9",   "parcel",    " ",
                                           "xyz",          "\u0e01\u0e02", "\U0001F600"};
  for (const uint64_t seed : test_seeds(1, 200)) {
    INFO("CHRONOS_SEED=" << seed);
    Chance chance(seed);
    std::string text;
    for (uint64_t i = chance.below(400); i > 0; i--) text += chance.pick(pieces);
    const std::string piece = piece_of("{\"a\":\"" + text + "\"}", {"parcel", "\u6771\u4eac", "xyz"});
    CHECK(piece.size() < 2 * text.size() + kSnippetBytes * 4);
    for (size_t i = 0; i < piece.size();) {
      const auto lead = static_cast<unsigned char>(piece[i]);
      const size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
      REQUIRE((lead & 0xc0) != 0x80);
      for (size_t k = 1; k < size; k++) REQUIRE((static_cast<unsigned char>(piece[i + k]) & 0xc0) == 0x80);
      i += size;
    }
  }
}

}  // namespace chronos::test
